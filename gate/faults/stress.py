"""Programs that use up something in a container, and end by themselves when their time is over.

Not a fault of its own: what `cpu-stress`, `memory-stress` and `disk-fill` share. The programs are shell, run by `exec`
beside the container's own process, and found again by their mark in the process table: there may be no file to write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from shlex import quote

from gate.errors import NoProgram, Permanent
from gate.faults.beside import Aided, begin, instead, is_beside
from gate.faults.choosing import choose
from gate.faults.containers import APART, container_of, sh, sh_if_it_runs, where
from gate.faults.objects import must_find, zone_of
from gate.model import Step, Target, Undo, fingerprint
from gate.running.ports import Cluster

LONGER = timedelta(seconds=30)
"""How much longer than the step a program may last if nobody ends it: taking back is tried for so long."""
MARK = "chaos-gate-"

# The pattern does not match itself, or whoever looks would find his own grep.
FIND = """m="$1"; shift
found() { for p in /proc/[0-9]*; do grep -qs "[c]haos-gate-$m" "$p/cmdline" && echo "${p#/proc/}"; done; }
"""
# Again until there is none: what was just beginning may have begun another one.
STOP = (
    FIND
    + """while p=$(found); [ -n "$p" ]; do kill -9 $p; echo "$p"; done
"""
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program for the shell, and what belongs to it. All of it gets the seconds that it may last as `$1`, then its
    own arguments.
    """

    run: str
    """`$0` is its mark."""
    look: str
    """Writes a number that shows what it has used up; `$p` is each of its processes, one after the other."""
    enough: int
    """From that number on it is felt."""
    unit: str
    """What the number counts, for people."""
    check: str = ""
    """Run before it is started, in the same shell; writes why it may not be, and exits."""
    path: str = ""
    """The directory of the container in which it works, if that matters."""
    clean: str = ""
    """Run after it was ended; `$m` is what follows `MARK` in its mark. Writes nothing."""


def plan(
    step: Step, place: Aided, arguments: Sequence[str], pods: Sequence[Target], seed: str, cluster: Cluster
) -> list[Undo]:
    """Raises `Permanent` if the pods have no such container, or it has no shell and nobody says where one is, and
    `Denied` if we may run nothing in it.
    """
    undos = []
    for pod in choose(place, step, pods, seed, partial(zone_of, cluster)):
        item = must_find(cluster, pod)
        undo = Undo(
            id=f"{step.name}/{pod.name}",
            step=step.name,
            fault=step.fault,
            target=pod,
            settings={
                "container": container_of(item, place.container, pod)["name"],
                "mark": f"{pod.uid}-{fingerprint(seed, step.name)}",
                "seconds": int((step.hold + LONGER).total_seconds()),
                "arguments": list(arguments),
            },
        )
        try:
            sh(undo, cluster, ":", changing=False)  # or what was never begun could not be taken back either
        except NoProgram as error:
            undo = instead(undo, place, item, error)
        undos.append(undo)
    return undos


def start(undo: Undo, cluster: Cluster, program: Program) -> None:
    """Start it, if it does not run already. Raises `Permanent` if its check says no."""
    if is_beside(undo):
        begin(undo, cluster, program.path)
    must_find(cluster, undo.target)
    script = f"""{FIND}[ -n "$(found)" ] && exit 0
{program.check}
{APART}apart sh -c {quote(program.run)} "{MARK}$m" "$@" """
    if refusal := sh(undo, cluster, script, *_arguments(undo)).strip():
        raise Permanent(f"{where(undo)}: {refusal}")


def felt(undo: Undo, cluster: Cluster, program: Program) -> str | None:
    look = f"""{FIND}t=0; for p in $(found); do {program.look}; done; echo "$t" """
    said = sh_if_it_runs(undo, cluster, look, *_arguments(undo), changing=False)
    used = int((said or "").strip() or 0)
    return f"{used} {program.unit} in {where(undo)}" if used >= program.enough else None


def stop(undo: Undo, cluster: Cluster, program: Program) -> str:
    """End it, if it runs. A container that does not run, or is another one by now, has taken it along."""
    said = sh_if_it_runs(undo, cluster, f"{STOP}{program.clean}\n:", *_arguments(undo))
    if said is None:
        return f"{where(undo)} does not run; nothing is left in it"
    return f"{len(said.split())} processes in {where(undo)} were ended"


def _arguments(undo: Undo) -> list[str]:
    return [undo.settings["mark"], str(undo.settings["seconds"]), *undo.settings["arguments"]]
