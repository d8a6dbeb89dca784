"""A TCP link: a client, the upstream, a flow each way, and what the decision about the connection makes of them."""

import asyncio
from collections.abc import Callable

from gate.proxy.behaviours import Behaviour, Blackout, Delay, Error, Hang, Per, Reset, Stream
from gate.proxy.counters import Ending
from gate.proxy.flow import Flow
from gate.proxy.live import LiveProxy
from gate.proxy.paces import lateness
from gate.proxy.sockets import Side
from gate.proxy.stages import garbage

STOPPING = (Error, Reset, Blackout, Hang)
"""Behaviours with which nothing passes any more. Of several the first counts."""


class TcpLink:
    """One connection of a client. All of it runs in the event loop; nothing in it waits."""

    def __init__(self, proxy: LiveProxy) -> None:
        self._proxy = proxy
        counters = proxy.counters
        self._up = Flow(Stream.UP, proxy.loop, count=counters.sent_up, ended=self._flow_ended)
        self._down = Flow(Stream.DOWN, proxy.loop, count=counters.sent_down, ended=self._flow_ended)
        self.client = Side(
            made=self._accepted,
            lost=self._client_lost,
            receive=self._up.write,
            end=self._client_ended,
            block=lambda blocked: self._down.block(blocked=blocked),
        )
        self._upstream = Side(
            made=self._connected,
            lost=self._upstream_lost,
            receive=self._down.write,
            end=self._down.end,
            block=lambda blocked: self._up.block(blocked=blocked),
        )
        self._dialling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._over = False

    # ------------------------------------------------------------------------------------------ what happens to it

    def _accepted(self, transport: asyncio.Transport) -> None:
        self._case = self._proxy.case(str(self._proxy.joined(self)))
        self._up.read_from(transport)
        self._down.write_to(transport)
        self._behave()

    def _connected(self, transport: asyncio.Transport) -> None:
        if self._over:
            transport.abort()
            return
        self._up.write_to(transport)
        self._down.read_from(transport)

    def _client_ended(self) -> None:
        if self._stopped() is None:
            self._up.end()
        else:  # It has given up waiting.
            self._end(Ending.CLOSED)

    def _client_lost(self, error: Exception | None) -> None:
        self._end(Ending.RESET if error else Ending.CLOSED)
        self._proxy.gone(self)

    def _upstream_lost(self, error: Exception | None) -> None:
        if error and not self._over:
            self._end(Ending.RESET)

    def _flow_ended(self) -> None:
        if self._down.ended and not self._down.whole:
            self._fin(Ending.FAULT)
        elif self._up.ended and not self._up.whole:
            self._upstream.goodbye(self._proxy.loop)
        if self._up.ended and self._down.ended:
            self._close()

    # --------------------------------------------------------------------------------------------- what it is to do

    def adopt(self) -> None:
        if self._over or not self._case.again():
            return
        if self._up.whole and self._down.whole:
            self._behave()
        else:
            self.drop(Ending.CHANGED)

    def drop(self, ending: Ending) -> None:
        self._leave(ending)
        self.client.reset()
        self._upstream.reset()

    def _behave(self) -> None:
        """Do what the decision says from now on, whatever was done until now."""
        acts = [act.does for act in self._case.decision.acts]
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        stopping = self._stopped()
        for flow in (self._up, self._down):
            if stopping is not None:
                flow.shut()
            flow.behave(acts, self._case.draw)
            if stopping is None:
                flow.open()
        if stopping is None:
            self._dial_after(self._patience(acts))
        else:
            self._stop(stopping)

    def _stopped(self) -> Behaviour | None:
        return next((act.does for act in self._case.decision.acts if isinstance(act.does, STOPPING)), None)

    def _patience(self, acts: list[Behaviour]) -> float:
        once = [each for each in acts if isinstance(each, Delay) and each.per is Per.ONCE]
        return sum(lateness(each, self._case.draw, "once") for each in once)

    def _dial_after(self, seconds: float) -> None:
        if self._dialling is not None or self._upstream.transport is not None:
            return
        if seconds > 0:
            self._timer = self._proxy.loop.call_later(seconds, self._dial)
        else:
            self._dial()

    def _dial(self) -> None:
        self._timer = None
        self._dialling = self._proxy.loop.create_task(self._connect())

    async def _connect(self) -> None:
        upstream, within = self._proxy.spec.upstream, self._proxy.spec.connect_timeout.total_seconds()
        try:
            async with asyncio.timeout(within):
                await self._proxy.loop.create_connection(lambda: self._upstream, upstream.host, upstream.port)
        except OSError:  # Refused, unknown, or not within the time: also TimeoutError is one.
            self._end(Ending.UPSTREAM)

    def _stop(self, how: Behaviour) -> None:
        match how:
            case Error(bytes=count):
                assert self.client.transport is not None  # noqa: S101  # a link begins when its client is there
                self.client.transport.write(garbage(count, self._case.draw))
                self._fin(Ending.FAULT)
            case Reset(after=after):
                self._later(after.total_seconds(), lambda: self._end(Ending.FAULT))
            case Blackout(after=after):
                self._later(after.total_seconds(), lambda: self._fin(Ending.FAULT))
            case Hang(end=end) if end is not None:
                self._later(end.total_seconds(), lambda: self._fin(Ending.FAULT))

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        if seconds > 0:
            self._timer = self._proxy.loop.call_later(seconds, act)
        else:
            act()

    # --------------------------------------------------------------------------------------------------- how it ends

    def _close(self) -> None:
        """Both ways have ended as they should: what was written may still go."""
        if self._leave(Ending.CLOSED):
            self.client.close()
            self._upstream.close()

    def _fin(self, ending: Ending) -> None:
        """The client gets a FIN; what the upstream still has to say goes nowhere."""
        if self._leave(ending):
            self.client.goodbye(self._proxy.loop)
            self._upstream.reset()

    def _end(self, ending: Ending) -> None:
        """Both get a RST, now, unless it has ended already."""
        if not self._over:
            self.drop(ending)

    def _leave(self, ending: Ending) -> bool:
        if self._over:
            return False
        self._over = True
        if self._timer is not None:
            self._timer.cancel()
        if self._dialling is not None and self._upstream.transport is None:
            self._dialling.cancel()
        for flow in (self._up, self._down):
            flow.shut()
            flow.behave([], self._case.draw)
        self._proxy.left(ending)
        return True
