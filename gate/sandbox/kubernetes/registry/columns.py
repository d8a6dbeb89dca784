"""The columns of `kubectl get`, one tuple for each kind, as the real server prints them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from gate.sandbox.kubernetes.language.objects import Object, is_terminating, lookup, moment_of, name_of
from gate.sandbox.kubernetes.language.selectors import LabelSelector

Cell: TypeAlias = Callable[[Object, datetime], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    name: str
    cell: Cell
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0
    """0: always shown; 1: with `-o wide` only."""

    def as_object(self) -> Object:
        return {
            "name": self.name,
            "type": self.type,
            "format": self.format,
            "description": self.description,
            "priority": self.priority,
        }


def since(moment: str | None, now: datetime) -> str:
    """How long ago, in kubectl's words: 42s, 5m12s, 3h, 2d4h; <unknown> without a moment."""
    if not moment:
        return "<unknown>"
    return duration(int((now - moment_of(moment)).total_seconds()))


def duration(seconds: int) -> str:
    if seconds < -1:
        return "<invalid>"
    seconds = max(seconds, 0)
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    if minutes < 10:
        return _two(minutes, "m", seconds % 60, "s")
    if hours < 3:
        return f"{minutes}m"
    if hours < 8:
        return _two(hours, "h", minutes % 60, "m")
    if hours < 48:
        return f"{hours}h"
    if days < 8:
        return _two(days, "d", hours % 24, "h")
    if days < 730:
        return f"{days}d"
    if days < 365 * 8:
        return _two(days // 365, "y", days % 365, "d")
    return f"{days // 365}y"


def _two(large: int, unit: str, small: int, small_unit: str) -> str:
    return f"{large}{unit}{small}{small_unit}" if small else f"{large}{unit}"


def _of(path: str, missing: Any = "") -> Cell:
    """The value at a dotted path."""
    return lambda obj, _now: lookup(obj, path, missing)


def _age(path: str) -> Cell:
    return lambda obj, now: since(lookup(obj, path), now)


def _string(name: str, cell: Cell, *, wide: bool = False) -> Column:
    return Column(name=name, cell=cell, priority=int(wide))


def _integer(name: str, cell: Cell, *, wide: bool = False) -> Column:
    return Column(name=name, cell=cell, type="integer", priority=int(wide))


NAME = Column(name="Name", format="name", cell=lambda obj, _now: name_of(obj))
AGE = _string("Age", _age("metadata.creationTimestamp"))


# Pods


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


# Workloads


def _images(obj: Object, _now: datetime) -> str:
    return ",".join(each.get("image", "") for each in lookup(obj, "spec.template.spec.containers", []))


def _container_names(obj: Object, _now: datetime) -> str:
    return ",".join(each.get("name", "") for each in lookup(obj, "spec.template.spec.containers", []))


def _selector(obj: Object, _now: datetime) -> str:
    return str(LabelSelector.from_object(lookup(obj, "spec.selector"))) or "<none>"


def _deployment_ready(obj: Object, _now: datetime) -> str:
    return f"{lookup(obj, 'status.readyReplicas', 0)}/{lookup(obj, 'spec.replicas', 0)}"


_TEMPLATE = (
    _string("Containers", _container_names, wide=True),
    _string("Images", _images, wide=True),
    _string("Selector", _selector, wide=True),
)


# Jobs


def _job_status(job: Object, _now: datetime) -> str:
    held = {each["type"] for each in lookup(job, "status.conditions", []) if each["status"] == "True"}
    if is_terminating(job) and not held & {"Complete", "Failed"}:
        return "Terminating"
    named = ("Complete", "Failed", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((kind for kind in named if kind in held), "Running")


def _completions(job: Object, _now: datetime) -> str:
    succeeded, wanted = lookup(job, "status.succeeded", 0), lookup(job, "spec.completions")
    if wanted is not None:
        return f"{succeeded}/{wanted}"
    parallel = lookup(job, "spec.parallelism", 0)
    return f"{succeeded}/1 of {parallel}" if parallel > 1 else f"{succeeded}/1"


def _job_duration(job: Object, now: datetime) -> str:
    start, completion = lookup(job, "status.startTime"), lookup(job, "status.completionTime")
    if not start:
        return ""
    return since(start, moment_of(completion) if completion else now)


# Services


def _external(obj: Object, _now: datetime) -> str:
    ingress = lookup(obj, "status.loadBalancer.ingress", [])
    addresses = [*(each.get("ip") or each.get("hostname") or "" for each in ingress)]
    addresses += lookup(obj, "spec.externalIPs", [])
    match lookup(obj, "spec.type"):
        case "ExternalName":
            return str(lookup(obj, "spec.externalName", ""))
        case "LoadBalancer" if not addresses:
            return "<pending>"
    return ",".join(addresses) or "<none>"


def _service_ports(obj: Object, _now: datetime) -> str:
    ports = lookup(obj, "spec.ports", [])
    texts = [f"{p['port']}{':' + str(p['nodePort']) if p.get('nodePort') else ''}/{p['protocol']}" for p in ports]
    return ",".join(texts) or "<none>"


def _service_selector(obj: Object, _now: datetime) -> str:
    labels = lookup(obj, "spec.selector", {})
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def _few(texts: list[str], most: int = 3) -> str:
    more = f" + {len(texts) - most} more..." if len(texts) > most else ""
    return ",".join(texts[:most]) + more if texts else "<none>"


def _endpoints(obj: Object, _now: datetime) -> str:
    subsets = obj.get("subsets") or []
    return _few(
        [
            f"{address['ip']}:{port['port']}"
            for subset in subsets
            for port in subset.get("ports") or []
            for address in subset.get("addresses") or []
        ]
    )


def _slice_ports(obj: Object, _now: datetime) -> str:
    ports = obj.get("ports")
    return _few([str(port.get("port", "*")) for port in ports]) if ports else "<unset>"


def _slice_endpoints(obj: Object, _now: datetime) -> str:
    addresses = [address for each in obj.get("endpoints") or [] for address in each.get("addresses") or []]
    return _few(addresses) if addresses else "<unset>"


# The rest


def _count(*paths: str) -> Cell:
    return lambda obj, _now: sum(len(lookup(obj, path, ())) for path in paths)


def _node_status(node: Object, _now: datetime) -> str:
    ready = [each for each in lookup(node, "status.conditions", []) if each.get("type") == "Ready"]
    word = "Unknown" if not ready else "Ready" if ready[0].get("status") == "True" else "NotReady"
    return f"{word},SchedulingDisabled" if lookup(node, "spec.unschedulable") else word


def _node_roles(node: Object, _now: datetime) -> str:
    prefix = "node-role.kubernetes.io/"
    labels = lookup(node, "metadata.labels", {})
    return ",".join(sorted(key.removeprefix(prefix) for key in labels if key.startswith(prefix))) or "<none>"


def _node_address(kind: str) -> Cell:
    def cell(node: Object, _now: datetime) -> str:
        addresses = lookup(node, "status.addresses", [])
        return next((each["address"] for each in addresses if each.get("type") == kind), "<none>")

    return cell


def _last_seen(event: Object, now: datetime) -> str:
    moments = ("series.lastObservedTime", "lastTimestamp", "firstTimestamp", "eventTime")
    return since(next((seen for path in moments if (seen := lookup(event, path))), None), now)


def _first_seen(event: Object, now: datetime) -> str:
    return since(lookup(event, "firstTimestamp") or lookup(event, "eventTime"), now)


def _event_object(event: Object, _now: datetime) -> str:
    return f"{lookup(event, 'involvedObject.kind', '').lower()}/{lookup(event, 'involvedObject.name', '')}"


def _event_source(event: Object, _now: datetime) -> str:
    parts = (lookup(event, "source.component") or event.get("reportingComponent"), lookup(event, "source.host"))
    return ", ".join(filter(None, parts))


# Roles


def _role(binding: Object, _now: datetime) -> str:
    return f"{lookup(binding, 'roleRef.kind', '')}/{lookup(binding, 'roleRef.name', '')}"


def _subjects(kind: str) -> Cell:
    def cell(binding: Object, _now: datetime) -> str:
        found = (subject for subject in binding.get("subjects") or () if subject["kind"] == kind)
        return ", ".join("/".join(filter(None, (one.get("namespace"), one["name"]))) for one in found)

    return cell


_CREATED = Column(name="Created At", cell=_of("metadata.creationTimestamp"), type="date")
_BINDING = (
    NAME,
    _string("Role", _role),
    AGE,
    _string("Users", _subjects("User"), wide=True),
    _string("Groups", _subjects("Group"), wide=True),
    _string("ServiceAccounts", _subjects("ServiceAccount"), wide=True),
)

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "Namespace": (NAME, _string("Status", _of("status.phase")), AGE),
    "Node": (
        NAME,
        _string("Status", _node_status),
        _string("Roles", _node_roles),
        AGE,
        _string("Version", _of("status.nodeInfo.kubeletVersion")),
        _string("Internal-IP", _node_address("InternalIP"), wide=True),
        _string("External-IP", _node_address("ExternalIP"), wide=True),
        _string("OS-Image", _of("status.nodeInfo.osImage", "<unknown>"), wide=True),
        _string("Kernel-Version", _of("status.nodeInfo.kernelVersion", "<unknown>"), wide=True),
        _string("Container-Runtime", _of("status.nodeInfo.containerRuntimeVersion", "<unknown>"), wide=True),
    ),
    "Pod": (
        NAME,
        _string("Ready", _pod_ready),
        _string("Status", lambda pod, _now: pod_status(pod)),
        _string("Restarts", _pod_restarts),
        AGE,
        _string("IP", _of("status.podIP", "<none>"), wide=True),
        _string("Node", _of("spec.nodeName", "<none>"), wide=True),
        _string("Nominated Node", _of("status.nominatedNodeName", "<none>"), wide=True),
        _string("Readiness Gates", _readiness_gates, wide=True),
    ),
    "Service": (
        NAME,
        _string("Type", _of("spec.type")),
        _string("Cluster-IP", _of("spec.clusterIP", "<none>")),
        _string("External-IP", _external),
        _string("Port(s)", _service_ports),
        AGE,
        _string("Selector", _service_selector, wide=True),
    ),
    "Endpoints": (NAME, _string("Endpoints", _endpoints), AGE),
    "ConfigMap": (NAME, _string("Data", _count("data", "binaryData")), AGE),
    "Secret": (NAME, _string("Type", _of("type")), _string("Data", _count("data")), AGE),
    "ServiceAccount": (NAME, _string("Secrets", _count("secrets")), AGE),
    "Event": (
        _string("Last Seen", _last_seen),
        _string("Type", _of("type")),
        _string("Reason", _of("reason")),
        _string("Object", _event_object),
        _string("Subobject", _of("involvedObject.fieldPath"), wide=True),
        _string("Source", _event_source, wide=True),
        _string("Message", lambda event, _now: str(event.get("message", "")).strip()),
        _string("First Seen", _first_seen, wide=True),
        _string("Count", _of("count", 1), wide=True),
        Column(name="Name", format="name", cell=lambda obj, _now: name_of(obj), priority=1),
    ),
    "Deployment": (
        NAME,
        _string("Ready", _deployment_ready),
        _string("Up-to-date", _of("status.updatedReplicas", 0)),
        _string("Available", _of("status.availableReplicas", 0)),
        AGE,
        *_TEMPLATE,
    ),
    "ReplicaSet": (
        NAME,
        _integer("Desired", _of("spec.replicas", 0)),
        _integer("Current", _of("status.replicas", 0)),
        _integer("Ready", _of("status.readyReplicas", 0)),
        AGE,
        *_TEMPLATE,
    ),
    "Job": (
        NAME,
        _string("Status", _job_status),
        _string("Completions", _completions),
        _string("Duration", _job_duration),
        AGE,
        *_TEMPLATE,
    ),
    "EndpointSlice": (
        NAME,
        _string("AddressType", _of("addressType")),
        _string("Ports", _slice_ports),
        _string("Endpoints", _slice_endpoints),
        AGE,
    ),
    "Lease": (NAME, _string("Holder", _of("spec.holderIdentity")), AGE),
    "PodDisruptionBudget": (
        NAME,
        _string("Min Available", lambda obj, _now: str(lookup(obj, "spec.minAvailable", "N/A"))),
        _string("Max Unavailable", lambda obj, _now: str(lookup(obj, "spec.maxUnavailable", "N/A"))),
        _integer("Allowed Disruptions", _of("status.disruptionsAllowed", 0)),
        AGE,
    ),
    "Role": (NAME, _CREATED),
    "ClusterRole": (NAME, _CREATED),
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "CustomResourceDefinition": (NAME, _string("Created At", _of("metadata.creationTimestamp"))),
}
