"""Stages: what stands in the way of a stream, one behind the other. Each hands on to the next what it lets pass."""

from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from typing import Protocol

from gate.proxy.behaviours import Behaviour, Corrupt, Stream, Truncate
from gate.proxy.decision import Act
from gate.proxy.paces import Draw, Pace, pace

Strike = Callable[[Act], None]
"""Told that an act has an effect, as often as it has one."""


class Outlet(Protocol):
    """Where bytes go, and after the last of them the end."""

    def write(self, data: bytes) -> None: ...

    def end(self) -> None: ...


class Timer(Protocol):
    """Something that will happen."""

    def cancel(self) -> None: ...


class Timers(Protocol):
    """The clock and the waiting: an event loop has them."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer: ...


class Stage(Outlet, Protocol):
    """An outlet that may hold bytes back or change them."""

    held: int
    """Bytes that have come and not gone."""
    spoiled: bool
    """Whether bytes were lost or changed, so that the stream cannot be made whole again."""

    def release(self) -> None:
        """Hand on at once what is held, and be of no effect from now on."""
        ...


class Paced:
    """Holds each piece until its pace says that it is due. One timer at most."""

    def __init__(self, pace: Pace, outlet: Outlet, timers: Timers, strike: Callable[[], None]) -> None:
        self.held = 0
        self.spoiled = False
        self._pace: Pace | None = pace
        self._outlet = outlet
        self._timers = timers
        self._strike = strike
        self._waiting: deque[tuple[bytes | None, float]] = deque()
        self._due: tuple[float, int] | None = None
        self._timer: Timer | None = None

    def write(self, data: bytes) -> None:
        self.held += len(data)
        self._waiting.append((data, self._timers.time()))
        if self._timer is None:
            self._run()

    def end(self) -> None:
        self._waiting.append((None, self._timers.time()))
        if self._timer is None:
            self._run()

    def release(self) -> None:
        self._pace = None
        if self._timer is not None:
            self._timer.cancel()
        self._run()

    def _run(self) -> None:
        self._timer = None
        while self._waiting:
            data, arrived = self._waiting[0]
            due, size = self._next(data, arrived)
            if due > self._timers.time():
                self._strike()
                self._timer = self._timers.call_at(due, self._run)
                return
            self._due = None
            self._hand_on(data, size, arrived)

    def _next(self, data: bytes | None, arrived: float) -> tuple[float, int]:
        if self._pace is None:
            return arrived, len(data or b"")
        if self._due is None:
            self._due = (self._pace.end(arrived), 0) if data is None else self._pace.piece(len(data), arrived)
        return self._due

    def _hand_on(self, data: bytes | None, size: int, arrived: float) -> None:
        self._waiting.popleft()
        if data is None:
            self._outlet.end()
            return
        if size < len(data):
            self._waiting.appendleft((data[size:], arrived))
        self.held -= size
        self._outlet.write(data[:size])


class Cut:
    """Lets the first bytes pass; then comes the end, and the rest goes nowhere."""

    held = 0

    def __init__(self, after: int, outlet: Outlet, strike: Callable[[], None]) -> None:
        self.spoiled = False
        self._strike = strike
        self._left: int | None = after
        self._outlet = outlet

    def write(self, data: bytes) -> None:
        if self._left is None:
            self._outlet.write(data)
        elif not self.spoiled:
            passed = data[: self._left]
            self._left -= len(passed)
            if passed:
                self._outlet.write(passed)
            if self._left == 0:
                self.spoiled = True
                self._strike()
                self._outlet.end()

    def end(self) -> None:
        if not self.spoiled:
            self._outlet.end()

    def release(self) -> None:
        if not self.spoiled:
            self._left = None


class Flipped:
    """Flips one bit in every so many bytes; where, the draw says."""

    held = 0

    def __init__(self, every: int, draw: Draw, outlet: Outlet, strike: Callable[[], None]) -> None:
        self.spoiled = False
        self._strike = strike
        self._every: int | None = every
        self._draw = draw
        self._outlet = outlet
        self._seen = 0
        self._block = 0
        self._at = self._place()

    def write(self, data: bytes) -> None:
        if self._every is not None and self._at < self._seen + len(data):
            self._strike()
            data = self._flip(bytearray(data), self._every)
        self._seen += len(data)
        self._outlet.write(data)

    def _flip(self, data: bytearray, every: int) -> bytes:
        while self._at < self._seen + len(data):
            data[self._at - self._seen] ^= 1 << int(self._draw(f"bit {self._block}") * 8)
            self.spoiled = True
            self._block += 1
            self._at = self._place()
        return bytes(data)

    def _place(self) -> int:
        every = self._every or 1
        return self._block * every + int(self._draw(f"byte {self._block}") * every)

    def end(self) -> None:
        self._outlet.end()

    def release(self) -> None:
        self._every = None


def stages(
    acts: Iterable[Act], stream: Stream, draw: Draw, strike: Strike, outlet: Outlet, timers: Timers
) -> tuple[Outlet, list[Stage]]:
    """Those of the behaviours that are about this stream, as a chain before the outlet, the first behaviour first."""
    found: list[Stage] = []
    for act in reversed([each for each in acts if getattr(each.does, "stream", None) in {stream, Stream.BOTH}]):
        made = _stage(act.does, draw, partial(strike, act), outlet, timers)
        if made is not None:
            found.insert(0, made)
            outlet = made
    return outlet, found


def _stage(does: Behaviour, draw: Draw, strike: Callable[[], None], outlet: Outlet, timers: Timers) -> Stage | None:
    match does:
        case Corrupt(every=every):
            return Flipped(every, draw, outlet, strike)
        case Truncate(after=after):
            return Cut(after, outlet, strike)
        case _:
            held_up = pace(does, draw)
            return Paced(held_up, outlet, timers, strike) if held_up else None


def garbage(count: int, draw: Draw) -> bytes:
    """Bytes that mean nothing, always the same for this request."""
    return bytes(int(draw(f"garbage {number}") * 256) for number in range(min(count, 65_536)))
