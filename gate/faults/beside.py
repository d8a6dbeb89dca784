"""An ephemeral container: a shell beside a container that has none, in the same pod.

It does nothing but wait for commands, and ends by itself. Kubernetes takes none out of its pod again: what is left of
one that has ended uses nothing, is not started again, and goes with the pod.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, count

from pydantic import Field

from gate.errors import Permanent, Temporary
from gate.faults.containers import Place, container_of, status_of, where
from gate.faults.objects import Json, must_find
from gate.model import Undo, fingerprint
from gate.running.ports import Cluster

LONGER = 60
"""Seconds for which it waits beyond those of what is run in it: for that to be begun, and for a last look."""

# It ends at once when its pod does: the first process of a container gets no signal that it does not handle.
IDLE = 'trap exit TERM; sleep "$1" & wait'


class Aided(Place):
    """Which pods, where in them, and with whose shell."""

    image: str = Field(
        default="",
        description="An image with a shell, for an ephemeral container of the pod, where the container has no shell.",
        examples=["busybox:1.37"],
    )


def instead(undo: Undo, place: Aided, item: Json, why: Exception) -> Undo:
    """The same, to be done in an ephemeral container of the pod that is not there so far: one of an attempt before has
    little of its time left, or none. Raises `Permanent` if nobody says of which image.
    """
    if not place.image:
        raise Permanent(
            f"{where(undo)} has no shell to run {undo.fault} in: name an `image` that has one, for an ephemeral "
            f"container beside it ({why})"
        ) from why
    name, taken = f"chaos-gate-{fingerprint(undo.settings['mark'])}", {each["name"] for each in _present(item)}
    free = next(each for each in chain([name], (f"{name}-{number}" for number in count(2))) if each not in taken)
    aided = {"container": free, "beside": undo.settings["container"], "image": place.image}
    return replace(undo, settings={**undo.settings, **aided})


def is_beside(undo: Undo) -> bool:
    """Whether it is done in an ephemeral container."""
    return "beside" in undo.settings


def begin(undo: Undo, cluster: Cluster, path: str = "") -> None:
    """Make it, if it is not there. Raises `Temporary` as long as it does not run, and `Permanent` once it has ended.

    `path` is a directory of the container beside which it is: what is mounted there is mounted here, too.
    """
    item = must_find(cluster, undo.target)
    name = undo.settings["container"]
    present = _present(item)
    if name not in {each["name"] for each in present}:
        metadata = {key: item["metadata"][key] for key in ("uid", "resourceVersion")}
        body = {"metadata": metadata, "spec": {"ephemeralContainers": [*present, _container(undo, item, path)]}}
        cluster.patch("pods", undo.target.namespace, undo.target.name, body, subresource="ephemeralcontainers")
        raise Temporary(f"{where(undo)} has just been made")
    state = status_of(item, name).get("state") or {}
    if ended := state.get("terminated"):
        raise Permanent(f"{where(undo)}, of {undo.settings['image']}, ended: {_why(ended)}")
    if "running" not in state:
        raise Temporary(f"{where(undo)}, of {undo.settings['image']}, does not run: {_why(state.get('waiting') or {})}")


def _present(item: Json) -> Sequence[Json]:
    present: Sequence[Json] = item["spec"].get("ephemeralContainers") or ()
    return present


def _container(undo: Undo, item: Json, path: str) -> Json:
    """It is as trusted as the one beside which it is, and no more."""
    other = container_of(item, undo.settings["beside"], undo.target)
    mounts = _mounted(other, path) if path else []
    return {
        "name": undo.settings["container"],
        "image": undo.settings["image"],
        "command": ["sh", "-c", IDLE, "chaos", str(undo.settings["seconds"] + LONGER)],
        **({"securityContext": other["securityContext"]} if other.get("securityContext") else {}),
        **({"volumeMounts": mounts} if mounts else {}),
    }


def _mounted(other: Json, path: str) -> list[Json]:
    """What holds the directory. Raises `Permanent` for a part of a volume, which such a container cannot have."""
    mounts: Sequence[Json] = other.get("volumeMounts") or ()
    holding = [each for each in mounts if f"{path}/".startswith(f"{each['mountPath'].rstrip('/')}/")]
    if not holding:
        return []
    mount = max(holding, key=lambda each: len(each["mountPath"]))
    if {"subPath", "subPathExpr"} & mount.keys():
        raise Permanent(f"{path} is in a part of a volume (subPath), which no ephemeral container can have")
    return [mount]


def _why(state: Json) -> str:
    said = ": ".join(str(state[key]) for key in ("reason", "message") if state.get(key))
    return said or "nobody says why"
