"""A client and its upstream with a flow each way: how they meet, how a behaviour stops them, and the ways they end.

What passes between them, and when what is decided, is for those that are a pair: `tcp` and `http`.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable

from gate.proxy.behaviours import Blackout, Delay, Error, Hang, Per, Reset, Stream
from gate.proxy.counters import Ending
from gate.proxy.decision import Act
from gate.proxy.flow import Flow
from gate.proxy.live import Case, LiveProxy
from gate.proxy.paces import lateness
from gate.proxy.sockets import Side

STOPPING = (Error, Reset, Blackout, Hang)
"""Behaviours with which nothing passes any more. Of several the first counts."""


class Pair(ABC):
    """One connection of a client. All of it runs in the event loop; nothing in it waits."""

    def __init__(self, proxy: LiveProxy, *, half_close: bool) -> None:
        self.proxy, self.loop = proxy, proxy.loop
        counters = proxy.counters
        self.up = Flow(
            Stream.UP, self.loop, count=counters.sent_up, ended=lambda: self.flow_ended(self.up), half_close=half_close
        )
        self.down = Flow(
            Stream.DOWN,
            self.loop,
            count=counters.sent_down,
            ended=lambda: self.flow_ended(self.down),
            half_close=half_close,
        )
        self.client = Side(
            made=self._accepted,
            lost=self._client_lost,
            receive=self.from_client,
            end=self.client_ended,
            block=lambda blocked: self.down.block(blocked=blocked),
        )
        self.upstream = Side(
            made=self._connected,
            lost=self._upstream_lost,
            receive=self.from_upstream,
            end=self.upstream_ended,
            block=lambda blocked: self.up.block(blocked=blocked),
        )
        self.case: Case | None = None
        self.over = False
        self._dialling: asyncio.Task[None] | None = None
        self._timers: set[asyncio.TimerHandle] = set()

    # ------------------------------------------------------------------------------- for those that are a pair to say

    @abstractmethod
    def begun(self, number: int) -> None:
        """The client is there: it is the connection of that number."""

    @abstractmethod
    def from_client(self, data: bytes) -> None:
        """Bytes of the client."""

    @abstractmethod
    def from_upstream(self, data: bytes) -> None:
        """Bytes of the upstream."""

    @abstractmethod
    def client_ended(self) -> None:
        """The client says nothing more."""

    @abstractmethod
    def upstream_ended(self) -> None:
        """The upstream says nothing more."""

    @abstractmethod
    def flow_ended(self, flow: Flow) -> None:
        """The end has passed all stages of a flow."""

    @abstractmethod
    def error(self, how: Error) -> None:
        """Answer wrongly instead of the upstream."""

    @abstractmethod
    def behave(self) -> None:
        """Do what the decision says from now on, whatever was done until now."""

    # ---------------------------------------------------------------------------------------------------- transports

    def _accepted(self, transport: asyncio.Transport) -> None:
        number = self.proxy.joined(self)
        self.up.read_from(transport)
        self.down.write_to(transport)
        self.begun(number)

    def _connected(self, transport: asyncio.Transport) -> None:
        if self.over:
            transport.abort()
            return
        self.up.write_to(transport)
        self.down.read_from(transport)

    def _client_lost(self, error: Exception | None) -> None:
        self.end(Ending.RESET if error else Ending.CLOSED)
        self.proxy.gone(self)

    def _upstream_lost(self, error: Exception | None) -> None:
        if not self.over:
            self.end(Ending.RESET if error else Ending.CLOSED)

    @property
    def dialled(self) -> bool:
        """Whether the way to the upstream was begun."""
        return self._dialling is not None

    def dial(self) -> None:
        """Connect the upstream, unless that was begun already."""
        if not self.dialled:
            self._dialling = self.loop.create_task(self._connect())

    async def _connect(self) -> None:
        upstream, within = self.proxy.spec.upstream, self.proxy.spec.connect_timeout.total_seconds()
        try:
            async with asyncio.timeout(within):
                await self.loop.create_connection(lambda: self.upstream, upstream.host, upstream.port)
        # Refused, unknown, or not within the time: also TimeoutError is an OSError; or no name that can be looked up.
        except (OSError, UnicodeError):
            self.end(Ending.UPSTREAM)

    # ----------------------------------------------------------------------------------------------------- decisions

    def adopt(self) -> None:
        if self.over or self.case is None or not self.case.again():
            return
        if self.up.whole and self.down.whole:
            self.behave()
        else:
            self.drop(Ending.CHANGED)

    def acts(self) -> tuple[Act, ...]:
        """What is to be done now."""
        return self.case.decision.acts if self.case else ()

    def strike(self, act: Act) -> None:
        """What is to be done has an effect."""
        if self.case is not None:
            self.case.strike(act)

    def wait(self, act: Callable[[], None], *streams: Stream) -> None:
        """Do it when the delays of these ways are over that strike once."""
        seconds = 0.0
        for each in self.acts():
            if isinstance(each.does, Delay) and each.does.per is Per.ONCE and each.does.stream in streams:
                late = lateness(each.does, self.draw, "once")
                if late:
                    self.strike(each)
                seconds += late
        self.later(seconds, act)

    def draw(self, what: str) -> float:
        """A number in [0, 1) for this request."""
        return self.case.draw(what) if self.case else 0.0

    def stopped(self) -> Act | None:
        """The behaviour with which nothing passes, if there is one."""
        return next((act for act in self.acts() if isinstance(act.does, STOPPING)), None)

    def stop(self, act: Act) -> None:
        """Let nothing pass any more, and end as the behaviour says."""
        self.strike(act)
        how = act.does
        for flow in (self.up, self.down):
            flow.shut()
            flow.behave([], self.draw, self.strike)
        match how:
            case Error():
                self.error(how)
            case Reset(after=after):
                self.later(after.total_seconds(), lambda: self.end(Ending.FAULT))
            case Blackout(after=after):
                self.later(after.total_seconds(), lambda: self.fin(Ending.FAULT))
            case Hang(end=end) if end is not None:
                self.later(end.total_seconds(), lambda: self.fin(Ending.FAULT))

    def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do it then, unless the decision changes before."""
        if seconds > 0:
            self._timers.add(self.loop.call_later(seconds, act))
        else:
            act()

    def no_timers(self) -> None:
        """Forget what was to be done later."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()

    def say(self, data: bytes) -> None:
        """Bytes for the client that are not the upstream's."""
        if self.client.transport is not None:
            self.client.transport.write(data)

    # --------------------------------------------------------------------------------------------------- how it ends

    def close(self) -> None:
        """Both have said all that they had to say: what was written may still go."""
        if self._leave(Ending.CLOSED):
            self.client.close()
            self.upstream.close()

    def fin(self, ending: Ending) -> None:
        """The client gets a FIN after what was written; what the upstream still has to say goes nowhere."""
        if self._leave(ending):
            self.client.goodbye(self.loop)
            self.upstream.reset()

    def end(self, ending: Ending) -> None:
        """Both get a RST, now, unless it has ended already."""
        if not self.over:
            self.drop(ending)

    def drop(self, ending: Ending) -> None:
        """Both get a RST, now, also where an end is on its way that takes its time."""
        self._leave(ending)
        self.client.reset()
        self.upstream.reset()

    def _leave(self, ending: Ending) -> bool:
        if self.over:
            return False
        self.over = True
        self.no_timers()
        if self._dialling is not None and self.upstream.transport is None:
            self._dialling.cancel()
        for flow in (self.up, self.down):
            flow.shut()
            flow.behave([], self.draw, self.strike)
        self.proxy.left(ending)
        return True
