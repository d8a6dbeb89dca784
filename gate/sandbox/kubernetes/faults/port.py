"""The port through which the API server is made to misbehave; without one it behaves.

What happens is a value that says it; who decides is `plan`; that it happens, is the server's part.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.routes import Request


class When(StrEnum):
    """The side of the work on which a request fails: the client cannot tell them apart, the cluster can."""

    BEFORE = "before"
    AFTER = "after"


class EventFaultKind(StrEnum):
    """What can happen to one event of a watch.

    Events that are swapped are about different objects: every API server keeps the order of those about the same one.
    A lost event is never lost in silence, because no API server does that: the connection is cut where it should be.
    """

    DUPLICATE = "duplicate"
    """It comes twice."""
    REORDER = "reorder"
    """It comes after the next one, if that follows soon and is about another object."""
    LATE = "late"
    """It waits, and with it all that comes after it."""
    DROP = "drop"
    """The connection is cut instead."""
    EXPIRE = "expire"
    """Instead of it comes an ERROR event with 410, and the watch ends: its versions are forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFault:
    """What happens to one event."""

    kind: EventFaultKind
    delay: float = 0.0
    """Seconds by which it is late."""


EventFaults: TypeAlias = Callable[[Object], EventFault | None]
"""Asked once for each event of one watch, in their order, with the object that the event is about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to one request."""

    delay: float = 0.0
    """Seconds before anything else."""
    status: int | None = None
    """Answer with this error, such as 409, 410, 429, 500 or 503; None: the true answer."""
    retry_after: int | None = None
    """Seconds, said with the error."""
    cut: bool = False
    """Close the connection without an answer."""
    when: When = When.BEFORE
    """Whether the work is done before it answers with the error or cuts the connection."""
    events: EventFaults | None = None
    """What happens to the events, if this is a watch and it begins."""

    @property
    def answers(self) -> bool:
        """The client does not get the true answer."""
        return self.cut or self.status is not None


Faults: TypeAlias = Callable[[Request], Fault | None]
"""Asked once for each request; None: nothing happens to it. Called by many threads."""
