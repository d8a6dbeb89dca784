"""A companion: a Job of the gate's own beside a run, which sends its load, or in which its probe asks.

It is made and removed as a fault is: its undo is written down before it is made, so that whoever finds the record of a
run whose executor is gone removes it.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gate.errors import Conflict, Permanent, Temporary
from gate.model import Target, Undo, fingerprint
from gate.quantities import in_words
from gate.running.jobs import JOBS, SPEAKS, pods_of, what_is_said
from gate.running.ports import Cluster, Surroundings

Json = dict[str, Any]

COMPANION = "companion"
"""In an undo, what is taken back: no fault has this name."""
LABEL = "chaosgate.dev/companion"
"""Whose Job it is: its own name."""
CONTAINER = "main"
GRACE = timedelta(seconds=10)
"""How long it may take to end when it is told to."""
LOOK = 0.2
"""Seconds between two looks whether it has ended."""
OVER = ("Failed", "Succeeded")
"""Phases of a pod in which nothing of it runs any more."""
LONGER = timedelta(minutes=2)
"""How much longer than its run it may last if nobody removes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """What runs in it."""

    image: str
    command: Sequence[str] = ()
    """In the place of the image's entry point, if there is one."""
    arguments: Sequence[str] = ()
    variables: Mapping[str, str]
    account: str = ""
    """The service account that it runs as; without one it cannot speak to the API."""
    begins: timedelta
    """How long it may take until it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How its container ended."""

    code: int
    message: str
    """What it left in its termination log, or has written last if it failed."""


class Companion:
    """One that runs."""

    def __init__(self, around: Surroundings, name: str, uid: str) -> None:
        self._around, self._name, self._uid = around, name, uid

    def pod(self) -> Json | None:
        """Its pod, if there is one; not that of another one of its name, which may be on its way out yet. Raises
        `GateError`.
        """
        pods = pods_of(self._around.cluster, self._around.namespace, self._name)
        owners = ((pod, pod["metadata"].get("ownerReferences") or ()) for pod in pods)
        return next((pod for pod, refs in owners if any(each["uid"] == self._uid for each in refs)), None)

    def ended(self) -> Ended | None:
        """None while it runs, or where nobody knows. Raises `GateError`."""
        return ended(self.pod())

    def end(self) -> Ended | None:
        """Tell it to end, and wait for as long as it may take. Its pod stays, to be looked at. Raises `GateError`."""
        pod = self.pod()
        if pod is None or (already := ended(pod)):
            return already if pod else None
        body = {"metadata": {"uid": pod["metadata"]["uid"]}, "spec": {"activeDeadlineSeconds": 1}}
        self._around.cluster.patch("pods", self._around.namespace, pod["metadata"]["name"], body)
        clock, last = self._around.clock, None
        give_up = clock.monotonic() + 2 * GRACE.total_seconds()
        while last is None and clock.monotonic() < give_up:
            clock.wait(threading.Event(), LOOK)
            last = self.ended()
        return last


def begin(around: Surroundings, outfit: Outfit) -> Companion:
    """Make it, and wait until it runs.

    Raises what `around.rest` raises when the run shall end, and `GateError` if it does not run in time.
    """
    name = f"chaos-gate-{fingerprint(around.namespace, around.run, around.what)}"
    target = Target(kind="Job", namespace=around.namespace, name=name, uid="")
    around.keep(Undo(id=around.what, step="", fault=COMPANION, target=target))
    companion, why = None, ""
    give_up = around.clock.monotonic() + outfit.begins.total_seconds()
    while around.clock.monotonic() < give_up:
        try:
            companion = companion or Companion(around, name, _make(around, name, outfit)["metadata"]["uid"])
            pod = companion.pod()
        except Temporary as error:
            why = str(error)
        else:
            if has_begun(pod):
                return companion
            why = what_is_said([pod] if pod else [])
        around.rest()
    raise Permanent(f"it was not there within {in_words(outfit.begins)}: {why or 'its pod does not say why'}")


def revert(undo: Undo, cluster: Cluster) -> str:
    """Remove it, with its pod. One of the same name that somebody else made is left alone."""
    item = cluster.get(JOBS, undo.target.namespace, undo.target.name)
    if item is None or (item["metadata"].get("labels") or {}).get(LABEL) != undo.target.name:
        return "it is not there"
    cluster.delete(JOBS, undo.target.namespace, undo.target.name, uid=item["metadata"]["uid"])
    return "it is removed"


def is_companion(undo: Undo) -> bool:
    return undo.fault == COMPANION


def _make(around: Surroundings, name: str, outfit: Outfit) -> Json:
    labels = {"app.kubernetes.io/managed-by": "chaos-gate", LABEL: name}
    container: Json = {
        "name": CONTAINER,
        "image": outfit.image,
        "env": [{"name": key, "value": value} for key, value in sorted(outfit.variables.items())],
        **({"command": list(outfit.command)} if outfit.command else {}),
        **({"args": list(outfit.arguments)} if outfit.arguments else {}),
        **SPEAKS,
    }
    pod: Json = {
        "restartPolicy": "Never",
        "terminationGracePeriodSeconds": int(GRACE.total_seconds()),
        "automountServiceAccountToken": bool(outfit.account),
        "containers": [container],
        **({"serviceAccountName": outfit.account} if outfit.account else {}),
    }
    left = max(timedelta(0), around.deadline - around.clock.now()) if around.deadline else timedelta(hours=1)
    spec: Json = {
        "backoffLimit": 0,
        "activeDeadlineSeconds": int((left + LONGER).total_seconds()),
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    body = {"metadata": {"name": name, "labels": labels}, "spec": spec}
    try:
        return around.cluster.create(JOBS, around.namespace, body)
    except Conflict as error:
        item = around.cluster.get(JOBS, around.namespace, name)
        if item is None or (item["metadata"].get("labels") or {}).get(LABEL) != name:
            raise Permanent(f"the Job {around.namespace}/{name} is somebody else's") from error
        return item


def has_begun(pod: Json | None) -> bool:
    """Its container runs, or did."""
    return any(state.get("running") or state.get("terminated") for state in _states(pod))


def ended(pod: Json | None) -> Ended | None:
    found = (state["terminated"] for state in _states(pod) if state.get("terminated"))
    last = next(found, None)
    return None if last is None else Ended(code=int(last.get("exitCode", 0)), message=str(last.get("message") or ""))


def is_gone(pod: Json | None) -> bool:
    """Of one that had begun: its pod was deleted or evicted, and nothing says how its container ended."""
    over = pod is not None and (pod.get("status") or {}).get("phase") in OVER
    return pod is None or (over and ended(pod) is None)


def _states(pod: Json | None) -> list[Json]:
    statuses: Sequence[Json] = ((pod or {}).get("status") or {}).get("containerStatuses") or ()
    return [each.get("state") or {} for each in statuses]
