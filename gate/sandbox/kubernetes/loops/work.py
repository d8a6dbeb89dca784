"""The loop behind every controller: keys to look at, each at most once at a time, now or later, on one thread."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from gate.sandbox.kubernetes.language.errors import AlreadyExists, Conflict, NotFound

logger = logging.getLogger(__name__)

KeyT = TypeVar("KeyT", bound=Hashable)

_CONFLICT_PAUSE = 0.005
_ERROR_PAUSE = 1.0


class Work(Generic[KeyT]):
    """Calls `reconcile` for each key that was asked for, on its own thread; idle, it sleeps.

    `reconcile` compares what is with what should be and returns after how many seconds to look at the key again
    (None: when asked). Somebody else's write in between only means to look again.
    """

    def __init__(self, name: str, reconcile: Callable[[KeyT], float | None]) -> None:
        self._name = name
        self._reconcile = reconcile
        self._due: dict[KeyT, float] = {}
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def ask(self, key: KeyT, *, after: float = 0.0) -> None:
        """Have the key looked at, in so many seconds at the latest; from any thread."""
        moment = time.monotonic() + after
        with self._changed:
            if moment < self._due.get(key, float("inf")):
                self._due[key] = moment
                self._changed.notify()

    def stop(self) -> None:
        """Finish the key at hand, look at no other, and return."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while (key := self._next()) is not None:
            try:
                after = self._reconcile(key)
            except (Conflict, AlreadyExists, NotFound):
                after = _CONFLICT_PAUSE
            except Exception:  # one broken object must not stop the others: say it, and look again later
                logger.exception("loop=%s key=%s cannot be reconciled", self._name, key)
                after = _ERROR_PAUSE
            if after is not None:
                self.ask(key, after=after)

    def _next(self) -> KeyT | None:
        with self._changed:
            while not self._closed:
                key = min(self._due, key=self._due.__getitem__, default=None)
                pause = None if key is None else self._due[key] - time.monotonic()
                if key is not None and pause is not None and pause <= 0:
                    del self._due[key]
                    return key
                self._changed.wait(pause)
        return None
