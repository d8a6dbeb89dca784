"""What the kubelet remembers of a pod and its containers between two looks, and the status that follows from it."""

from dataclasses import dataclass, field
from datetime import datetime

from gate.sandbox.kubernetes.controllers.conditions import condition
from gate.sandbox.kubernetes.images import Pulled
from gate.sandbox.kubernetes.objects import Object, lookup, timestamp
from gate.sandbox.kubernetes.probes import Probe, ProbeKind

QUIET_AFTER = 600.0
"""Seconds that a container has to run for its crashes to be forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a container does not run yet, or not again."""

    reason: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    container_id: str
    process: str
    """Its name among the sandbox's processes."""
    started_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    container_id: str
    code: int
    signal: int
    reason: str
    message: str = ""
    started_at: datetime
    finished_at: datetime


@dataclass(slots=True, kw_only=True)
class Container:
    """One container of a pod over all its restarts."""

    spec: Object
    waiting: Waiting | None = Waiting(reason="ContainerCreating")
    running: Running | None = None
    ended: Ended | None = None
    """How the latest one ended; with `waiting`, the next one is to come."""
    starts: int = 0
    crashes: int = 0
    """In a row, each before it had run long enough."""
    pull_failures: int = 0
    pause: float = 0.0
    """Seconds to wait after the latest crash or failed pull."""
    not_before: float = 0.0
    """Monotonic time at which that pause is over."""
    kill_at: float | None = None
    """Monotonic time at which patience with an unhealthy process ends."""
    image: Pulled | None = None
    ready: bool = False
    started: bool = False
    probes: dict[ProbeKind, Probe] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.spec["name"])

    @property
    def restarts(self) -> int:
        return max(self.starts - 1, 0)

    def close_probes(self, *kinds: ProbeKind) -> None:
        for kind in kinds or tuple(self.probes):
            if kind in self.probes:
                self.probes.pop(kind).close()


@dataclass(slots=True, kw_only=True)
class Tenant:
    """A pod on the node."""

    uid: str
    key: tuple[str, str]
    address: str
    since: datetime
    containers: dict[str, Container]
    kill_at: float | None = None
    """Monotonic time at which patience with a terminating pod ends."""
    abandoned: bool = False
    """The pod object is gone; only the processes are left."""

    @property
    def is_running(self) -> bool:
        return any(container.running for container in self.containers.values())


def status(pod: Object, tenant: Tenant, node_address: str, now: datetime) -> Object:
    """The status of the pod as its containers are now."""
    containers = list(tenant.containers.values())
    phase = _phase(pod, tenant)
    unready = [each.name for each in containers if not each.ready]
    finished = phase in ("Succeeded", "Failed")
    at, before = timestamp(now), pod.get("status") or {}
    if finished:
        why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    elif unready:
        why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
    else:
        why = {}
    conditions = [
        _condition(before, "PodReadyToStartContainers", not finished, at),
        _condition(before, "Initialized", True, at),
        _condition(before, "Ready", not unready and not finished, at, why),
        _condition(before, "ContainersReady", not unready and not finished, at, why),
        _condition(before, "PodScheduled", True, at),
    ]
    return before | {
        "phase": phase,
        "conditions": conditions,
        "hostIP": node_address,
        "hostIPs": [{"ip": node_address}],
        "podIP": tenant.address,
        "podIPs": [{"ip": tenant.address}],
        "startTime": timestamp(tenant.since),
        "containerStatuses": [_container_status(each) for each in containers],
    }


def is_over(pod: Object, tenant: Tenant) -> bool:
    """Whether no container will run again by the pod's restart policy."""
    return all(
        each.ended is not None and each.running is None and not restarts(pod, each.ended)
        for each in tenant.containers.values()
    )


def restarts(pod: Object, ended: Ended) -> bool:
    policy = lookup(pod, "spec.restartPolicy", "Always")
    return bool(policy == "Always" or (policy == "OnFailure" and ended.code))


def _phase(pod: Object, tenant: Tenant) -> str:
    containers = tenant.containers.values()
    stopped = tenant.kill_at is not None and not tenant.is_running
    if stopped or is_over(pod, tenant):
        return "Failed" if any(each.ended is None or each.ended.code for each in containers) else "Succeeded"
    return "Running" if all(each.starts for each in containers) else "Pending"


def _condition(before: Object, kind: str, true: bool, at: str, why: Object | None = None) -> Object:
    old = condition(before, kind)
    status = "True" if true else "False"
    since = old["lastTransitionTime"] if old is not None and old["status"] == status else at
    told = {"type": kind, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
    return told | ((why or {}) if not true else {})


def _container_status(container: Container) -> Object:
    image = container.image
    found: Object = {
        "name": container.name,
        "image": image.reference if image else container.spec["image"],
        "imageID": image.image_id if image else "",
        "state": _state(container),
        "lastState": {},
        "restartCount": container.restarts,
        "ready": container.ready,
        "started": container.started,
    }
    if container.ended is not None and (container.running or container.waiting):
        found["lastState"] = {"terminated": _terminated(container.ended)}
    latest = container.running or container.ended
    return found | ({"containerID": latest.container_id} if latest else {})


def _state(container: Container) -> Object:
    if container.running is not None:
        return {"running": {"startedAt": timestamp(container.running.started_at)}}
    if container.waiting is not None:
        message = {"message": container.waiting.message} if container.waiting.message else {}
        return {"waiting": {"reason": container.waiting.reason, **message}}
    if container.ended is not None:
        return {"terminated": _terminated(container.ended)}
    return {"waiting": {"reason": "ContainerCreating"}}


def _terminated(ended: Ended) -> Object:
    found = {
        "exitCode": ended.code,
        "reason": ended.reason,
        "startedAt": timestamp(ended.started_at),
        "finishedAt": timestamp(ended.finished_at),
        "containerID": ended.container_id,
    }
    return found | ({"message": ended.message} if ended.message else {})
