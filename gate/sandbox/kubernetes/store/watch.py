"""A watch: the changes of some resources from some moment on, kept until somebody takes them."""

from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from threading import RLock
from typing import Protocol, Self

from gate.sandbox.kubernetes.store.changes import Change


class Watched(Protocol):
    """What a watch asks of its store."""

    @property
    def lock(self) -> RLock: ...

    @property
    def revision(self) -> int: ...

    def leave(self, watch: "Watch") -> None: ...


class Watch:
    """The changes from some moment on. Iterate until closed, or take one at a time with a deadline."""

    def __init__(self, store: Watched, keys: frozenset[tuple[str, str]] | None) -> None:
        self._store = store
        self._keys = keys
        self._queue: SimpleQueue[Change | None] = SimpleQueue()
        self._announce: Callable[[], None] | None = None
        self.closed = False

    def wants(self, change: Change) -> bool:
        return self._keys is None or change.resource.key in self._keys

    def offer(self, change: Change) -> None:
        self._put(change)

    @property
    def pending(self) -> bool:
        """There is something to take: a change, or the end."""
        return not self._queue.empty()

    def announce(self, callback: Callable[[], None]) -> None:
        """Call this whenever there is something to take, from whatever thread it comes; from now on `next` never waits.

        So one thread can read many watches. The callback must not wait either: the store is locked meanwhile.
        """
        self._announce = callback
        if self.pending:
            callback()

    def next(self, timeout: float | None = None) -> Change | None:
        """The next change; None after so many seconds without one, or when the watch was closed."""
        if self.closed and self._queue.empty():
            return None
        try:
            return self._queue.get(timeout=timeout, block=self._announce is None)
        except Empty:
            return None

    def caught_up(self) -> int | None:
        """The revision up to which there is nothing left to take; None while there is something."""
        with self._store.lock:
            return self._store.revision if self._queue.empty() else None

    def __iter__(self) -> Iterator[Change]:
        while (change := self.next()) is not None:
            yield change

    def close(self) -> None:
        """End the iteration, from any thread."""
        if not self.closed:
            self.closed = True
            self._store.leave(self)
            self._put(None)

    def _put(self, change: Change | None) -> None:
        self._queue.put(change)
        if self._announce is not None:
            self._announce()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
