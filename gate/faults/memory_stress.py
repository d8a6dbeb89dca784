"""memory-stress: a process in a container holds so much memory. `stress` does the work."""

from collections.abc import Sequence
from typing import ClassVar

from pydantic import Field

from gate.documents.units import Size
from gate.faults import stress
from gate.faults.beside import Aided
from gate.faults.stress import Program
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

# Variables of the shell, a mebibyte each: no file system and no other program is needed.
HOLD = """end=$(($(date +%s) + $1)) b=xxxxxxxxxxxxxxxx i=0
while [ ${#b} -lt 1048576 ]; do b=$b$b; done
while [ $i -lt "$2" ]; do eval "m$i=\\$b"; i=$((i + 1)); done
while [ "$(date +%s)" -lt "$end" ]; do sleep 1; done"""
LOOK = """while read -r k v s; do [ "$k" = VmRSS: ] && t=$((t + v / 1024)); done <"/proc/$p/status\""""


class Settings(Aided):
    """How much."""

    touches: ClassVar[str] = "a process in the container holds memory"
    comes_back: ClassVar[str] = "the process is ended; by itself 30 s after the hold"

    size: Size = Field(description="How much memory it takes, beyond what the container uses.")


def _program(undo: Undo) -> Program:
    (size,) = undo.settings["arguments"]
    return Program(run=HOLD, look=LOOK, enough=int(size), unit="MiB of memory are held")


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    settings = Settings.model_validate(step.settings)
    return stress.plan(step, settings, [str(settings.size)], pods, seed, cluster)


def inject(undo: Undo, cluster: Cluster) -> None:
    stress.start(undo, cluster, _program(undo))


def prove(undo: Undo, cluster: Cluster) -> str | None:
    return stress.felt(undo, cluster, _program(undo))


def revert(undo: Undo, cluster: Cluster) -> str:
    return stress.stop(undo, cluster, _program(undo))
