"""cpu-stress: busy loops in a container, as many as are asked for. `stress` does the work."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from gate.faults import stress
from gate.faults.beside import Aided
from gate.faults.stress import Program
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

BURN = Program(
    run="""end=$(($(date +%s) + $1)) n=$2
burn() { while [ "$(date +%s)" -lt "$end" ]; do i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; done; }
while [ "$n" -gt 1 ]; do burn & n=$((n - 1)); done
burn; wait""",
    look="""read -r s <"/proc/$p/stat" && set -- "$1" ${s##*) } && t=$((t + ${13} + ${14}))""",
    enough=10,
    unit="ticks of processor time were burnt",
)


class Settings(Aided):
    """How many processors' worth."""

    touches: ClassVar[str] = "busy loops in the container"
    comes_back: ClassVar[str] = "the loops are ended; by themselves 30 s after the hold"

    workers: int = Field(default=1, ge=1, le=64, description="How many loops; each uses up to one processor.")


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    settings = Settings.model_validate(step.settings)
    return stress.plan(step, settings, [str(settings.workers)], pods, seed, cluster)


def inject(undo: Undo, cluster: Cluster) -> None:
    stress.start(undo, cluster, BURN)


def prove(undo: Undo, cluster: Cluster) -> str | None:
    return stress.felt(undo, cluster, BURN)


def revert(undo: Undo, cluster: Cluster) -> str:
    return stress.stop(undo, cluster, BURN)
