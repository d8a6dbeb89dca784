"""What kwok makes of pods on the real control plane (`stages.yaml`), done to the pods of a sandbox.

So the controllers of both have the same pods before them, and whatever differs is theirs.
"""

import hashlib
import re
import threading
from datetime import UTC, datetime

from gate.sandbox.kubernetes.kubelet.node import place
from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import (
    Object,
    is_terminating,
    lookup,
    name_of,
    namespace_of,
    timestamp,
    uid_of,
)
from gate.sandbox.kubernetes.loops.work import Work
from gate.sandbox.kubernetes.registry.resources import ENDPOINT_SLICES, PODS
from gate.sandbox.kubernetes.store.changes import Key
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.store import Store

_LOOK_AGAIN = 0.05
"""Seconds until it is looked again whether everybody has heard that a pod goes."""


class Kwok:
    """A part of the sandbox in place of its kubelet."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._work: Work[tuple[Key, str]] = Work("kwok", self._play)
        self._listener = threading.Thread(target=self._listen, name="kwok-watch", daemon=True)
        self._watch = store.subscribe([PODS])
        self._addresses = iter(range(1, 2**16))
        store.admit(PODS, place)

    def start(self) -> None:
        self._listener.start()
        self._work.start()

    def stop(self) -> None:
        self._watch.close()
        self._listener.join()
        self._work.stop()

    def _listen(self) -> None:
        for change in self._watch:
            pod = change.entry.shared
            key, stage = (namespace_of(pod), name_of(pod)), _stage(pod)
            if stage:
                self._work.ask((key, stage), after=_delay(pod, stage))

    def _play(self, what: tuple[Key, str]) -> None:
        key, stage = what
        try:
            pod = self._store.get(PODS, *key)
        except NotFound:
            return
        if _stage(pod) != stage:
            return
        if stage == "goes" and self._is_shown_as_staying(pod):  # on a real cluster the kubelet is the slower one
            self._work.ask(what, after=_LOOK_AGAIN)
        elif stage == "goes":
            self._store.patch(PODS, *key, _let_go)
            self._end(pod)
        else:
            number = next(self._addresses)
            new = _status(pod, stage, f"10.0.{number // 256}.{number % 256}")
            self._store.patch(PODS, *key, lambda each: each | {"status": each["status"] | new}, "status")

    def _is_shown_as_staying(self, pod: Object) -> bool:
        """Whether a slice has not heard yet that the pod is on its way out."""
        slices, _ = self._store.list(ENDPOINT_SLICES, namespace_of(pod))
        return any(
            lookup(each, "targetRef.uid") == uid_of(pod) and not each["conditions"]["terminating"]
            for one in slices
            for each in one["endpoints"] or ()
        )

    def _end(self, pod: Object) -> None:
        try:
            self._store.delete(PODS, namespace_of(pod), name_of(pod), Deletion(grace=0, uid=uid_of(pod)))
        except NotFound:
            return


def _stage(pod: Object) -> str:
    """What happens to the pod next, in the words of the annotation; "" for nothing."""
    if is_terminating(pod):
        return "goes"
    if not lookup(pod, "status.podIP"):
        return str(_annotations(pod).get("chaosgate.dev/pod", "starts"))
    is_of_job = any(owner["kind"] == "Job" for owner in pod["metadata"].get("ownerReferences") or ())
    return "ends" if is_of_job and pod["status"]["phase"] == "Running" else ""


def _delay(pod: Object, stage: str) -> float:
    """Seconds; the annotations of these tests say them as milliseconds or whole seconds."""
    after = {"goes": "chaosgate.dev/pod-ends-after", "ends": ""}.get(stage, "chaosgate.dev/pod-after")
    found = re.fullmatch(r"(\d+)(ms|s)", _annotations(pod).get(after, "0s"))
    assert found, pod["metadata"]
    return int(found[1]) / (1000 if found[2] == "ms" else 1)


def _status(pod: Object, stage: str, address: str) -> Object:
    at = timestamp(datetime.now(UTC))
    if stage == "ends":
        ended = {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}
        return {"phase": "Succeeded", "containerStatuses": [_container(pod, state=ended)]}
    ready = stage == "starts"
    why = {} if ready else {"reason": "ContainersNotReady"}
    conditions = [
        {"type": kind, "status": "True" if ready or kind == "Initialized" else "False", "lastTransitionTime": at} | why
        for kind in ("Initialized", "Ready", "ContainersReady")
    ]
    waiting = {"crashes": "CrashLoopBackOff", "never-starts": "ImagePullBackOff"}.get(stage)
    state = {"waiting": {"reason": waiting}} if waiting else {"running": {"startedAt": at}}
    return {
        "phase": "Pending" if stage == "never-starts" else "Running",
        "startTime": at,
        "podIP": address,
        "conditions": [*lookup(pod, "status.conditions", []), *conditions],
        "containerStatuses": [_container(pod, ready=ready, started=not waiting, state=state)],
    }


def _container(pod: Object, **state: object) -> Object:
    (container,) = pod["spec"]["containers"]
    digest = hashlib.sha256(container["image"].encode()).hexdigest()
    same = {"name": container["name"], "image": container["image"], "imageID": f"fake@sha256:{digest}"}
    return {**same, "ready": False, "restartCount": 0, **state}


def _annotations(pod: Object) -> dict[str, str]:
    return pod["metadata"].get("annotations") or {}


def _let_go(pod: Object) -> Object:
    pod["metadata"]["finalizers"] = []
    return pod
