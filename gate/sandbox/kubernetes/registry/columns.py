"""The columns of `kubectl get`, one tuple for each kind, as the real server prints them."""

from collections.abc import Mapping
from datetime import datetime

from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of
from gate.sandbox.kubernetes.registry import pod_columns, service_columns, workload_columns
from gate.sandbox.kubernetes.registry.column import AGE, NAME, Cell, Column, integer, of, since, string


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


_CREATED = Column(name="Created At", cell=of("metadata.creationTimestamp"), type="date")
_BINDING = (
    NAME,
    string("Role", _role),
    AGE,
    string("Users", _subjects("User"), wide=True),
    string("Groups", _subjects("Group"), wide=True),
    string("ServiceAccounts", _subjects("ServiceAccount"), wide=True),
)

COLUMNS: Mapping[str, tuple[Column, ...]] = {
    "Namespace": (NAME, string("Status", of("status.phase")), AGE),
    "Node": (
        NAME,
        string("Status", _node_status),
        string("Roles", _node_roles),
        AGE,
        string("Version", of("status.nodeInfo.kubeletVersion")),
        string("Internal-IP", _node_address("InternalIP"), wide=True),
        string("External-IP", _node_address("ExternalIP"), wide=True),
        string("OS-Image", of("status.nodeInfo.osImage", "<unknown>"), wide=True),
        string("Kernel-Version", of("status.nodeInfo.kernelVersion", "<unknown>"), wide=True),
        string("Container-Runtime", of("status.nodeInfo.containerRuntimeVersion", "<unknown>"), wide=True),
    ),
    "Pod": pod_columns.POD,
    "Service": service_columns.SERVICE,
    "Endpoints": service_columns.ENDPOINTS,
    "ConfigMap": (NAME, string("Data", _count("data", "binaryData")), AGE),
    "Secret": (NAME, string("Type", of("type")), string("Data", _count("data")), AGE),
    "ServiceAccount": (NAME, string("Secrets", _count("secrets")), AGE),
    "Event": (
        string("Last Seen", _last_seen),
        string("Type", of("type")),
        string("Reason", of("reason")),
        string("Object", _event_object),
        string("Subobject", of("involvedObject.fieldPath"), wide=True),
        string("Source", _event_source, wide=True),
        string("Message", lambda event, _now: str(event.get("message", "")).strip()),
        string("First Seen", _first_seen, wide=True),
        string("Count", of("count", 1), wide=True),
        Column(name="Name", format="name", cell=lambda obj, _now: name_of(obj), priority=1),
    ),
    "Deployment": workload_columns.DEPLOYMENT,
    "ReplicaSet": workload_columns.REPLICA_SET,
    "Job": workload_columns.JOB,
    "EndpointSlice": service_columns.ENDPOINT_SLICE,
    "Lease": (NAME, string("Holder", of("spec.holderIdentity")), AGE),
    "PodDisruptionBudget": (
        NAME,
        string("Min Available", lambda obj, _now: str(lookup(obj, "spec.minAvailable", "N/A"))),
        string("Max Unavailable", lambda obj, _now: str(lookup(obj, "spec.maxUnavailable", "N/A"))),
        integer("Allowed Disruptions", of("status.disruptionsAllowed", 0)),
        AGE,
    ),
    "Role": (NAME, _CREATED),
    "ClusterRole": (NAME, _CREATED),
    "RoleBinding": _BINDING,
    "ClusterRoleBinding": _BINDING,
    "CustomResourceDefinition": (NAME, string("Created At", of("metadata.creationTimestamp"))),
}
