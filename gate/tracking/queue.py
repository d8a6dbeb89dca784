"""A work queue with one slot per key: however often a key is added, it waits once, and never runs twice at a time.

What is left to do about a key can be put aside until there is nothing else to do.
"""

import heapq
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


class WorkQueue(Generic[K]):
    """Keys that are due now or later. `monotonic` is a clock in seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._due: dict[K, float] = {}
        self._heap: list[tuple[float, int, K]] = []
        self._order = 0
        self._busy: dict[K, bool] = {}
        """Those that were taken, and whether for what was put aside."""
        self._aside: dict[K, float] = {}
        """Until when at most, in the order in which they were put aside."""
        self._closed = False

    def add(self, key: K, *, after: float = 0.0) -> None:
        """Have the key looked at in so many seconds, or earlier if that is already asked for."""
        at = self._monotonic() + after
        with self._changed:
            self._aside.pop(key, None)
            if key in self._due and self._due[key] <= at:
                return
            self._due[key] = at
            self._push(at, key)
            self._changed.notify()

    def put_aside(self, key: K, *, within: float) -> None:
        """Have the key taken once nothing is due and nobody is at work, in so many seconds at the latest. It is
        forgotten if somebody looks at the key before: whoever does sees what is left to do.
        """
        with self._changed:
            if key not in self._due and key not in self._busy:
                self._aside[key] = self._monotonic() + within
                self._changed.notify()

    def take(self) -> K | None:
        """The next key that is due, waiting for one; None once the queue is closed. Give it back with `done`."""
        with self._changed:
            while not self._closed:
                now = self._monotonic()
                if (key := self._next_due(now)) is not None:
                    self._busy[key] = False
                    return key
                if (key := self._next_aside(now)) is not None:
                    del self._aside[key]
                    self._busy[key] = True
                    return key
                self._changed.wait(self._soonest(now))
        return None

    def was_aside(self, key: K) -> bool:
        """Whether a key was taken for what was put aside, and nothing has been added since."""
        with self._changed:
            return self._busy.get(key, False) and key not in self._due

    def due_in(self) -> float | None:
        """Seconds until `take` has a key to give, 0 if it has one now; None if nothing waits that could become due."""
        with self._changed:
            now = self._monotonic()
            waiting = [at for key, at in self._due.items() if key not in self._busy]
            waiting += [until if self._busy else now for until in self._aside.values()]
            return max(0.0, min(waiting) - now) if waiting else None

    def done(self, key: K) -> None:
        """The key has been looked at; if it was added meanwhile, it is due again."""
        with self._changed:
            self._busy.pop(key, None)
            if key in self._due:
                self._push(self._due[key], key)
            if key in self._due or self._aside:
                self._changed.notify()

    def close(self) -> None:
        """Nobody waits any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _next_due(self, now: float) -> K | None:
        """Those that were put aside for too long come first: else, while there is always something due, never."""
        if self._aside and next(iter(self._aside.values())) <= now:
            return None
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            if self._due.get(key) != at or key in self._busy:  # moved forward, or `done` will push it again
                continue
            del self._due[key]
            return key
        return None

    def _next_aside(self, now: float) -> K | None:
        key, until = next(iter(self._aside.items()), (None, now))
        return key if until <= now or not self._busy else None

    def _soonest(self, now: float) -> float | None:
        """Seconds until there may be something to take though nobody says so."""
        times = [at for at, _, _ in self._heap[:1]] + list(self._aside.values())[:1]
        return min(times) - now if times else None

    def _push(self, at: float, key: K) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at, self._order, key))
