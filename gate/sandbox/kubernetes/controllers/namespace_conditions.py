"""What a namespace that is going says of itself: what is still in there, and what that is held by. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from gate.sandbox.kubernetes.language.conditions import condition
from gate.sandbox.kubernetes.language.objects import Object, timestamp
from gate.sandbox.kubernetes.registry.resource import Resource

_WELL = (
    ("NamespaceDeletionDiscoveryFailure", "ResourcesDiscovered", "All resources successfully discovered"),
    ("NamespaceDeletionGroupVersionParsingFailure", "ParsedGroupVersions", "All legacy kube types successfully parsed"),
    (
        "NamespaceDeletionContentFailure",
        "ContentDeleted",
        "All content successfully deleted, may be waiting on finalization",
    ),
    ("NamespaceContentRemaining", "ContentRemoved", "All content successfully removed"),
    ("NamespaceFinalizersRemaining", "ContentHasNoFinalizers", "All content-preserving finalizers finished"),
)
"""Each condition, in this order, as it is when nothing is in the way of the namespace's end."""


def going(present: Sequence[Object], remaining: Mapping[Resource, Sequence[Object]], now: datetime) -> list[Object]:
    """The conditions that replace the present ones; `remaining` are the objects that the namespace still has."""
    troubles = _troubles(remaining)
    return [
        _settled(
            {"type": kind, "status": "True", "reason": troubles[kind][0], "message": troubles[kind][1]}
            if kind in troubles
            else {"type": kind, "status": "False", "reason": reason, "message": message},
            present,
            now,
        )
        for kind, reason, message in _WELL
    ]


def _troubles(remaining: Mapping[Resource, Sequence[Object]]) -> dict[str, tuple[str, str]]:
    """Reason and message of each condition that holds the namespace."""
    found = {}
    rows = Counter({f"{row.plural}.{row.group}": len(objects) for row, objects in remaining.items() if objects})
    if rows:
        told = _told(rows, "{} has {} resource instances")
        found["NamespaceContentRemaining"] = ("SomeResourcesRemain", f"Some resources are remaining: {told}")
    held = Counter(
        finalizer
        for objects in remaining.values()
        for each in objects
        for finalizer in each["metadata"].get("finalizers") or ()
    )
    if held:
        told = _told(held, "{} in {} resource instances")
        message = f"Some content in the namespace has finalizers remaining: {told}"
        found["NamespaceFinalizersRemaining"] = ("SomeFinalizersRemain", message)
    return found


def _told(counts: Mapping[str, int], form: str) -> str:
    parts: Iterable[str] = (form.format(name, count) for name, count in sorted(counts.items()))
    return ", ".join(parts)


def _settled(new: Object, present: Sequence[Object], now: datetime) -> Object:
    """With the time since when it has this status."""
    old = condition({"conditions": present}, new["type"])
    since = old["lastTransitionTime"] if old is not None and old["status"] == new["status"] else timestamp(now)
    return {**new, "lastTransitionTime": since}
