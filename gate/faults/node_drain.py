"""node-drain: a node takes no new pods, and the workload's pods on it are evicted as far as disruption budgets allow.

Pods of other workloads stay: they are not what is judged, and nobody has allowed to hit them.
"""

from collections.abc import Sequence

from gate.errors import Permanent
from gate.faults import nodes, pod_kill
from gate.faults.nodes import NodeChoice as Settings
from gate.model import Step, Target, Undo, WorkloadKind, WorkloadName
from gate.running.ports import Cluster

__all__ = ["Settings", "inject", "plan", "prove", "revert"]


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """First the nodes, or the replacements would come back to them."""
    if workload.kind is WorkloadKind.DAEMON_SET:
        raise Permanent(
            f"the pods of {workload} come back to a node that is cordoned; a drain leaves them where they are"
        )
    cordons = nodes.plan(step, pods, seed, cluster)
    drained = {undo.target.name for undo in cordons}
    evictions = [
        Undo(id=f"{step.name}/{pod.name}", step=step.name, fault=step.fault, target=pod)
        for pod in sorted(pods, key=lambda pod: pod.uid)
        if pod.node in drained
    ]
    return [*cordons, *evictions]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Protected` for as long as a disruption budget forbids the eviction."""
    if undo.target.kind == nodes.KIND:
        nodes.cordon(undo, cluster)
    else:
        cluster.evict(undo.target.namespace, undo.target.name, uid=undo.target.uid)


def prove(undo: Undo, cluster: Cluster) -> str | None:
    return nodes.is_cordoned(undo, cluster) if undo.target.kind == nodes.KIND else pod_kill.prove(undo, cluster)


def revert(undo: Undo, cluster: Cluster) -> str:
    return nodes.uncordon(undo, cluster) if undo.target.kind == nodes.KIND else pod_kill.revert(undo, cluster)
