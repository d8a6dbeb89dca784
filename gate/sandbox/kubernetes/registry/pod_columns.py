"""The columns of pods: the status that people read is none of its fields but drawn from many."""

from datetime import datetime

from gate.sandbox.kubernetes.language.objects import Object, is_terminating, lookup
from gate.sandbox.kubernetes.registry.column import AGE, NAME, of, since, string


def pod_status(pod: Object) -> str:
    """What kubectl shows as a pod's status: the first container in trouble, else the phase."""
    status = pod.get("status") or {}
    word = status.get("reason") or status.get("phase") or ""
    if any(each.get("reason") == "SchedulingGated" for each in status.get("conditions") or ()):
        word = "SchedulingGated"
    word = _initializing(pod) or _troubled(status.get("containerStatuses") or [], word)
    if is_terminating(pod):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return str(word)


def _troubled(containers: list[Object], word: str) -> str:
    """The trouble of the first container that has any; "Running" for those that go on beside one that is through."""
    running = False
    for container in reversed(containers):
        state = container.get("state") or {}
        waiting, ended = state.get("waiting") or {}, state.get("terminated")
        if waiting.get("reason"):
            word = waiting["reason"]
        elif ended is not None:
            word = ended.get("reason") or _end(ended)
        elif container.get("ready") and "running" in state:
            running = True
    if word == "Completed" and running:
        return "Running"
    return word


def _initializing(pod: Object) -> str:
    """The state of the first init container that is not through; "" if all are."""
    states = lookup(pod, "status.initContainerStatuses", [])
    for index, container in enumerate(states):
        state = container.get("state") or {}
        ended, waiting = state.get("terminated"), state.get("waiting") or {}
        if ended is not None and not ended.get("exitCode"):
            continue
        if ended is not None:
            return f"Init:{ended.get('reason') or _end(ended)}"
        if waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(lookup(pod, 'spec.initContainers', []))}"
    return ""


def _end(ended: Object) -> str:
    return f"Signal:{ended['signal']}" if ended.get("signal") else f"ExitCode:{ended.get('exitCode', 0)}"


def _containers(pod: Object) -> list[Object]:
    found: list[Object] = lookup(pod, "status.containerStatuses", [])
    return found


def _pod_ready(pod: Object, _now: datetime) -> str:
    ready = sum(bool(each.get("ready")) for each in _containers(pod))
    return f"{ready}/{len(lookup(pod, 'spec.containers', []))}"


def _pod_restarts(pod: Object, now: datetime) -> str:
    restarts = sum(each.get("restartCount", 0) for each in _containers(pod))
    ends = [end for each in _containers(pod) if (end := lookup(each, "lastState.terminated.finishedAt"))]
    return f"{restarts} ({since(max(ends), now)} ago)" if restarts and ends else str(restarts)


def _readiness_gates(pod: Object, _now: datetime) -> str:
    gates = [gate["conditionType"] for gate in lookup(pod, "spec.readinessGates", [])]
    if not gates:
        return "<none>"
    conditions = lookup(pod, "status.conditions", [])
    true = {each["type"] for each in conditions if each.get("status") == "True"}
    return f"{sum(gate in true for gate in gates)}/{len(gates)}"


POD = (
    NAME,
    string("Ready", _pod_ready),
    string("Status", lambda pod, _now: pod_status(pod)),
    string("Restarts", _pod_restarts),
    AGE,
    string("IP", of("status.podIP", "<none>"), wide=True),
    string("Node", of("spec.nodeName", "<none>"), wide=True),
    string("Nominated Node", of("status.nominatedNodeName", "<none>"), wide=True),
    string("Readiness Gates", _readiness_gates, wide=True),
)
