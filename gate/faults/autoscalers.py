"""The autoscaler of a workload that is scaled: held at the same number meanwhile, or it would undo the fault at once.

Not a fault of its own: a part of `scale`.
"""

from collections.abc import Sequence

from gate.errors import Absent, Permanent
from gate.faults.objects import Json, found, must_find, named, patch
from gate.model import ContainerImage, Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

KIND = "HorizontalPodAutoscaler"


def plan(
    step: Step, workload: WorkloadName, images: Sequence[ContainerImage], wanted: int, cluster: Cluster
) -> list[Undo]:
    """An undo for each autoscaler of the workload. None at zero replicas: Kubernetes itself pauses them then."""
    if wanted == 0:
        return []
    try:
        present, _ = cluster.list("horizontalpodautoscalers", workload.namespace)
    except Absent:  # this cluster has no autoscaling
        return []
    return [
        Undo(
            id=f"{step.name}/{KIND}/{item['metadata']['name']}",
            step=step.name,
            fault=step.fault,
            target=Target(
                kind=KIND,
                namespace=workload.namespace,
                name=item["metadata"]["name"],
                uid=item["metadata"]["uid"],
                images=tuple(images),
            ),
            settings={"to": wanted},
            before=_bounds(item),
        )
        for item in present
        if _scales(item, workload)
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """With both bounds at that number there is nothing left to decide. Raises `Permanent` if somebody moved them."""
    item = must_find(cluster, undo.target)
    now = _bounds(item)
    if now == _held(undo):
        return
    if now != undo.before:
        raise Permanent(f"the bounds of {named(undo.target)} were changed meanwhile")
    patch(cluster, undo.target, item, {"spec": _held(undo)})


def prove(undo: Undo, cluster: Cluster) -> str | None:
    item = found(cluster, undo.target)
    if item is None or _bounds(item) != _held(undo):
        return None
    return f"{named(undo.target)} is held at {undo.settings['to']}"


def revert(undo: Undo, cluster: Cluster) -> str:
    item = found(cluster, undo.target)
    if item is None:
        return f"{named(undo.target)} is gone; there is nothing to put back"
    now = _bounds(item)
    if now == undo.before:
        return f"{named(undo.target)} has its own bounds"
    if now != _held(undo):
        return f"the bounds of {named(undo.target)} were changed by somebody else meanwhile, and are left so"
    patch(cluster, undo.target, item, {"spec": dict(undo.before)})
    return f"{named(undo.target)} has its own bounds again"


def _scales(item: Json, workload: WorkloadName) -> bool:
    about = item["spec"]["scaleTargetRef"]
    return (about["kind"], about["name"]) == (workload.kind, workload.name)


def _bounds(item: Json) -> dict[str, int]:
    return {"minReplicas": item["spec"].get("minReplicas", 1), "maxReplicas": item["spec"]["maxReplicas"]}


def _held(undo: Undo) -> dict[str, int]:
    return {"minReplicas": undo.settings["to"], "maxReplicas": undo.settings["to"]}
