"""A watch: the changes of some resources from some moment on, kept until somebody takes them."""

from collections.abc import Iterator
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
        self.closed = False

    def wants(self, change: Change) -> bool:
        return self._keys is None or change.resource.key in self._keys

    def offer(self, change: Change) -> None:
        self._queue.put(change)

    def next(self, timeout: float | None = None) -> Change | None:
        """The next change; None after so many seconds without one, or when the watch was closed."""
        if self.closed and self._queue.empty():
            return None
        try:
            return self._queue.get(timeout=timeout)
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
            self._queue.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
