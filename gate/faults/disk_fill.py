"""disk-fill: space of the file system under a directory of a container is taken. `stress` does the work.

The file has a name only until it is open. From then on its space is that of a process: the kernel gives it back with
the last one, whatever ends that, also where nobody can look any more, as in a volume whose pod is gone.
"""

from collections.abc import Sequence
from math import ceil
from typing import ClassVar

from pydantic import Field

from gate.documents.units import Percent, Size
from gate.faults import stress
from gate.faults.beside import Aided
from gate.faults.stress import Program
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

STRIDE = 16
"""How many mebibytes are written between two looks at what is left."""

# Of a whole file system: what may still be taken, in MiB, if so many thousandths of it are to stay free.
ROOM = """room() {
  df -Pk . | { read -r t; read -r t all used free t; echo $((free / 1024 - all / 1024 * $1 / 1000)); }
}
"""
CHECK = (
    ROOM
    + """cd -- "${4:-${TMPDIR:-/tmp}}" 2>/dev/null || { echo "there is no directory ${4:-${TMPDIR:-/tmp}}"; exit; }
[ -w . ] || { echo "$PWD is read-only"; exit; }
r=$(room "$3"); [ "$r" -ge "$2" ] || { echo "$PWD has room for $r MiB, without what is to stay free"; exit; }"""
)
# The directory is that of the shell that made the check. The file is not kept by a sleep that lasts longer than we do;
# it is closed in a shell of its own, for dash closes before it forks.
FILL = f"""{ROOM}end=$(($(date +%s) + $1)) i=0
rm -f "./$0"; set -C; exec 3>"./$0" || exit; rm "./$0"
while [ $i -lt "$2" ] && [ "$(date +%s)" -lt "$end" ]; do
  n=$(($2 - i)); [ $n -gt {STRIDE} ] && n={STRIDE}
  [ "$(room "$3")" -ge $n ] || break
  dd if=/dev/zero bs=1048576 count=$n 2>/dev/null >&3 || break
  i=$((i + n))
done
while [ "$(date +%s)" -lt "$end" ]; do (exec sleep 1 3>&-); done"""
# Blocks, not length: a file system that compresses has not given away much for zeros. It is one file, however many
# processes have it.
LOOK = """k=$(du -Lk "/proc/$p/fd/3" 2>/dev/null) && t=$((${k%%[!0-9]*} / 1024))"""
CLEAN = f"""rm -f -- "${{4:-${{TMPDIR:-/tmp}}}}/{stress.MARK}$m" 2>/dev/null"""


class Settings(Aided):
    """How much, where, and what is left for the others."""

    touches: ClassVar[str] = "a file without a name takes space"
    comes_back: ClassVar[str] = "the process that has the file is ended; by itself 30 s after the hold"

    size: Size = Field(description="How much space is taken.")
    path: str = Field(
        default="",
        pattern=r"^(/[^\x00-\x1f]*)?$",
        description="A directory on the file system; $TMPDIR of the container, or /tmp, if left out.",
        examples=["/data"],
    )
    leave: Percent = Field(
        default=0.1, description="Which share of the file system stays free: nodes and other pods may live on it, too."
    )


def _program(undo: Undo) -> Program:
    size, _, path = undo.settings["arguments"]
    unit = "MiB of the disk are taken"
    return Program(run=FILL, look=LOOK, enough=int(size), unit=unit, check=CHECK, path=path, clean=CLEAN)


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    settings = Settings.model_validate(step.settings)
    arguments = [str(settings.size), str(ceil(settings.leave * 1000)), settings.path]
    return stress.plan(step, settings, arguments, pods, seed, cluster)


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Permanent` if there is no such directory, or not enough room in it."""
    stress.start(undo, cluster, _program(undo))


def prove(undo: Undo, cluster: Cluster) -> str | None:
    return stress.felt(undo, cluster, _program(undo))


def revert(undo: Undo, cluster: Cluster) -> str:
    return stress.stop(undo, cluster, _program(undo))
