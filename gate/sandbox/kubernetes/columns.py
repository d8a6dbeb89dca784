"""The columns of `kubectl get`, one tuple for each kind, as the real server prints them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from gate.sandbox.kubernetes.objects import Object, lookup, moment_of, name_of

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


NAME = Column(name="Name", format="name", cell=lambda obj, _now: name_of(obj))
AGE = Column(name="Age", cell=lambda obj, now: since(lookup(obj, "metadata.creationTimestamp"), now))


COLUMNS: Mapping[str, tuple[Column, ...]] = dict.fromkeys(
    (
        "Namespace",
        "Node",
        "Pod",
        "Service",
        "Endpoints",
        "ConfigMap",
        "Secret",
        "ServiceAccount",
        "Event",
        "Deployment",
        "ReplicaSet",
        "EndpointSlice",
        "Lease",
        "PodDisruptionBudget",
        "CustomResourceDefinition",
    ),
    (NAME, AGE),
)
