"""The loop behind every controller: keys to look at, each at most once at a time, now or later, on one thread."""

import logging
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from gate.sandbox.kubernetes.language.errors import AlreadyExists, Conflict, NotFound

logger = logging.getLogger(__name__)

KeyT = TypeVar("KeyT", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class BackOff:
    """How long to leave a key alone that could not be reconciled: twice as long each time. Seconds."""

    first: float
    longest: float

    def after(self, failures: int) -> float:
        """The pause after so many failures in a row, from 1 on."""
        return float(min(self.longest, self.first * 2 ** min(failures - 1, 30)))


BROKEN = BackOff(first=1.0, longest=60.0)

_OVERTAKEN_PAUSE = 0.005
"""Seconds, when somebody else wrote in between: that is no failure, and the next look sees what he wrote."""


class Work(Generic[KeyT]):
    """Calls `reconcile` for each key that was asked for, on its own thread; idle, it sleeps.

    `reconcile` compares what is with what should be and returns after how many seconds to look at the key again
    (None: when asked). What it raises is logged, with its trace the first time, and the key is looked at again later;
    whoever asks for it in between has it looked at at once.
    """

    def __init__(self, name: str, reconcile: Callable[[KeyT], float | None], *, broken: BackOff = BROKEN) -> None:
        self._name = name
        self._reconcile = reconcile
        self._broken = broken
        self._failures: dict[KeyT, int] = {}
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
            after = self._look(key)
            if after is not None:
                self.ask(key, after=after)

    def _look(self, key: KeyT) -> float | None:
        """Reconcile the key once; seconds after which to do it again, or None."""
        try:
            after = self._reconcile(key)
        except (Conflict, AlreadyExists, NotFound):
            return _OVERTAKEN_PAUSE
        except Exception as error:  # one broken object must not stop the others: say it, and look again later
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            pause = self._broken.after(failures)
            logger.log(
                logging.ERROR,
                "loop=%s key=%s cannot be reconciled failures=%d again_in=%gs error=%r",
                *(self._name, shown(key), failures, pause, error),
                exc_info=failures == 1,
            )
            return pause
        self._failures.pop(key, None)
        return after

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


def shown(key: Hashable) -> str:
    """The key as a person writes it: ``deployment-controller/shop/checkout``."""
    if isinstance(key, tuple):
        return "/".join(part for part in map(shown, key) if part)
    return str(key)
