"""Nodes as targets: those that have pods of the workload, cordoned with a mark that says by which act.

Not a fault of its own: what `node-cordon` and `node-drain` share. Nodes belong to everybody: only the policy of the
administrators can allow this.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from gate.documents.units import Percent
from gate.errors import Permanent
from gate.faults.choosing import Choice, choose, some
from gate.faults.objects import Json, found, must_find, named, patch, zone_of
from gate.model import Step, Target, Undo, fingerprint
from gate.running.ports import Cluster

KIND = "Node"
CORDONED = "chaosgate.dev/cordoned"
"""An annotation of a node that we cordoned: by which act. A node that somebody else cordons stays so."""


class NodeChoice(Choice):
    """Which of the nodes that have ready pods of the target."""

    others: ClassVar[str] = "nodes, which belong to everybody"
    touches: ClassVar[str] = "the node takes no new pods; with node-drain those of the workload are evicted from it"
    comes_back: ClassVar[str] = "the node takes pods again, if this act cordoned it"

    count: int | None = Field(default=None, ge=1, description="How many nodes.", examples=[1])
    percent: Annotated[Percent, AfterValidator(some)] | None = Field(
        default=None, description="Which share of the nodes instead; rounded down, but at least one."
    )


def plan(step: Step, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """One for each node. What is cordoned already cannot be cordoned."""
    choice = NodeChoice.model_validate(step.settings)
    nodes = [_target(item) for name in sorted({pod.node for pod in pods}) if (item := _schedulable(cluster, name))]
    return [
        Undo(
            id=f"{step.name}/{KIND}/{node.name}",
            step=step.name,
            fault=step.fault,
            target=node,
            settings={"mark": fingerprint(seed, step.name, node.uid)},
        )
        for node in choose(choice, step, nodes, seed, partial(zone_of, cluster))
    ]


def cordon(undo: Undo, cluster: Cluster) -> None:
    """Raises `Permanent` if somebody else has cordoned it meanwhile."""
    item = must_find(cluster, undo.target)
    if _is_ours(item, undo):
        return
    if item["spec"].get("unschedulable"):
        raise Permanent(f"{named(undo.target)} was cordoned meanwhile")
    mark = {"annotations": {CORDONED: undo.settings["mark"]}}
    patch(cluster, undo.target, item, {"metadata": mark, "spec": {"unschedulable": True}})


def is_cordoned(undo: Undo, cluster: Cluster) -> str | None:
    """The proof, as of a fault."""
    item = found(cluster, undo.target)
    if item is None or not _is_ours(item, undo) or not item["spec"].get("unschedulable"):
        return None
    return f"{named(undo.target)} takes no new pods"


def uncordon(undo: Undo, cluster: Cluster) -> str:
    item, name = found(cluster, undo.target), named(undo.target)
    if item is None:
        return f"{name} is gone; there is nothing to put back"
    if not _is_ours(item, undo):
        return f"{name} was not cordoned by this act, and is left as it is"
    patch(cluster, undo.target, item, {"metadata": {"annotations": {CORDONED: None}}, "spec": {"unschedulable": None}})
    return f"{name} takes new pods"


def _schedulable(cluster: Cluster, name: str) -> Json | None:
    item = cluster.get("nodes", "", name)
    return item if item is not None and not item["spec"].get("unschedulable") else None


def _target(item: Json) -> Target:
    metadata = item["metadata"]
    return Target(kind=KIND, namespace="", name=metadata["name"], uid=metadata["uid"], node=metadata["name"])


def _is_ours(item: Json, undo: Undo) -> bool:
    return bool((item["metadata"].get("annotations") or {}).get(CORDONED) == undo.settings["mark"])
