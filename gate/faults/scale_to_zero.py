"""scale-to-zero: the workload has no pods for a while, as after a mistake at the console. `scale` does the work."""

from collections.abc import Sequence
from typing import ClassVar

from gate.documents.blocks import Block
from gate.faults import scale
from gate.faults.scale import inject, prove, revert
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

__all__ = ["Settings", "inject", "plan", "prove", "revert"]


class Settings(Block):
    """Nothing can be chosen."""

    touches: ClassVar[str] = "it has no pods"
    comes_back: ClassVar[str] = "its replicas from before are put back, unless somebody has changed them meanwhile"


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """A workload that has no pods anyway cannot lose them."""
    return scale.undos(step, workload, pods, scale.Settings(to=0), cluster)
