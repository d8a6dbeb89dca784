"""A flow: one direction of a connection, from the transport that reads to the one that writes, with back-pressure."""

import asyncio
from collections.abc import Callable, Sequence

from gate.proxy.behaviours import Stream
from gate.proxy.decision import Act
from gate.proxy.paces import Draw
from gate.proxy.stages import Cut, Outlet, Stage, Strike, Timers, stages

FULL = 65_536
"""Bytes held in the stages from which on nothing more is read."""


class Flow:
    """Bytes in, through the stages of the behaviours in force, and out as soon as there is a transport to take them."""

    def __init__(
        self,
        stream: Stream,
        timers: Timers,
        *,
        count: Callable[[int], None],
        ended: Callable[[], None],
        half_close: bool = True,
    ) -> None:
        self.stream = stream
        self.half_close = half_close
        """Whether the end is told to the sink; else it is the end of a message, and another one may follow."""
        self.kept = 0
        """Bytes that were read and are kept elsewhere until it is their turn."""
        self.spoiled = False
        """Whether bytes of an earlier behaviour were lost or changed."""
        self.ended = False
        """Whether the end has been handed to the sink."""
        self._timers = timers
        self._count = count
        self._on_end = ended
        self._source: asyncio.ReadTransport | None = None
        self._sink: asyncio.WriteTransport | None = None
        self._open = False
        self._early: list[bytes] = []
        self._early_size = 0
        self._end_waits = False
        self._blocked = False
        self._reading = True
        self._stages: list[Stage] = []
        self._first: Outlet = _Tap(self)

    def read_from(self, source: asyncio.ReadTransport) -> None:
        """The transport to pause where the bytes cannot go on."""
        self._source = source
        self._balance()

    def write_to(self, sink: asyncio.WriteTransport) -> None:
        """The transport that takes the bytes; those that came before go first."""
        self._sink = sink
        self._flush()

    def open(self) -> None:
        """Let bytes out, once there is a sink."""
        self._open = True
        self._flush()

    def shut(self) -> None:
        """Let nothing out; what comes is kept until it is too much to keep, and then no more is read."""
        self._open = False

    @property
    def is_open(self) -> bool:
        """Whether bytes may go out."""
        return self._open

    def behave(self, acts: Sequence[Act], draw: Draw, strike: Strike) -> None:
        """From now on these behaviours; what others hold goes on at once."""
        before, self._stages = self._stages, []
        for each in before:
            each.release()
            self.spoiled = self.spoiled or each.spoiled
        self._first, self._stages = stages(acts, self.stream, draw, strike, _Tap(self), self._timers)
        self._balance()

    def write(self, data: bytes) -> None:
        """Bytes from the source."""
        self._first.write(data)
        self._balance()

    def end(self) -> None:
        """The source has nothing more."""
        self._first.end()

    def next_message(self) -> None:
        """The last message has passed whole; what was done to it is of the past."""
        self.ended = self._end_waits = self.spoiled = False
        self._first, self._stages = _Tap(self), []

    def become_stream(self) -> None:
        """No messages any more: from now on the end is the end of the stream."""
        self.half_close = True
        self.ended = self._end_waits = False

    def keep(self, count: int) -> None:
        """So many bytes are kept elsewhere until it is their turn."""
        self.kept = count
        self._balance()

    def block(self, *, blocked: bool) -> None:
        """The sink's buffer is full, or no longer."""
        self._blocked = blocked
        self._balance()

    @property
    def cut(self) -> bool:
        """Whether bytes at the end were left out."""
        return any(isinstance(each, Cut) and each.spoiled for each in self._stages)

    @property
    def whole(self) -> bool:
        """Whether all bytes have passed as they came, or can still."""
        return not self.spoiled and not any(each.spoiled for each in self._stages)

    def out(self, data: bytes) -> None:
        """Bytes that have passed the stages."""
        if self._open and self._sink is not None:
            if not self._sink.is_closing():
                self._count(len(data))
                self._sink.write(data)
        else:
            self._early.append(data)
            self._early_size += len(data)
            self._balance()

    def out_end(self) -> None:
        """The end has passed the stages."""
        self._end_waits = True
        self._flush()

    def _flush(self) -> None:
        if not self._open or self._sink is None:
            return
        early, self._early, self._early_size = self._early, [], 0
        for data in early:
            self.out(data)
        if self._end_waits and not self.ended:
            self.ended = True
            if self.half_close and self._sink.can_write_eof() and not self._sink.is_closing():
                self._sink.write_eof()
            self._on_end()
        self._balance()

    def _balance(self) -> None:
        if self._source is None or self._source.is_closing():
            return
        held = self.kept + self._early_size + sum(each.held for each in self._stages)
        reading = not self._blocked and held < FULL
        if reading != self._reading:
            self._reading = reading
            (self._source.resume_reading if reading else self._source.pause_reading)()


class _Tap:
    """The end of the chain of stages."""

    def __init__(self, flow: Flow) -> None:
        self.write = flow.out
        self.end = flow.out_end
