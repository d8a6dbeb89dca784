"""Work beside the runs on real threads."""

import heapq
import itertools
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from gate.running.hands import Hands
from gate.running.ports import Clock

log = logging.getLogger(__name__)

HANDS = 1000
"""Questions that may be open at the same moment; one more waits. A thread that waits for an answer costs some 50 kB."""

LATE, CALM = 0.02, 1.0
"""A process has time in which no beat was late by so many seconds, for so many seconds."""
STANDSTILL = 0.1
"""Seconds by which a beat is late where this process stood still."""


class Threads:
    """One thread for all beats, so that they do not compete with each other, and hands for what may be slow."""

    def __init__(self, clock: Clock, hands: int = HANDS) -> None:
        self._clock, self._beats = clock, _Beats(clock)
        self._hands = Hands("probe", hands, may_start=self._has_time)

    def beat(self, tick: Callable[[], float]) -> Callable[[], None]:
        return self._beats.add(tick)

    def do(self, work: Callable[[], None]) -> None:
        self._hands.do(work)

    def _has_time(self) -> bool:
        """Where even the beats are late, everybody waits for the interpreter, and one more thread makes it worse."""
        return self._clock.monotonic() - self._beats.late_at > CALM

    def stood_still(self, since: float) -> float:
        """For how many seconds the beats were late since then: so long nobody can say who was slow, we or another."""
        return self._beats.stood_still(since)

    def close(self) -> None:
        """Wait for what is under way."""
        self._hands.close()


@dataclass(order=True, slots=True)
class _Beat:
    """A tick and when it is due; of two that are due at the same moment, the one that came first."""

    due: float
    number: int
    tick: Callable[[], float] = field(compare=False)


class _Beats:
    """Calls ticks when they are due, on a thread that lives while there are any. No tick may take long."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._beats: list[_Beat] = []
        self._thread: threading.Thread | None = None
        """It lets go of its place under the lock, so that there is one at most, and one whenever it is needed."""
        self._sooner = threading.Event()
        self.late_at = -CALM
        """When a beat was late for the last time."""
        self._standstill = (-CALM, -CALM)
        """The last one, from when to when."""

    def add(self, tick: Callable[[], float]) -> Callable[[], None]:
        """Returns what ends it; after that the tick is not called any more, not even by a call that had begun.

        Raises `RuntimeError` where the machine has no thread for it.
        """
        beat = _Beat(self._clock.monotonic(), next(self._numbers), tick)
        with self._lock:
            if self._thread is None:  # if it cannot start, nothing is left behind that would wait for it
                thread = threading.Thread(target=self._run, name="beat", daemon=True)
                thread.start()
                self._thread = thread
            heapq.heappush(self._beats, beat)
        self._sooner.set()

        def end() -> None:
            with self._lock:
                self._beats = [each for each in self._beats if each is not beat]
                heapq.heapify(self._beats)
            self._sooner.set()

        return end

    def stood_still(self, since: float) -> float:
        """The thread that asks may be awake again before the one that beats, so what is overdue counts as well."""
        now = self._clock.monotonic()
        due = min((beat.due for beat in self._beats[:1]), default=now)
        began, ended = (due, now) if now - due > STANDSTILL else self._standstill
        return max(0.0, ended - max(began, since))

    def _run(self) -> None:
        while (pause := self._call_due()) is not None:
            self._clock.wait(self._sooner, pause)
            self._sooner.clear()

    def _call_due(self) -> float | None:
        """Call what is due. Returns the seconds until the next one is; None when there are none left."""
        with self._lock:
            while self._beats:
                beat = self._beats[0]
                left = beat.due - self._clock.monotonic()
                if left > 0:
                    return left
                if left < -LATE:
                    self.late_at = beat.due - left
                if left < -STANDSTILL:
                    self._standstill = (beat.due, beat.due - left)
                beat.due = self._clock.monotonic() + _ticked(beat.tick)
                heapq.heapreplace(self._beats, beat)
            self._thread = None
            return None


def _ticked(tick: Callable[[], float]) -> float:
    try:
        return tick()
    except Exception:  # a mistake in one run must not cost all the others their beat
        log.exception("a beat ended in an error")
        return 1.0
