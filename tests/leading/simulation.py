"""Replicas that race for one Lease in simulated time, with everything that can go wrong between them and the server.

Each replica runs the real `Leading.step` in a thread of its own, but only one thread runs at a time: a call to the
server hands control back to the test, which says when, and how, the call goes on. So a replica can be stopped between
any two of its calls for as long as one likes, which is what SIGSTOP does.
"""

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from queue import SimpleQueue
from typing import Any

from gate.errors import Conflict, Temporary
from gate.tracking.election import Claim, Record
from gate.tracking.leading import Leading


class Fate(Enum):
    """What becomes of one call to the server."""

    WELL = "it is served, and answered"
    LOST = "the server never hears of it"
    UNANSWERED = "it is served, but the answer is lost"
    LATE = "the caller gives up, and it is served much later"


class Server:
    """Holds the Lease as an API server does: a write is taken only in place of the version that it names."""

    def __init__(self) -> None:
        self.record: Record | None = None
        self._version = 0

    def write(self, seen: Record | None, claim: Claim) -> Record:
        if (seen and seen.version) != (self.record and self.record.version):
            raise Conflict("somebody was faster")
        self._version += 1
        version = str(self._version)
        self.record = Record(version=version, holder=claim.holder, lasts=claim.lasts, transitions=claim.transitions)
        return self.record


@dataclass(frozen=True)
class Clock:
    """A replica's own clock: it is off by an unknown amount, and runs at its own rate."""

    world: "World"
    offset: float
    rate: float

    def __call__(self) -> float:
        return self.offset + self.rate * self.world.now

    def when(self, reading: float) -> float:
        """The world's time at that reading."""
        return (reading - self.offset) / self.rate


class _Over(BaseException):
    """The replica was killed."""


class Replica:
    """A replica, stopped before its next look at the Lease or in the middle of a call."""

    def __init__(self, world: "World", me: str, clock: Clock, draw: float) -> None:
        self.me, self.clock = me, clock
        self.wake = world.now
        """The world's time at which it wants to look again; in the middle of a call: now."""
        self._world = world
        self._orders: SimpleQueue[Any] = SimpleQueue()
        self._reached: SimpleQueue[None] = SimpleQueue()
        self.changes: list[bool] = []
        self.leading = Leading(self, me, monotonic=clock, draw=lambda: draw, changed=self.changes.append)
        self._thread = threading.Thread(target=self._live, daemon=True)
        self._thread.start()
        self._reached.get()

    def go_on(self, fate: Fate = Fate.WELL, work: Callable[[], Any] | None = None) -> None:
        """Go on until the next call to the server, or until there is nothing to do but wait."""
        self._orders.put((fate, work))
        self._reached.get()

    def kill(self) -> None:
        self._orders.put(None)
        self._thread.join()

    # ------------------------------------------------------------------------------------------ in the replica's thread

    def _live(self) -> None:
        try:
            while True:
                _, work = self._pause()
                pause = (work or self.leading.step)()
                self.wake = self.clock.when(self.clock() + (pause or 0.0))
        except _Over:
            pass

    def _pause(self) -> tuple[Fate, Callable[[], Any] | None]:
        self._reached.put(None)
        order: tuple[Fate, Callable[[], Any] | None] | None = self._orders.get()
        if order is None:
            raise _Over
        return order

    def read(self) -> Record | None:
        self.wake = self._world.now
        self._suffer(self._pause()[0], lambda: None)
        record = self._world.server.record
        self._pause()  # the answer is on its way
        return record

    def write(self, seen: Record | None, claim: Claim) -> Record:
        self.wake = self._world.now
        self._suffer(self._pause()[0], lambda: self._world.server.write(seen, claim))
        record = self._world.server.write(seen, claim)
        self._pause()
        return record

    def _suffer(self, fate: Fate, call: Callable[[], Any]) -> None:
        if fate is Fate.LATE:
            self._world.late.append(call)
        if fate is Fate.UNANSWERED:
            call()
        if fate is not Fate.WELL:
            raise Temporary("no answer")


class World:
    """One server, some replicas, and the time that all of them are in."""

    def __init__(self, rates: list[float]) -> None:
        self.now = 1000.0
        self.server = Server()
        self.late: list[Callable[[], Any]] = []
        self._born = 0
        self.replicas = [self._bear(rate) for rate in rates]

    def _bear(self, rate: float) -> Replica:
        self._born += 1
        clock = Clock(self, offset=-997.0 * self._born, rate=rate)
        return Replica(self, f"replica-{self._born}", clock, draw=(self._born * 0.37) % 1.0)

    def reincarnate(self, number: int) -> None:
        """Kill a replica, and start another one in its place."""
        old = self.replicas[number]
        old.kill()
        self.replicas[number] = self._bear(old.clock.rate)

    def deliver(self) -> None:
        """What was on its way for long arrives."""
        while self.late:
            with contextlib.suppress(Conflict):
                self.late.pop(0)()

    def leaders(self) -> list[str]:
        return [replica.me for replica in self.replicas if replica.leading.leads()]

    def play_fair(self, seconds: float, *, stopped: Replica | None = None) -> None:
        """Let time pass with everything going well, each replica acting when it wants to, but for one that is stopped.

        The world is looked at each time that anything changed: never may two lead.
        """
        end = self.now + seconds
        playing = [replica for replica in self.replicas if replica is not stopped]
        while playing and (following := min(playing, key=lambda each: each.wake)).wake <= end:
            self.now = max(self.now, following.wake)
            following.go_on()
            assert len(self.leaders()) <= 1
        self.now = end

    def close(self) -> None:
        for replica in self.replicas:
            replica.kill()
