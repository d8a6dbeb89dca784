"""A container of each pod that is hit: which one, how it is, and the shell in it, which `exec` runs."""

from pydantic import Field

from gate.errors import Absent, Permanent
from gate.faults.choosing import Choice
from gate.faults.objects import Json, found, named
from gate.model import Target, Undo
from gate.running.ports import Cluster

# In a session of its own, where that can be had: it shall outlive the exec that starts it, which waits until it is so.
APART = """apart() { s=; command -v setsid >/dev/null 2>&1 && s=setsid
$s "$@" </dev/null >/dev/null 2>&1 &
q=$! n=0
while [ -n "$s" ] && [ $n -lt 1000 ] && read -r t <"/proc/$q/stat"; do
  set -- ${t##*) }; [ "$4" = "$q" ] && break; n=$((n + 1))
done; :; }
"""
"""For the shell: `apart COMMAND...` starts the command beside it."""


class Place(Choice):
    """Which pods, and where in them."""

    container: str = Field(
        default="", description="In which container; the first one if left out.", examples=["checkout"]
    )


def container_of(item: Json, wanted: str, pod: Target) -> Json:
    """Raises `Permanent` if the pod has no such container."""
    containers: list[Json] = item["spec"]["containers"]
    for container in containers:
        if wanted in {"", container["name"]}:
            return container
    names = ", ".join(container["name"] for container in containers)
    raise Permanent(f'{named(pod)} has no container "{wanted}"; it has {names}')


def status_of(item: Json | None, container: str) -> Json:
    """Empty where there is none. Ephemeral containers are containers, too."""
    status: Json = (item or {}).get("status") or {}
    statuses = (*(status.get("containerStatuses") or ()), *(status.get("ephemeralContainerStatuses") or ()))
    return next((each for each in statuses if each["name"] == container), {})


def where(undo: Undo) -> str:
    """In words."""
    return f"{undo.settings['container']} of {named(undo.target)}"


def sh(undo: Undo, cluster: Cluster, script: str, *arguments: str, changing: bool = True) -> str:
    """What the script wrote, in the container of the undo's settings."""
    words = ["sh", "-c", script, "chaos", *arguments]
    target = undo.target
    return cluster.execute(target.namespace, target.name, undo.settings["container"], words, changing=changing)


def sh_if_it_runs(undo: Undo, cluster: Cluster, script: str, *arguments: str, changing: bool = True) -> str | None:
    """None if the container does not run, or goes while it is asked."""
    state = status_of(found(cluster, undo.target), undo.settings["container"]).get("state") or {}
    if "running" not in state:
        return None
    try:
        return sh(undo, cluster, script, *arguments, changing=changing)
    except Absent:
        return None
