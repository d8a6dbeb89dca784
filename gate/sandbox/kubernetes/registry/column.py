"""A column of `kubectl get`: its name, and what stands in it; and how long ago something was, in kubectl's words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from gate.sandbox.kubernetes.language.objects import Object, lookup, moment_of, name_of

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


def of(path: str, missing: Any = "") -> Cell:
    """The value at a dotted path."""
    return lambda obj, _now: lookup(obj, path, missing)


def age(path: str) -> Cell:
    return lambda obj, now: since(lookup(obj, path), now)


def string(name: str, cell: Cell, *, wide: bool = False) -> Column:
    return Column(name=name, cell=cell, priority=int(wide))


def integer(name: str, cell: Cell, *, wide: bool = False) -> Column:
    return Column(name=name, cell=cell, type="integer", priority=int(wide))


NAME = Column(name="Name", format="name", cell=lambda obj, _now: name_of(obj))
AGE = string("Age", age("metadata.creationTimestamp"))
