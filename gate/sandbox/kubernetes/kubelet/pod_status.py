"""The status of a pod as it follows from what the kubelet knows of its containers; pure."""

from datetime import datetime

from gate.sandbox.kubernetes.kubelet.containers import Container, Ended, Role, Tenant, is_over
from gate.sandbox.kubernetes.language.conditions import condition, is_true
from gate.sandbox.kubernetes.language.objects import Object, lookup, timestamp


def status(pod: Object, tenant: Tenant, now: datetime) -> Object:
    """The status of the pod as its containers are now."""
    first, main = tenant.of(Role.INIT, Role.SIDECAR), tenant.of(Role.MAIN)
    phase = _phase(pod, tenant)
    before = pod.get("status") or {}
    node_address = tenant.site.node_address
    found = before | {
        "phase": phase,
        "conditions": _conditions(pod, tenant, phase, timestamp(now)),
        "hostIP": node_address,
        "hostIPs": [{"ip": node_address}],
        "podIP": tenant.site.address,
        "podIPs": [{"ip": tenant.site.address}],
        "startTime": timestamp(tenant.since),
        "containerStatuses": [_container_status(each) for each in main],
    }
    if beside := tenant.of(Role.EPHEMERAL):
        found["ephemeralContainerStatuses"] = [_container_status(each) for each in beside]
    if first:
        found["initContainerStatuses"] = [_container_status(each) for each in first]
    if tenant.failure is not None and phase == "Failed":
        found |= {"reason": tenant.failure.reason, "message": tenant.failure.message}
    return found


def _conditions(pod: Object, tenant: Tenant, phase: str, at: str) -> list[Object]:
    """Those of the kubelet, and behind them what others have set."""
    before = pod.get("status") or {}
    finished = phase in ("Succeeded", "Failed")
    incomplete = [each.name for each in tenant.of(Role.INIT) if not each.succeeded]
    incomplete += [each.name for each in tenant.of(Role.SIDECAR) if not each.started and not finished]
    unready = [each.name for each in tenant.of(Role.SIDECAR, Role.MAIN) if not each.ready]
    initialized: Object = {}
    if incomplete:
        initialized = _not("ContainersNotInitialized", "incomplete", incomplete)
    if finished:
        unsteady: Object = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
    else:
        unsteady = _not("ContainersNotReady", "unready", unready) if unready else {}
    closed = unsteady or _closed(pod)
    ours = [
        _condition(before, "PodReadyToStartContainers", not finished, at),
        _condition(before, "Initialized", not incomplete, at, initialized),
        _condition(before, "Ready", not closed, at, closed),
        _condition(before, "ContainersReady", not unsteady, at, unsteady),
        _condition(before, "PodScheduled", True, at),
    ]
    kinds = {each["type"] for each in ours}
    return ours + [each for each in before.get("conditions") or () if each["type"] not in kinds]


def _closed(pod: Object) -> Object:
    """Why the pod is not ready though its containers are: the gates whose condition is not true."""
    status, told = pod.get("status") or {}, []
    for gate in lookup(pod, "spec.readinessGates", []):
        kind = gate["conditionType"]
        found = condition(status, kind)
        if found is None:
            told.append(f'corresponding condition of pod readiness gate "{kind}" does not exist.')
        elif not is_true(status, kind):
            told.append(f'the status of pod readiness gate "{kind}" is not "True", but {found["status"]}')
    return {"reason": "ReadinessGatesNotReady", "message": ", ".join(told)} if told else {}


def _phase(pod: Object, tenant: Tenant) -> str:
    main = tenant.of(Role.MAIN)
    if tenant.failure is not None and tenant.is_stopped:
        return "Failed"
    if tenant.is_stopped or (is_over(pod, tenant) and not tenant.is_running):
        bad = any(each.ended is None or each.ended.code for each in (*main, *tenant.of(Role.INIT)))
        return "Failed" if bad else "Succeeded"
    return "Running" if all(each.starts for each in main) and tenant.is_initialized() else "Pending"


def _not(reason: str, what: str, names: list[str]) -> Object:
    return {"reason": reason, "message": f"containers with {what} status: [{' '.join(names)}]"}


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
        "ready": container.succeeded if container.role is Role.INIT else container.ready,
        "started": container.started,
    }
    again = container.running is not None or container.waiting is not None
    last = container.ended if again else container.ended_before
    if last is not None:
        found["lastState"] = {"terminated": _terminated(last)}
    latest = container.running or container.ended
    return found | ({"containerID": latest.container_id} if latest else {})


def _state(container: Container) -> Object:
    if container.running is not None and container.greeting is None:
        return {"running": {"startedAt": timestamp(container.running.started_at)}}
    if container.waiting is not None:
        message = {"message": container.waiting.message} if container.waiting.message else {}
        return {"waiting": {"reason": container.waiting.reason, **message}}
    if container.running is None and container.ended is not None:
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
