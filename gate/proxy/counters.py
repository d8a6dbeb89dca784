"""What a proxy has seen and done, counted at once and not when a connection ends; and the last decisions."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from gate.proxy.decision import Decision

KEPT = 10_000


class Ending(StrEnum):
    """How a connection ended."""

    CLOSED = "closed"
    RESET = "reset"
    """By a client or an upstream."""
    FAULT = "fault"
    """By a behaviour."""
    CHANGED = "changed"
    """By a change of the proxy: its behaviour, its upstream, or that it went."""
    UPSTREAM = "upstream"
    """The upstream could not be reached."""
    REFUSED = "refused"
    """What came was not HTTP, or more than the proxy takes."""


@dataclass(slots=True, kw_only=True)
class Counters:
    """Of one proxy, since it was made."""

    connections: int = 0
    live: int = 0
    seen: int = 0
    """Connections (tcp) or requests (http) that were decided."""
    picked: Counter[str] = field(default_factory=Counter)
    """Of these, how many each fault was meant for; of a connection that is open, again for each time that the fault
    comes into force.
    """
    affected: Counter[str] = field(default_factory=Counter)
    """Of those picked, on how many the fault had an effect: it held, changed, cut or stopped something."""
    clean: int = 0
    """How many no fault was meant for when they came."""
    up: int = 0
    """Bytes handed to the upstream."""
    down: int = 0
    """Bytes handed to the client."""
    endings: Counter[Ending] = field(default_factory=Counter)

    def sent_up(self, size: int) -> None:
        """Bytes that went to the upstream."""
        self.up += size

    def sent_down(self, size: int) -> None:
        """Bytes that went to the client."""
        self.down += size


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One decision, as it was made."""

    number: int
    proxy: str
    generation: int
    identity: str
    faults: tuple[str, ...]


class DecisionLog:
    """The last decisions of all proxies, and how many there were."""

    def __init__(self, kept: int = KEPT) -> None:
        self.made = 0
        self._entries: deque[Entry] = deque(maxlen=kept)

    def add(self, proxy: str, generation: int, decision: Decision) -> None:
        """Remember one; the oldest goes where there is no room."""
        self.made += 1
        faults = tuple(act.fault for act in decision.acts)
        self._entries.append(
            Entry(number=self.made, proxy=proxy, generation=generation, identity=decision.identity, faults=faults)
        )

    def __iter__(self) -> Iterator[Entry]:
        return iter(tuple(self._entries))
