"""Webhooks, and what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One event sent to a hook: what was sent, and what came of it."""

    id: int
    trigger: str
    url: str
    key: str
    """Stays the same when the event is sent again."""
    body: str
    headers: Mapping[str, str]
    status: str
    """The status of the answer, or `internal error`."""
    answer: str
    at: str
    duration: float


@dataclass(slots=True, kw_only=True)
class Hook:
    """An address that hears of events. `failures`: how many in a row went wrong."""

    id: int
    url: str
    events: frozenset[str]
    created_at: str
    name: str = ""
    token: str = ""
    signing_token: str = ""
    branches: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    failures: int = 0
    pauses: int = 0
    """How often it was disabled for a time since it last worked."""
    disabled_until: float | None = None
    deliveries: list[Delivery] = field(default_factory=list)
