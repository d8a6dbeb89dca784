"""Paces: when each piece of a stream is due, and how large it is. Pure; `stages` waits until then."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gate.proxy.behaviours import Behaviour, Delay, Drip, Per, Slow, SlowClose

SLICE = 0.01
"""Seconds that one piece of a slow stream takes at least, so that a fast one is not cut into single bytes."""

FOREVER = 1e8
"""Seconds: three years."""

Draw = Callable[[str], float]
"""A number in [0, 1) for a word, always the same for this request."""


class Pace(Protocol):
    """How one stream is held up. It is asked about each piece once, in order."""

    def piece(self, size: int, arrived: float) -> tuple[float, int]:
        """Of so many bytes that arrived then: when the next piece is due, and how many it has."""
        ...

    def end(self, arrived: float) -> float:
        """When the end of the stream is due that arrived then."""
        ...


@dataclass(slots=True, kw_only=True)
class Late:
    """Each piece by a time of its own, never before the one before it."""

    delay: Delay
    draw: Draw
    pieces: int = 0
    last: float = 0.0

    def piece(self, size: int, arrived: float) -> tuple[float, int]:
        self.pieces += 1
        self.last = max(self.last, arrived + lateness(self.delay, self.draw, str(self.pieces)))
        return self.last, size

    def end(self, arrived: float) -> float:
        return self.piece(0, arrived)[0]


def lateness(delay: Delay, draw: Draw, what: str) -> float:
    """Seconds that a delay is this time."""
    jitter = delay.jitter.total_seconds()
    return max(0.0, delay.time.total_seconds() + ((2 * draw(what) - 1) * jitter if jitter else 0.0))


@dataclass(slots=True, kw_only=True)
class Narrow:
    """So many bytes a second."""

    rate: int
    free: float = 0.0
    """When the line has nothing more to do."""

    def piece(self, size: int, arrived: float) -> tuple[float, int]:
        if self.rate == 0:
            return arrived + FOREVER, size
        taken = min(size, max(1, int(self.rate * SLICE)))
        self.free = max(self.free, arrived) + taken / self.rate
        return self.free, taken

    def end(self, arrived: float) -> float:
        return max(self.free, arrived) if self.rate else arrived + FOREVER


@dataclass(slots=True, kw_only=True)
class Dripping:
    """A few bytes at a time, and then a pause."""

    drip: Drip
    draw: Draw
    pieces: int = 0
    next: float = 0.0

    def piece(self, size: int, arrived: float) -> tuple[float, int]:
        due = max(self.next, arrived)
        self.next = due + self.drip.every.total_seconds()
        self.pieces += 1
        off = (2 * self.draw(f"size {self.pieces}") - 1) * self.drip.vary if self.drip.vary else 0.0
        return due, min(size, max(1, round(self.drip.size + off)))

    def end(self, arrived: float) -> float:
        return arrived


@dataclass(slots=True, kw_only=True)
class LateEnd:
    """The bytes at once, the end later."""

    seconds: float

    def piece(self, size: int, arrived: float) -> tuple[float, int]:
        return arrived, size

    def end(self, arrived: float) -> float:
        return arrived + self.seconds


def pace(does: Behaviour, draw: Draw) -> Pace | None:
    """How a behaviour holds a stream up; None: it does not."""
    match does:
        case Delay(per=Per.CHUNK):
            return Late(delay=does, draw=draw)
        case Slow(rate=rate):
            return Narrow(rate=rate)
        case Drip():
            return Dripping(drip=does, draw=draw)
        case SlowClose(time=time):
            return LateEnd(seconds=time.total_seconds())
        case _:
            return None
