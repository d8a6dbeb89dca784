"""node-cordon: nodes with pods of the workload take no new ones, as before a maintenance. `nodes` does the work."""

from collections.abc import Sequence

from gate.faults import nodes
from gate.faults.nodes import NodeChoice as Settings
from gate.faults.nodes import cordon as inject
from gate.faults.nodes import is_cordoned as prove
from gate.faults.nodes import uncordon as revert
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

__all__ = ["Settings", "inject", "plan", "prove", "revert"]


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    return nodes.plan(step, pods, seed, cluster)
