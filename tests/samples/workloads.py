"""Workloads at one moment each, with what a person would say of that moment: is the rollout complete?

Complete as DESIGN means it, so more than `kubectl rollout status`: no pod of an older template is left, none is on its
way out, and what is not to be updated yet (a partition, OnDelete, a pause) is not complete.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

from tests.control_plane import build
from tests.samples.playing import Object, Play
from tests.samples.recording import Step, renamed
from tests.samples.rollouts import deployment, is_complete, is_late, is_paused, template

_BELOW = {
    "deployments": ("replicasets", "pods"),
    "statefulsets": ("controllerrevisions", "pods"),
    "daemonsets": ("controllerrevisions", "pods"),
}
_KINDS = {
    "controllerrevisions": ("apps/v1", "ControllerRevision"),
    "replicasets": ("apps/v1", "ReplicaSet"),
    "pods": ("v1", "Pod"),
}


@dataclass(frozen=True, kw_only=True)
class Moment:
    says: str
    complete: bool
    workload: Object
    below: list[Object]
    """Its ReplicaSets or ControllerRevisions, and its pods."""

    def of_kind(self, kind: str) -> list[Object]:
        return [each for each in self.below if each["kind"] == kind]


@dataclass(frozen=True, kw_only=True)
class Moments:
    """One kind of workload."""

    moments: list[Moment]

    def to_json(self) -> str:
        lines = ",\n".join(
            json.dumps(
                {"says": each.says, "complete": each.complete, "workload": each.workload, "below": each.below},
                separators=(",", ":"),
            )
            for each in self.moments
        )
        return f'{{"kubernetes": "{build.version()}", "moments": [\n{lines}\n]}}\n'

    @classmethod
    def from_json(cls, text: str) -> Self:
        return cls(moments=[Moment(**each) for each in json.loads(text)["moments"]])


class _Camera:
    """Takes the moments of one workload."""

    def __init__(self, play: Play, plural: str, obj: Object) -> None:
        self._play = play
        self._plural = plural
        self._name = str(obj["metadata"]["name"])
        self._taken: list[tuple[str, bool, int]] = []
        self._seen: list[Step] = []
        self.take("made a moment ago: no controller has looked at it yet", False, play.make(plural, obj))

    def change(self, spec: Object) -> Object:
        return self._play.change(self._plural, self._name, {"spec": spec})

    def upgrade(self, version: int, pods: str | None = None, *, ends_after: str = "100ms", **spec: Any) -> Object:
        annotations = {"chaosgate.dev/pod": pods, "chaosgate.dev/pod-ends-after": ends_after}
        return self.change({"template": template(version, annotations), **spec})

    def until(self, holds: Callable[[Object, list[Object]], object]) -> Object:
        """Wait until this holds of the workload and its pods."""
        self._play.until(lambda: holds(self._play.get(self._plural, self._name), self._play.all("pods")))
        return self._play.get(self._plural, self._name)

    def take(self, says: str, complete: bool, workload: Object) -> None:
        below = [
            each | dict(zip(("apiVersion", "kind"), _KINDS[plural], strict=True))
            for plural in _BELOW[self._plural]
            for each in self._play.all(plural)
        ]
        self._seen += [Step(type="SEEN", object=each) for each in (workload, *below)]
        self._taken.append((says, complete, len(below)))

    def developed(self) -> Moments:
        objects = iter([step.object for step in renamed(self._seen)])
        return Moments(
            moments=[
                Moment(
                    says=says, complete=complete, workload=next(objects), below=[next(objects) for _ in range(below)]
                )
                for says, complete, below in self._taken
            ]
        )


def of_deployment(play: Play) -> Moments:
    camera = _Camera(play, "deployments", deployment(progressDeadlineSeconds=2, replicas=2))
    camera.take("its first version runs", True, camera.until(_rests_complete))
    camera.take(
        "upgraded a moment ago: the status is still that of the version before", False, camera.upgrade(2, "never-ready")
    )
    camera.take(
        "in the middle: one new pod is there and not ready", False, camera.until(_counts(replicas=3, updatedReplicas=1))
    )
    camera.take("stuck: the new pod did not become ready in time", False, camera.until(lambda each, _: is_late(each)))
    camera.upgrade(3, ends_after="3s")
    camera.until(_rests_complete)
    camera.upgrade(4)
    going = camera.until(lambda each, pods: _is_whole(each) and any(_is_going(pod) for pod in pods))
    camera.take("its counts are complete, and an old pod is still on its way out", False, going)
    camera.take("the fourth version runs, and nothing else", True, camera.until(_rests_complete))
    camera.change({"paused": True})
    camera.until(lambda each, _: is_paused(each))
    camera.take("paused, and every pod is of the template", True, camera.until(_rests_complete))
    camera.upgrade(5)
    camera.take("paused, with a template that no pod has", False, camera.until(_is_observed))
    camera.upgrade(5, paused=None)
    camera.take("resumed, and the fifth version runs", True, camera.until(_rests_complete))
    camera.change({"replicas": 0})
    camera.take("scaled to nothing: there is no pod that could run a version", True, camera.until(_rests_complete))
    return camera.developed()


def of_stateful_set(play: Play) -> Moments:
    camera = _Camera(play, "statefulsets", _stateful_set())
    camera.take("its first version runs", True, camera.until(_rests_complete))
    camera.take(
        "upgraded a moment ago: the status is still that of the version before", False, camera.upgrade(2, "never-ready")
    )
    middle = camera.until(_counts(replicas=3, updatedReplicas=1, availableReplicas=2))
    camera.take("in the middle, and stuck there: the first new pod is not ready", False, middle)
    camera.upgrade(3)
    play.delete("pods", "db-2")  # the real controller does not replace a pod that never became ready by itself
    camera.take("the third version runs", True, camera.until(_rests_complete))
    camera.upgrade(4, updateStrategy={"rollingUpdate": {"partition": 2}})
    partitioned = camera.until(_counts(replicas=3, updatedReplicas=1, availableReplicas=3))
    says = "as far as its partition lets it: kubectl calls that complete, but two pods are of the version before"
    camera.take(says, False, partitioned)
    camera.change({"updateStrategy": {"rollingUpdate": {"partition": 0}}})
    camera.take("the partition is gone, and the fourth version runs", True, camera.until(_rests_complete))
    camera.upgrade(5, updateStrategy={"type": "OnDelete", "rollingUpdate": None})
    camera.until(_is_observed)
    camera.take("OnDelete: upgraded, and no pod was deleted yet", False, camera.until(_counts(replicas=3)))
    for ordinal in range(3):
        play.delete("pods", f"db-{ordinal}")
    says = "OnDelete: each pod was deleted and is of the new version; currentRevision stays behind for ever"
    camera.take(says, True, camera.until(_rests_complete))
    camera.change({"replicas": 0})
    camera.take("scaled to nothing", True, camera.until(_rests_complete))
    return camera.developed()


def of_daemon_set(play: Play) -> Moments:
    camera = _Camera(play, "daemonsets", _daemon_set())
    camera.take("its first version runs on each node", True, camera.until(_rests_complete))
    camera.take(
        "upgraded a moment ago: the status is still that of the version before", False, camera.upgrade(2, "never-ready")
    )
    middle = camera.until(_counts(updatedNumberScheduled=1, numberAvailable=2))
    camera.take("in the middle, and stuck there: the first new pod is not ready", False, middle)
    camera.upgrade(3)
    camera.take("the third version runs", True, camera.until(_rests_complete))
    camera.upgrade(4, updateStrategy={"type": "OnDelete", "rollingUpdate": None})
    camera.take("OnDelete: upgraded, and no pod was deleted yet", False, camera.until(_is_observed))
    for pod in play.all("pods"):
        play.delete("pods", pod["metadata"]["name"])
    camera.take("OnDelete: each pod was deleted and is of the new version", True, camera.until(_rests_complete))
    camera.upgrade(4, updateStrategy={"type": "RollingUpdate"})
    camera.until(_rests_complete)
    camera.change({"template": {"spec": {"nodeSelector": {"kubernetes.io/os": "none"}}}})
    camera.take("no node fits: there is no pod that could run a version", True, camera.until(_rests_complete))
    return camera.developed()


SCENARIOS: dict[str, Callable[[Play], Moments]] = {
    "deployment": of_deployment,
    "statefulset": of_stateful_set,
    "daemonset": of_daemon_set,
}


def _stateful_set() -> Object:
    made = deployment()
    spec = made["spec"] | {"serviceName": "db", "revisionHistoryLimit": 2}
    return made | {"kind": "StatefulSet", "metadata": {"name": "db"}, "spec": spec}


def _daemon_set() -> Object:
    made = deployment()
    spec = {key: made["spec"][key] for key in ("selector", "template")}
    return made | {"kind": "DaemonSet", "metadata": {"name": "agent"}, "spec": spec}


def _rests_complete(workload: Object, pods: list[Object]) -> bool:
    misplaced = workload["status"].get("numberMisscheduled", 0)  # of a DaemonSet, and counted a moment later
    return (
        _is_observed(workload, pods)
        and _is_whole(workload)
        and not misplaced
        and not any(_is_going(pod) for pod in pods)
    )


def _is_observed(workload: Object, _pods: list[Object]) -> bool:
    return bool(workload["status"].get("observedGeneration") == workload["metadata"]["generation"])


def _is_whole(workload: Object) -> bool:
    status = workload["status"]
    if workload["kind"] == "DaemonSet":
        wanted = status["desiredNumberScheduled"]
        counts = ("updatedNumberScheduled", "numberAvailable", "currentNumberScheduled")
        return all(status.get(count, 0) == wanted for count in counts)
    if workload["kind"] == "StatefulSet":
        wanted = workload["spec"]["replicas"]
        return is_complete(workload) and status.get("readyReplicas", 0) == wanted
    return is_complete(workload)


def _counts(**wanted: int) -> Callable[[Object, list[Object]], bool]:
    def holds(workload: Object, pods: list[Object]) -> bool:
        status = workload["status"]
        told = all(status.get(name, 0) == count for name, count in wanted.items())
        return _is_observed(workload, pods) and told and all(pod["status"].get("podIP") for pod in pods)

    return holds


def _is_going(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]
