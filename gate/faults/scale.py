"""scale: the workload has fewer (or more) pods for a while; its autoscaler is held at that number."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field, model_validator

from gate.documents.blocks import Block
from gate.documents.units import Percent
from gate.errors import Permanent
from gate.faults import autoscalers
from gate.faults.choosing import ROUNDING
from gate.faults.objects import RESOURCES, Json, found, must_find, named, patch
from gate.model import Step, Target, Undo, WorkloadKind, WorkloadName
from gate.running.ports import Cluster

SCALED = (WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.ROLLOUT)
"""What has a number of replicas. A DaemonSet has a pod wherever a node takes one."""


class Settings(Block):
    """To how many."""

    touches: ClassVar[str] = "it gets another number of replicas, and its autoscaler that number"
    comes_back: ClassVar[str] = "the numbers from before are put back, unless somebody has changed them meanwhile"

    to: int | None = Field(default=None, ge=0, le=1000, description="How many replicas.", examples=[0])
    percent: Percent | None = Field(
        default=None, description="Which share of the present replicas instead; rounded down, but at least one."
    )

    @model_validator(mode="after")
    def _one_number(self) -> "Settings":
        if (self.to is None) == (self.percent is None):
            raise ValueError("say either to, a number, or percent, a share of the present replicas")
        return self

    def of(self, replicas: int) -> int:
        """How many instead of so many."""
        if self.percent is not None:
            return max(1, int(replicas * self.percent + ROUNDING))
        return self.to or 0


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    return undos(step, workload, pods, Settings.model_validate(step.settings), cluster)


def undos(
    step: Step, workload: WorkloadName, pods: Sequence[Target], settings: Settings, cluster: Cluster
) -> list[Undo]:
    """One for the workload and one for its autoscaler, which is taken back first. None if nothing would change."""
    if workload.kind not in SCALED:
        raise Permanent(f"a {workload.kind} has no replicas that could be taken away; {', '.join(SCALED)} have")
    item = cluster.get(RESOURCES[workload.kind], workload.namespace, workload.name)
    if item is None or not _replicas(item) or settings.of(_replicas(item)) == _replicas(item):
        return []
    wanted, images = settings.of(_replicas(item)), pods[0].images if pods else ()
    target = Target(
        kind=workload.kind,
        namespace=workload.namespace,
        name=workload.name,
        uid=item["metadata"]["uid"],
        images=images,
    )
    its_own = Undo(
        id=f"{step.name}/{workload.name}",
        step=step.name,
        fault=step.fault,
        target=target,
        settings={"to": wanted},
        before={"replicas": _replicas(item)},
    )
    return [its_own, *autoscalers.plan(step, workload, images, wanted, cluster)]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Only from the number of replicas that the undo knows: another one could not be put back."""
    if undo.target.kind == autoscalers.KIND:
        return autoscalers.inject(undo, cluster)
    item, before = must_find(cluster, undo.target), undo.before["replicas"]
    now = _replicas(item)
    if now == _wanted(undo):
        return None
    if now != before:
        raise Permanent(f"{named(undo.target)} was scaled from {before} to {now} meanwhile")
    return patch(cluster, undo.target, item, {"spec": {"replicas": _wanted(undo)}})


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """Asked for is not enough: so many pods there must be."""
    if undo.target.kind == autoscalers.KIND:
        return autoscalers.prove(undo, cluster)
    item, wanted = found(cluster, undo.target), _wanted(undo)
    if item is None or _replicas(item) != wanted:
        return None
    status = item.get("status") or {}
    seen = int(status.get("observedGeneration") or 0) >= item["metadata"].get("generation", 1)
    if not seen or status.get("replicas", 0) != wanted:
        return None
    return f"{undo.target.kind} {undo.target.name} has {wanted or 'no'} pods"


def revert(undo: Undo, cluster: Cluster) -> str:
    """Back to what it was, unless somebody has scaled it meanwhile: then theirs is the last word."""
    if undo.target.kind == autoscalers.KIND:
        return autoscalers.revert(undo, cluster)
    item, name, before = found(cluster, undo.target), named(undo.target), undo.before["replicas"]
    if item is None:
        return f"{name} is gone; there is nothing to put back"
    now = _replicas(item)
    if now == before:
        return f"{name} has its {before} replicas"
    if now != _wanted(undo):
        return f"{name} was scaled to {now} by somebody else meanwhile, and is left so"
    patch(cluster, undo.target, item, {"spec": {"replicas": before}})
    return f"{name} is scaled back to {before} replicas"


def _replicas(item: Json) -> int:
    return int(item["spec"].get("replicas", 1))


def _wanted(undo: Undo) -> int:
    return int(undo.settings.get("to", 0))  # records of scale-to-zero from before there was scale say nothing
