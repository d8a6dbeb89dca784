"""scale-to-zero: the workload has no pods for a while, as after a mistake at the console."""

from collections.abc import Sequence

from gate.documents.blocks import Block
from gate.errors import Permanent
from gate.model import Step, Target, Undo, WorkloadKind, WorkloadName
from gate.running.ports import Cluster

RESOURCES = {
    WorkloadKind.DEPLOYMENT: "deployments",
    WorkloadKind.STATEFUL_SET: "statefulsets",
    WorkloadKind.ROLLOUT: "rollouts",
}
"""What has a number of replicas. A DaemonSet has a pod wherever a node takes one."""


class Settings(Block):
    """Nothing can be chosen."""


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """A workload that has no pods anyway cannot lose them."""
    found = cluster.get(_resource(workload.kind), workload.namespace, workload.name)
    if found is None or not found["spec"].get("replicas", 1):
        return []
    images = pods[0].images if pods else ()
    target = Target(
        kind=workload.kind,
        namespace=workload.namespace,
        name=workload.name,
        uid=found["metadata"]["uid"],
        images=images,
    )
    before = {"replicas": found["spec"].get("replicas", 1)}
    return [Undo(id=f"{step.name}/{workload.name}", step=step.name, fault=step.fault, target=target, before=before)]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Only from the number of replicas that the undo knows: another one could not be put back."""
    target, before = undo.target, undo.before["replicas"]
    found = cluster.get(_resource(target.kind), target.namespace, target.name)
    if found is None or found["metadata"]["uid"] != target.uid:
        raise Permanent(f"{target.kind} {target.namespace}/{target.name} is gone")
    now = found["spec"].get("replicas", 1)
    if now == 0:
        return
    if now != before:
        raise Permanent(f"{target.kind} {target.namespace}/{target.name} was scaled from {before} to {now} meanwhile")
    _scale(undo, cluster, 0, found["metadata"]["resourceVersion"])


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """Asked for is not enough: the pods must be gone."""
    found = cluster.get(_resource(undo.target.kind), undo.target.namespace, undo.target.name)
    if found is None or found["spec"].get("replicas", 1) != 0:
        return None
    status = found.get("status") or {}
    if int(status.get("observedGeneration") or 0) < found["metadata"].get("generation", 1) or status.get("replicas", 0):
        return None
    return f"{undo.target.kind} {undo.target.name} has no pods"


def revert(undo: Undo, cluster: Cluster) -> str:
    """Back to what it was, unless somebody has scaled it meanwhile: then theirs is the last word."""
    target, before = undo.target, undo.before["replicas"]
    name = f"{target.kind} {target.namespace}/{target.name}"
    found = cluster.get(_resource(target.kind), target.namespace, target.name)
    if found is None or found["metadata"]["uid"] != target.uid:
        return f"{name} is gone; there is nothing to put back"
    now = found["spec"].get("replicas", 1)
    if now == before:
        return f"{name} has its {before} replicas"
    if now != 0:
        return f"{name} was scaled to {now} by somebody else meanwhile, and is left so"
    _scale(undo, cluster, before, found["metadata"]["resourceVersion"])
    return f"{name} is scaled back to {before} replicas"


def _scale(undo: Undo, cluster: Cluster, replicas: int, version: str) -> None:
    body = {"metadata": {"resourceVersion": version}, "spec": {"replicas": replicas}}
    cluster.patch(_resource(undo.target.kind), undo.target.namespace, undo.target.name, body)


def _resource(kind: str) -> str:
    if kind not in RESOURCES:
        raise Permanent(f"a {kind} has no replicas that could be taken away; {', '.join(RESOURCES)} have")
    return RESOURCES[WorkloadKind(kind)]
