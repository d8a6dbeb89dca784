"""container-kill: the first process of a container gets a signal, by `exec`. The kubelet starts the container again."""

import signal
from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from typing import ClassVar

from pydantic import Field

from gate.errors import Futile, NoProgram, Permanent
from gate.faults.choosing import choose
from gate.faults.containers import APART, Place, container_of, sh, status_of, where
from gate.faults.objects import Json, found, must_find, named, zone_of
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

# In a namespace of its own the first process is 1, and a command beside it has no parent that it could see. Where a pod
# shares processes (and on the sandbox, whose containers are processes of the machine), it is the oldest process that
# came from where the command came from and sees the same files. Where that is the machine, nobody could tell.
FIND = """field() { n=$1; read -r t 2>/dev/null <"/proc/$2/stat" || return; set -- ${t##*) }; shift "$n"; echo "$1"; }
mine=/proc/$$/ns/mnt parent=$(field 1 $$) main=
[ "$3" = alone ] && [ "$parent" = 0 ] && main=1
[ "$parent" != 0 ] && [ "/proc/$parent/ns/mnt" -ef $mine ] && { echo "it has no files of its own"; exit; }
[ -z "$main" ] && for p in /proc/[0-9]*; do p=${p#/proc/}
  [ "/proc/$p/ns/mnt" -ef $mine ] && [ "$(field 1 $p)" = "$parent" ] && begun=$(field 19 $p) || continue
  { [ -z "$main" ] || [ "$begun" -lt "$first" ]; } && main=$p first=$begun
done
[ "${main:-$$}" = $$ ] && { echo "its first process cannot be seen"; exit; }
"""
# Linux keeps from the first process of a namespace what that has no handler for. Only real containers are such
# namespaces; we look for the handler, so that the answer is the same everywhere.
CHECK = """while read -r k v; do
  [ "$k" = SigCgt: ] && caught=$((0x${v#????????} >> $2 - 1 & 1))
done <"/proc/$main/status"
[ "$3" = alone ] && [ "$caught" = 0 ] && { echo "its first process does not handle SIG$1"; exit; }
"""
# Not before the command has ended: all in the container goes with its first process, and nobody would say how it ended.
KILL = """n=0; while [ -e "/proc/$0" ] && [ $n -lt 100000 ]; do n=$((n + 1)); done; kill -s "$1" "$2\""""
SCRIPT = f"""{FIND}{CHECK}{APART}apart sh -c '{KILL}' $$ "$1" "$main" """


class Signal(StrEnum):
    """What the process is sent."""

    TERM = "SIGTERM"
    INT = "SIGINT"
    QUIT = "SIGQUIT"
    HUP = "SIGHUP"
    ABRT = "SIGABRT"
    USR1 = "SIGUSR1"
    USR2 = "SIGUSR2"
    KILL = "SIGKILL"


class Settings(Place):
    """Which container, and how."""

    touches: ClassVar[str] = "the first process of the container gets a signal"
    comes_back: ClassVar[str] = "the kubelet starts the container again"

    signal: Signal = Field(default=Signal.TERM, description="Which signal its first process gets; it must handle it.")


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """Raises `Permanent` if a pod has no such container, or nobody would start it again."""
    settings = Settings.model_validate(step.settings)
    return [
        _undo(step, settings, pod, must_find(cluster, pod))
        for pod in choose(settings, step, pods, seed, partial(zone_of, cluster))
    ]


def _undo(step: Step, settings: Settings, pod: Target, item: Json) -> Undo:
    spec, container = item["spec"], container_of(item, settings.container, pod)
    name, policy = container["name"], container.get("restartPolicy") or spec.get("restartPolicy", "Always")
    if policy != "Always":
        raise Permanent(f"{name} of {named(pod)} would not be started again: its restartPolicy is {policy}")
    shared = bool(spec.get("shareProcessNamespace") or spec.get("hostPID"))
    if settings.signal is Signal.KILL and not shared:
        raise Permanent(
            f"{name} of {named(pod)} shares its processes with nobody: Linux keeps SIGKILL from the first one when it "
            "comes from within. Send a signal that it handles, or use pod-kill"
        )
    status = status_of(item, name)
    return Undo(
        id=f"{step.name}/{pod.name}",
        step=step.name,
        fault=step.fault,
        target=pod,
        settings={"container": name, "signal": settings.signal.value, "shared": shared},
        before={"id": status.get("containerID", ""), "restarts": status.get("restartCount", 0)},
    )


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Futile` if the signal would not reach the process, or could not end it."""
    if _ended(undo, must_find(cluster, undo.target)):
        return
    number, sharing = signal.Signals[undo.settings["signal"]].value, "shared" if undo.settings["shared"] else "alone"
    try:
        refusal = sh(undo, cluster, SCRIPT, undo.settings["signal"].removeprefix("SIG"), str(number), sharing).strip()
    except NoProgram:
        refusal = "it has no shell that could send the signal; use pod-kill"
    if refusal:
        raise Futile(f"{where(undo)} was not killed: {refusal}")


def prove(undo: Undo, cluster: Cluster) -> str | None:
    return _ended(undo, found(cluster, undo.target))


def revert(undo: Undo, cluster: Cluster) -> str:
    """A dead process cannot be brought back; the kubelet starts another one."""
    return f"{where(undo)} is left to its kubelet, which starts it again"


def _ended(undo: Undo, item: Json | None) -> str | None:
    """How the container that was planned for has ended, as its kubelet tells it; None: it has not, for all we know."""
    status, before = status_of(item, undo.settings["container"]), undo.before
    if not status:
        return None
    for state in (status.get("state") or {}, status.get("lastState") or {}):
        if (end := state.get("terminated")) and end.get("containerID") == before["id"]:
            return f"{where(undo)} ended with exit code {end.get('exitCode')}"
    return f"{where(undo)} was started again" if status.get("restartCount", 0) > before["restarts"] else None
