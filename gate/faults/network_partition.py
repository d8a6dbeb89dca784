"""network-partition: the workload's pods are cut off by a NetworkPolicy of our own, which lets nothing through.

A cluster without a policy controller takes policies and ignores them, so only a probe can show that this one is felt.
And policies only add up: where another one lets something through, no policy can stop it.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from gate.documents.blocks import Block
from gate.errors import Conflict, Permanent
from gate.faults.objects import OURS, RESOURCES, Json, must_find, named
from gate.model import Step, Target, Undo, WorkloadName, fingerprint
from gate.running.ports import Cluster

POLICIES = "networkpolicies"


class Direction(StrEnum):
    """Which connections are cut: those to the pods, those that they make, or all."""

    INGRESS = "ingress"
    EGRESS = "egress"
    BOTH = "both"

    @property
    def fields(self) -> list[str]:
        """The fields of a policy that are about it."""
        return ["ingress", "egress"] if self is Direction.BOTH else [self.value]


class Settings(Block):
    """Which connections are cut, and what shows it."""

    touches: ClassVar[str] = "a NetworkPolicy lets nothing through to or from its pods"
    comes_back: ClassVar[str] = "the NetworkPolicy is deleted"

    direction: Direction = Field(
        default=Direction.BOTH, description="Connections to the pods, those they make, or all."
    )
    probe: str = Field(
        min_length=1, description="The probe whose bad answer shows that it is felt.", examples=["inventory answers"]
    )


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """Raises `Permanent` where another policy would let through what is to be cut."""
    settings = Settings.model_validate(step.settings)
    item = cluster.get(RESOURCES[workload.kind], workload.namespace, workload.name)
    if item is None or not pods:
        return []
    uid = item["metadata"]["uid"]
    target = Target(
        kind=workload.kind, namespace=workload.namespace, name=workload.name, uid=uid, images=pods[0].images
    )
    _must_be_alone(cluster, must_find(cluster, pods[0]), settings.direction)
    return [
        Undo(
            id=f"{step.name}/{workload.name}",
            step=step.name,
            fault=step.fault,
            target=target,
            settings={
                "policy": f"chaos-gate-{fingerprint(seed, step.name, uid)}",
                "direction": settings.direction.value,
            },
            proof=settings.probe,
        )
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """The policy belongs to the workload, and goes with it. Raises `Permanent` if somebody else has its name."""
    item, target, name = must_find(cluster, undo.target), undo.target, undo.settings["policy"]
    owner = {"apiVersion": item["apiVersion"], "kind": target.kind, "name": target.name, "uid": target.uid}
    kinds = [field.capitalize() for field in Direction(undo.settings["direction"]).fields]
    body = {
        "metadata": {"name": name, "labels": OURS, "ownerReferences": [owner]},
        "spec": {"podSelector": item["spec"]["selector"], "policyTypes": kinds},
    }
    try:
        cluster.create(POLICIES, target.namespace, body)
    except Conflict:
        present = cluster.get(POLICIES, target.namespace, name)
        if present is None:
            raise
        if not _is_ours(present, undo):
            raise Permanent(f"the NetworkPolicy {target.namespace}/{name} is somebody else's") from None


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """That the policy is there; that it is felt, the undo leaves to a probe."""
    if _policy(undo, cluster) is None:
        return None
    return f"NetworkPolicy {undo.settings['policy']} cuts off {named(undo.target)}"


def revert(undo: Undo, cluster: Cluster) -> str:
    name, item = f"the NetworkPolicy {undo.settings['policy']}", _policy(undo, cluster)
    if item is None:
        return f"{name} is not there"
    cluster.delete(POLICIES, undo.target.namespace, undo.settings["policy"], uid=item["metadata"]["uid"])
    return f"{name} is deleted"


def _policy(undo: Undo, cluster: Cluster) -> Json | None:
    """The policy of this act; one of the same name that somebody else made is none."""
    item = cluster.get(POLICIES, undo.target.namespace, undo.settings["policy"])
    return item if item is not None and _is_ours(item, undo) else None


def _is_ours(item: Json, undo: Undo) -> bool:
    metadata = item["metadata"]
    owners = {owner["uid"] for owner in metadata.get("ownerReferences") or ()}
    return undo.target.uid in owners and OURS.items() <= (metadata.get("labels") or {}).items()


def _must_be_alone(cluster: Cluster, pod: Json, direction: Direction) -> None:
    policies, _ = cluster.list(POLICIES, pod["metadata"]["namespace"])
    for policy in policies:
        spec = policy["spec"]
        open_for = [field for field in direction.fields if spec.get(field)]
        if open_for and _selects(spec.get("podSelector") or {}, pod["metadata"].get("labels") or {}):
            raise Permanent(
                f"NetworkPolicy {policy['metadata']['name']} lets some {' and '.join(open_for)} through, and policies "
                "only add up: choose the other direction, or another fault"
            )


def _selects(selector: Json, labels: Json) -> bool:
    """Whether a label selector finds an object with these labels."""
    if not (selector.get("matchLabels") or {}).items() <= labels.items():
        return False
    return all(_holds(each, labels) for each in selector.get("matchExpressions") or ())


def _holds(expression: Json, labels: Json) -> bool:
    key, values = expression["key"], expression.get("values") or ()
    match expression["operator"]:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case _:
            return key not in labels
