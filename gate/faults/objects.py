"""What all faults ask of an object: is it still the one that was planned for? and where it is served."""

from typing import Any

from gate.errors import Absent, Conflict, Permanent
from gate.model import Target
from gate.running.ports import Cluster

Json = dict[str, Any]

RESOURCES = {
    "ConfigMap": "configmaps",
    "DaemonSet": "daemonsets",
    "Deployment": "deployments",
    "HorizontalPodAutoscaler": "horizontalpodautoscalers",
    "Node": "nodes",
    "Pod": "pods",
    "Rollout": "rollouts",
    "Secret": "secrets",
    "Service": "services",
    "StatefulSet": "statefulsets",
}
"""Kind -> plural name."""

OURS = {"app.kubernetes.io/managed-by": "chaos-gate"}
"""The labels of what the gate makes."""
ZONE = "topology.kubernetes.io/zone"
"""The label of a node that says its zone."""


def found(cluster: Cluster, target: Target) -> Json | None:
    """The target as it is now; None if it is gone, also if another object has taken its name."""
    item = cluster.get(RESOURCES[target.kind], target.namespace, target.name)
    return item if item is not None and item["metadata"]["uid"] == target.uid else None


def must_find(cluster: Cluster, target: Target) -> Json:
    """Raises `Permanent` if it is gone: what is to be changed must be there."""
    item = found(cluster, target)
    if item is None:
        raise Permanent(f"{named(target)} is gone")
    return item


def patch(cluster: Cluster, target: Target, item: Json, body: Json) -> None:
    """Change the object if it still is as `item` shows it; raises `Conflict` if it was written or deleted since."""
    metadata = {key: item["metadata"][key] for key in ("uid", "resourceVersion")} | body.get("metadata", {})
    try:
        cluster.patch(RESOURCES[target.kind], target.namespace, target.name, body | {"metadata": metadata})
    except Absent as error:
        # Who looks again sees that it is gone, and knows what that means.
        raise Conflict(f"{named(target)} was deleted meanwhile") from error


def named(target: Target) -> str:
    return f"{target.kind} {target.namespace}/{target.name}" if target.namespace else f"{target.kind} {target.name}"


def zone_of(cluster: Cluster, node: str) -> str:
    """The zone of a node; empty if it has none, or there is no such node."""
    item = cluster.get("nodes", "", node)
    labels: dict[str, str] = (item or {}).get("metadata", {}).get("labels") or {}
    return labels.get(ZONE, "")
