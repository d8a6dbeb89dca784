"""The API server's clock, as its answers tell it: the one clock that replicas and the cluster's own times share."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from gate.running.ports import Clock


class ServerClock:
    """The server's time of day; that of this machine until an answer has told it.

    An answer says its whole second (`Date`), at some moment between question and end. Each leaves the difference to a
    clock of ours that nobody can set some room, and what all of them leave is soon a small part of a second. The latest
    time that is possible counts: what the server dates later than that was made later. An answer that contradicts the
    others is that of a server whose clock was set, or of another one: from there on it counts alone.
    """

    def __init__(self, machine: Clock, moment: Callable[[], float]) -> None:
        """`moment` gives seconds that nobody can set, and that go on while the machine is suspended."""
        self._machine, self.moment = machine, moment
        self._room: tuple[float, float] | None = None
        self._said: tuple[str, float] | None = None

    def now(self) -> datetime:
        room = self._room
        return datetime.fromtimestamp(self.moment() + room[1], UTC) if room else self._machine.now()

    def monotonic(self) -> float:
        return self._machine.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return self._machine.wait(event, seconds)

    def heard(self, date: str, asked: float) -> None:
        """An answer, to what was asked at that moment, has this `Date`. One that cannot be read says nothing."""
        second = self._second(date)
        if second is None:
            return
        least, most = second - self.moment(), second + 1 - asked
        known = self._room or (least, most)
        both = max(least, known[0]), min(most, known[1])
        self._room = both if both[0] <= both[1] else (least, most)

    def _second(self, date: str) -> float | None:
        """Many answers come within one second."""
        said = self._said
        if said and said[0] == date:
            return said[1]
        try:
            second = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return None
        self._said = (date, second)
        return second
