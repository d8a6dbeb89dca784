"""Time for one execution: the system's clocks, and wall-clock times that cannot jump."""

import threading
import time
from datetime import UTC, datetime, timedelta

from gate.running.ports import Clock


class SystemClock:
    """The clocks of this machine."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return event.wait(max(0.0, seconds))


def since_boot() -> float:
    """Seconds since this machine was started, also those for which it was suspended. Nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Timekeeper:
    """Tells the time of day as it was at the start plus the time passed since.

    All times in one execution come from here, so that a clock that is set meanwhile changes no interval between them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall = clock.now()
        self._start = clock.monotonic()
        self._nothing = threading.Event()

    def now(self) -> datetime:
        return self.at(self._clock.monotonic())

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def at(self, monotonic: float) -> datetime:
        """The time of day at that reading of the monotonic clock."""
        return self._wall + timedelta(seconds=monotonic - self._start)

    def wait(self, seconds: float) -> None:
        self._clock.wait(self._nothing, seconds)
