"""A clock that stands still until a test moves it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


@dataclass
class HandClock:
    """Wall clock and monotonic clock in one; `jump` moves only the first, as an administrator or NTP would."""

    wall: datetime = START
    seconds: float = 0.0

    def now(self) -> datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, by: timedelta) -> None:
        self.wall += by
        self.seconds += by.total_seconds()

    def jump(self, by: timedelta) -> None:
        self.wall += by
