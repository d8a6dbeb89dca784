"""Programs that use up something in a container, and end by themselves when their time is over.

Not a fault of its own: what `cpu-stress` and `memory-stress` share. The programs are shell, run by `exec`
beside the container's own process, and found again by their mark in the process table: there may be no file to write.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from pydantic import Field

from gate.errors import Absent, Permanent
from gate.faults.choosing import Choice, choose
from gate.faults.objects import Json, found, must_find, named, zone_of
from gate.model import Step, Target, Undo, fingerprint
from gate.running.ports import Cluster

LONGER = timedelta(seconds=30)
"""How much longer than the step a program may last if nobody ends it: taking back is tried for so long."""
MARK = "chaos-gate-"

# The pattern does not match itself, or whoever looks would find his own grep.
FIND = (
    """found() { for p in /proc/[0-9]*; do grep -qs "[c]haos-gate-$1" "$p/cmdline" && echo "${p#/proc/}"; done; }; """
)
# In a session of its own, where that can be had: it shall outlive the exec that starts it, which waits until it is so.
START = (
    FIND
    + """[ -n "$(found "$1")" ] && exit 0
m="chaos-gate-$1" p="$2"; shift 2; s=; command -v setsid >/dev/null 2>&1 && s=setsid
$s sh -c "$p" "$m" "$@" </dev/null >/dev/null 2>&1 &
q=$! n=0
while [ -n "$s" ] && [ $n -lt 1000 ] && read -r t <"/proc/$q/stat"; do
  set -- ${t##*) }; [ "$4" = "$q" ] && break; n=$((n + 1))
done; :"""
)
# Again until there is none: what was just beginning may have begun another one.
STOP = FIND + """while p=$(found "$1"); [ -n "$p" ]; do kill -9 $p; echo "$p"; done; :"""


class Place(Choice):
    """Which pods, and where in them."""

    container: str = Field(default="", description="In which container; the first one if left out.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A program for the shell. It is told how many seconds it may last, and then its own arguments."""

    run: str
    look: str
    """Writes a number that shows what it has used up; `$p` is each of its processes, one after the other."""
    enough: int
    """From that number on it is felt."""
    unit: str
    """What the number counts, for people."""


def plan(
    step: Step, place: Place, arguments: Sequence[str], pods: Sequence[Target], seed: str, cluster: Cluster
) -> list[Undo]:
    """Raises `Permanent` if the pods have no such container."""
    undos = []
    for pod in choose(place, step, pods, seed, partial(zone_of, cluster)):
        container = container_of(must_find(cluster, pod), place.container, pod)["name"]
        undos.append(
            Undo(
                id=f"{step.name}/{pod.name}",
                step=step.name,
                fault=step.fault,
                target=pod,
                settings={
                    "container": container,
                    "mark": f"{pod.uid}-{fingerprint(seed, step.name)}",
                    "seconds": int((step.hold + LONGER).total_seconds()),
                    "arguments": list(arguments),
                },
            )
        )
    return undos


def container_of(item: Json, wanted: str, pod: Target) -> Json:
    """Raises `Permanent` if the pod has no such container."""
    containers: list[Json] = item["spec"]["containers"]
    for container in containers:
        if wanted in {"", container["name"]}:
            return container
    names = ", ".join(container["name"] for container in containers)
    raise Permanent(f'{named(pod)} has no container "{wanted}"; it has {names}')


def start(undo: Undo, cluster: Cluster, program: Program) -> None:
    """Start it, if it does not run already."""
    must_find(cluster, undo.target)
    _sh(undo, cluster, START, program.run, str(undo.settings["seconds"]), *undo.settings["arguments"])


def felt(undo: Undo, cluster: Cluster, program: Program) -> str | None:
    look = f"""{FIND}t=0; for p in $(found "$1"); do {program.look}; done; echo "$t" """
    said = _sh_if_it_runs(undo, cluster, look, *undo.settings["arguments"], changing=False)
    used = int((said or "").strip() or 0)
    return (
        f"{used} {program.unit} in {undo.settings['container']} of {named(undo.target)}"
        if used >= program.enough
        else None
    )


def stop(undo: Undo, cluster: Cluster) -> str:
    """End it, if it runs. A container that does not run, or is another one by now, has taken it along."""
    said = _sh_if_it_runs(undo, cluster, STOP)
    if said is None:
        return f"{undo.settings['container']} of {named(undo.target)} does not run; nothing is left in it"
    return f"{len(said.split())} processes in {undo.settings['container']} of {named(undo.target)} were ended"


def _sh_if_it_runs(undo: Undo, cluster: Cluster, script: str, *arguments: str, changing: bool = True) -> str | None:
    """What the script wrote; None if the container does not run, or goes while it is asked."""
    if not _runs(undo, cluster):
        return None
    try:
        return _sh(undo, cluster, script, *arguments, changing=changing)
    except Absent:
        return None


def _runs(undo: Undo, cluster: Cluster) -> bool:
    """Raises `Temporary` where the container is about to start."""
    item = found(cluster, undo.target)
    statuses: Sequence[Json] = ((item or {}).get("status") or {}).get("containerStatuses") or ()
    state = next((each.get("state") or {} for each in statuses if each["name"] == undo.settings["container"]), {})
    return "running" in state


def _sh(undo: Undo, cluster: Cluster, script: str, *arguments: str, changing: bool = True) -> str:
    words = ["sh", "-c", script, "chaos", undo.settings["mark"], *arguments]
    target = undo.target
    return cluster.execute(target.namespace, target.name, undo.settings["container"], words, changing=changing)
