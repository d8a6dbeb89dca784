"""Events: what a component tells people about an object; the same thing told again only raises a count."""

import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Protocol

from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.language.objects import Object, name_of, namespace_of, timestamp, uid_of
from gate.sandbox.kubernetes.registry.resources import EVENTS
from gate.sandbox.kubernetes.store.store import Store


class EventType(StrEnum):
    NORMAL = "Normal"
    WARNING = "Warning"


class Tell(Protocol):
    """How controllers tell: about this object, for this reason, in these words."""

    def __call__(
        self, about: Object, reason: str, message: str, *, kind: EventType = ..., field: str = ...
    ) -> None: ...


class Events:
    """The events of one component."""

    def __init__(
        self, store: Store, component: str, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._store = store
        self._component = component
        self._clock = clock
        self._told: dict[tuple[str, str, str], tuple[str, str]] = {}
        self._lock = threading.Lock()

    def tell(
        self, about: Object, reason: str, message: str, *, kind: EventType = EventType.NORMAL, field: str = ""
    ) -> None:
        """Record an event; an object whose namespace is going gets none. `field` names a part, such as a container."""
        now = timestamp(self._clock())
        namespace = namespace_of(about) or "default"
        same = (uid_of(about), reason, message)
        with self._lock:
            try:
                if same in self._told:
                    self._store.patch(EVENTS, *self._told[same], lambda event: _again(event, now))
                    return
            except ApiError:
                del self._told[same]
            event = {
                "metadata": {"name": f"{name_of(about)}.{uuid.uuid4().hex[:16]}", "namespace": namespace},
                "involvedObject": _reference(about, field),
                "reason": reason,
                "message": message,
                "type": kind.value,
                "source": {"component": self._component},
                "reportingComponent": self._component,
                "firstTimestamp": now,
                "lastTimestamp": now,
                "count": 1,
            }
            try:
                created = self._store.create(EVENTS, event)
            except ApiError:
                return
            self._told[same] = (namespace, name_of(created))


def _again(event: Object, now: str) -> Object:
    return event | {"count": event.get("count", 1) + 1, "lastTimestamp": now}


def _reference(about: Object, field: str) -> Object:
    reference = {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "namespace": namespace_of(about),
        "name": name_of(about),
        "uid": uid_of(about),
        "resourceVersion": about["metadata"].get("resourceVersion", ""),
        "fieldPath": field,
    }
    return {key: value for key, value in reference.items() if value}
