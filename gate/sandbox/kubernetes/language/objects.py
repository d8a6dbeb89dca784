"""Kubernetes objects as they travel: JSON mappings, and the few questions that everybody asks of them."""

from datetime import UTC, datetime
from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]

RELEASE = "v1.34.4"
"""The Kubernetes that the sandbox says it is, and whose behaviour the tests hold it to."""


def name_of(obj: Object) -> str:
    return str(obj.get("metadata", {}).get("name") or "")


def namespace_of(obj: Object) -> str:
    """The namespace, or "" for an object of the whole cluster."""
    return str(obj.get("metadata", {}).get("namespace") or "")


def uid_of(obj: Object) -> str:
    return str(obj.get("metadata", {}).get("uid") or "")


def labels_of(obj: Object) -> dict[str, str]:
    return obj.get("metadata", {}).get("labels") or {}


def revision_of(obj: Object) -> int | None:
    """The resourceVersion as the number it is in this server; None where the object carries none."""
    text = obj.get("metadata", {}).get("resourceVersion")
    return int(text) if text else None


def controller_of(obj: Object) -> Object | None:
    """The owner reference of the controller that manages the object, if it has one."""
    for owner in obj["metadata"].get("ownerReferences") or ():
        if owner.get("controller"):
            found: Object = owner
            return found
    return None


def is_terminating(obj: Object) -> bool:
    return bool(obj.get("metadata", {}).get("deletionTimestamp"))


def timestamp(moment: datetime) -> str:
    """A metav1.Time: UTC, whole seconds."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def micro_timestamp(moment: datetime) -> str:
    """A metav1.MicroTime: UTC, with six digits of a second."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment_of(text: str) -> datetime:
    """The moment that a metav1.Time or MicroTime names; ValueError if it is neither."""
    return datetime.fromisoformat(text)


def lookup(obj: Any, path: str, default: Any = None) -> Any:
    """The value at a dotted path ("spec.nodeName"), or the default where a part is missing or null."""
    for part in path.split("."):
        if not isinstance(obj, dict):
            return default
        obj = obj.get(part)
    return default if obj is None else obj
