"""A TCP link: one decision for the connection; the bytes of each way pass through its flow."""

from gate.proxy.behaviours import Error, Stream
from gate.proxy.counters import Ending
from gate.proxy.flow import Flow
from gate.proxy.live import LiveProxy
from gate.proxy.pair import Pair
from gate.proxy.stages import garbage


class TcpLink(Pair):
    """A connection whose bytes mean nothing to the proxy."""

    def __init__(self, proxy: LiveProxy) -> None:
        super().__init__(proxy, half_close=True)

    def begun(self, number: int) -> None:
        self.case = self.proxy.case(str(number))
        self.behave()

    def from_client(self, data: bytes) -> None:
        self.up.write(data)

    def from_upstream(self, data: bytes) -> None:
        self.down.write(data)

    def client_ended(self) -> None:
        if self.stopped() is None:
            self.up.end()
        else:  # It has given up waiting.
            self.end(Ending.CLOSED)

    def upstream_ended(self) -> None:
        self.down.end()

    def flow_ended(self, flow: Flow) -> None:
        if self.down.cut:
            self.fin(Ending.FAULT)
        if self.up.ended and self.down.ended:
            self.close()

    def behave(self) -> None:
        self.no_timers()
        stopping = self.stopped()
        if stopping is not None:
            self.stop(stopping)
            return
        acts = self.acts()
        for flow in (self.up, self.down):
            flow.behave(acts, self.draw, self.strike)
            flow.open()
        if not self.dialled:
            self.wait(self.dial, *Stream)

    def error(self, how: Error) -> None:
        self.say(garbage(how.bytes, self.draw))
        self.fin(Ending.FAULT)
