"""A work queue with one slot per key: however often a key is added, it waits once, and never runs twice at a time."""

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
        self._busy: set[K] = set()
        self._closed = False

    def add(self, key: K, *, after: float = 0.0) -> None:
        """Have the key looked at in so many seconds, or earlier if that is already asked for."""
        at = self._monotonic() + after
        with self._changed:
            if key in self._due and self._due[key] <= at:
                return
            self._due[key] = at
            self._push(at, key)
            self._changed.notify()

    def take(self) -> K | None:
        """The next key that is due, waiting for one; None once the queue is closed. Give it back with `done`."""
        with self._changed:
            while not self._closed:
                now = self._monotonic()
                while self._heap and self._heap[0][0] <= now:
                    at, _, key = heapq.heappop(self._heap)
                    if self._due.get(key) != at or key in self._busy:  # moved forward, or `done` will push it again
                        continue
                    del self._due[key]
                    self._busy.add(key)
                    return key
                self._changed.wait(self._heap[0][0] - now if self._heap else None)
        return None

    def due_in(self) -> float | None:
        """Seconds until `take` has a key to give, 0 if it has one now; None if nothing waits that could become due."""
        with self._changed:
            waiting = [at for key, at in self._due.items() if key not in self._busy]
            return max(0.0, min(waiting) - self._monotonic()) if waiting else None

    def done(self, key: K) -> None:
        """The key has been looked at; if it was added meanwhile, it is due again."""
        with self._changed:
            self._busy.discard(key)
            if key in self._due:
                self._push(self._due[key], key)
                self._changed.notify()

    def close(self) -> None:
        """Nobody waits any longer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _push(self, at: float, key: K) -> None:
        self._order += 1
        heapq.heappush(self._heap, (at, self._order, key))
