"""Requests that wait for another answer, kept without a thread for each: a thousand waiting jobs are one thread.

A request that is parked is an open socket and what was read from it. One thread looks, at most once a second, whether
the answer to what they ask has become another one; each question is looked at once, however many ask it.
"""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from gate.web.answer import Question

log = logging.getLogger(__name__)

ROOM = "chaos_gate.room"
"""In a request's environment where the server can keep it waiting: a list, for the `Wait` that it is to be kept for."""
PACE = 1.0
"""Seconds between two looks at least."""
MOST = 4000
"""So many may be parked. Whoever comes then is answered at once, and asks again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a request waits for."""

    question: Question
    known: str
    """The mark of the answer that the asker has already."""
    since: int
    """The count of changes when that was looked at."""
    until: float
    """When it is answered in any case, on the monotonic clock."""


class Parking(Protocol):
    """A connection with its request, which may be gone on with once."""

    def go_on(self) -> None: ...


Look = Callable[[Collection[Question]], Mapping[Question, str]]
"""The marks of the answers to some questions, as they are now; without those that cannot be told."""


class Lot:
    """Where requests are parked. Thread-safe; `run` belongs to a thread of its own."""

    def __init__(self, changed: Callable[[int, float], int], look: Look, *, most: int = MOST) -> None:
        """`changed` is that of the views."""
        self._changed, self._look, self._most = changed, look, most
        self._lock = threading.Lock()
        self._parked: dict[Parking, Wait] = {}
        self._closing = threading.Event()

    @property
    def most(self) -> int:
        """So many may be parked at once."""
        return self._most

    def limit(self, most: int) -> None:
        """No more than these, before anybody is parked."""
        self._most = max(0, min(self._most, most))

    def __len__(self) -> int:
        with self._lock:
            return len(self._parked)

    def has_room(self) -> bool:
        """One more may be parked."""
        with self._lock:
            return len(self._parked) < self._most and not self._closing.is_set()

    def park(self, parking: Parking, wait: Wait) -> None:
        """Keep it until there is another answer, or its time is over. While closing it goes on at once."""
        with self._lock:
            closing = self._closing.is_set()
            if not closing:
                self._parked[parking] = wait
        if closing:
            parking.go_on()

    def close(self) -> None:
        """Let all go on, and keep nobody any more."""
        with self._lock:
            self._closing.set()
            parked = list(self._parked)
            self._parked.clear()
        for parking in parked:
            parking.go_on()

    def run(self) -> None:
        """Look on until closed."""
        count = -1
        while not self._closing.is_set():
            try:
                count = self._changed(count, PACE)
                due = self._due(count)
            except Exception:  # a mistake about one question must not keep all the others waiting for good
                log.exception("wait.unsure")
                due = self._over()
            for parking in due:
                parking.go_on()
            self._closing.wait(PACE / 4)

    def _over(self) -> list[Parking]:
        """Takes those out whose time is over, whatever the answer is."""
        now = time.monotonic()
        with self._lock:
            over = [parking for parking, wait in self._parked.items() if now >= wait.until]
        return [parking for parking in over if self._take(parking)]

    def _due(self, count: int) -> list[Parking]:
        """Takes those out that are to be answered now."""
        with self._lock:
            waits = dict(self._parked)
        stale = {parking: wait for parking, wait in waits.items() if wait.since < count}
        marks = self._look({wait.question for wait in stale.values()}) if stale else {}
        now = time.monotonic()
        over = []
        for parking, wait in waits.items():
            if now >= wait.until or (parking in stale and marks.get(wait.question) != wait.known):
                over.append(parking)
            elif parking in stale:
                self._again(parking, replace(wait, since=count))
        return [parking for parking in over if self._take(parking)]

    def _again(self, parking: Parking, wait: Wait) -> None:
        with self._lock:
            if parking in self._parked:
                self._parked[parking] = wait

    def _take(self, parking: Parking) -> bool:
        with self._lock:
            return self._parked.pop(parking, None) is not None
