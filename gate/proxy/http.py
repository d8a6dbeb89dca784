"""An HTTP link: a decision for each request. Heads and bodies are passed on byte by byte as they came."""

import http
import math
from functools import partial

from gate.proxy.behaviours import Delay, Error, Per, Stream
from gate.proxy.counters import Ending
from gate.proxy.decision import short
from gate.proxy.flow import Flow
from gate.proxy.head import (
    UNTIL_CLOSE,
    BadHead,
    Body,
    Head,
    end_of_head,
    length_of_request,
    length_of_response,
    request_head,
    response_head,
)
from gate.proxy.live import LiveProxy
from gate.proxy.pair import Pair
from gate.proxy.spec import Request

PATIENCE = 30.0
"""Seconds that a client may take for a head that it has begun."""


class HttpLink(Pair):
    """A connection on which one request follows another; the next one begins when the answer to the last has passed."""

    def __init__(self, proxy: LiveProxy) -> None:
        super().__init__(proxy, half_close=False)
        self._number = self._requests = 0
        self._asked = bytearray()
        """Of the client: a head that is not whole yet, or requests whose turn has not come."""
        self._told = bytearray()
        """Of the upstream: a head that is not whole yet."""
        self._request: Head | None = None
        self._request_body = self._response_body = Body(0)
        self._answered = False
        """Whether the head of the answer is there."""
        self._tunnel = False
        """Whether it is HTTP no longer: after an upgrade the bytes just pass."""
        self._client_done = self._upstream_done = False

    # ---------------------------------------------------------------------------------------------------- the request

    def begun(self, number: int) -> None:
        self._number = number
        self.up.open()
        self.down.open()

    def from_client(self, data: bytes) -> None:
        if self._tunnel:
            self.up.write(data)
        elif self._request is not None and not self._request_body.done:
            self._pass_request(data)
        else:
            self._asked += data
            self._next_request()

    def _next_request(self) -> None:
        """Begin the next request, if it is there and the last one is over."""
        self.up.keep(len(self._asked))
        if self._request is not None or self.over or not self._asked:
            return
        try:
            end = end_of_head(self._asked)
            if end is None:
                self._await_head()
                return
            raw, rest = bytes(self._asked[:end]), bytes(self._asked[end:])
            self._asked.clear()
            self._begin(raw)
        except BadHead as refusal:
            self._refuse(refusal)
            return
        if not self.over:
            self.up.keep(0)
            self._request_may_be_done()
            if rest:
                self.from_client(rest)

    def _await_head(self) -> None:
        """Give the client its time for the rest, counted from the first byte, however it drips."""
        if not self._timers:
            self.later(PATIENCE, partial(self._refuse, BadHead("the head of a request did not come in time", 408)))

    def _begin(self, raw: bytes) -> None:
        head = request_head(raw)
        self._request_body = Body(length_of_request(head))
        self._request, self._answered, self._response_body = head, False, Body(UNTIL_CLOSE)
        self._requests += 1
        named = head.named()
        name = short(named.get(self.proxy.spec.request_id, "")) or f"{self._number}.{self._requests}"
        request = Request(method=head.first[0], path=head.first[1], headers=named)
        self.case = self.proxy.case(name, request)
        self.up.shut()
        self.up.out(raw)
        self.behave()

    def _pass_request(self, data: bytes) -> None:
        try:
            taken = self._request_body.take(data)
        except BadHead as refusal:
            self._refuse(refusal)
            return
        if taken:
            self.up.write(data[:taken])
        self._request_may_be_done()
        if taken < len(data):
            self.from_client(data[taken:])

    def _request_may_be_done(self) -> None:
        if self._request_body.done and not self.over:
            self.up.end()

    def _refuse(self, refusal: BadHead) -> None:
        """Answer what cannot be passed on, and end."""
        if not self._answered:
            self.say(_answer(refusal.status, f"{refusal}\n", "Connection: close"))
        self.fin(Ending.REFUSED)

    # ----------------------------------------------------------------------------------------------------- the answer

    def from_upstream(self, data: bytes) -> None:
        if self._tunnel:
            self.down.write(data)
        elif self._answered and not self._response_body.done:
            self._pass_answer(data)
        elif self._request is None or self._answered:
            self.end(Ending.UPSTREAM)  # It speaks without being asked, or on after its answer.
        else:
            self._told += data
            self._answer_head()

    def _answer_head(self) -> None:
        try:
            end = end_of_head(self._told)
            if end is None or self._request is None:
                return
            raw, rest = bytes(self._told[:end]), bytes(self._told[end:])
            self._told.clear()
            head = response_head(raw)
            length = length_of_response(head, self._request.first[0])
        except BadHead:
            self._refuse(BadHead("the upstream does not speak HTTP/1", 502))
            return
        status = int(head.first[1])
        self.down.out(raw)
        if 100 <= status < 200 and status != http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.from_upstream(rest) if rest else None
            return
        self._answered = True
        self._response_body = Body(length)
        self.wait(self.down.open, Stream.DOWN, Stream.BOTH)
        connected = self._request.first[0] == "CONNECT" and status < 300
        if status == http.HTTPStatus.SWITCHING_PROTOCOLS or connected:
            self._become_tunnel()
        if rest:
            self.from_upstream(rest)
        elif self._response_body.done and not self._tunnel:
            self.down.end()

    def _pass_answer(self, data: bytes) -> None:
        try:
            taken = self._response_body.take(data)
        except BadHead:
            self.end(Ending.UPSTREAM)
            return
        self.down.write(data[:taken])
        if self._response_body.done and not self.over:
            self.down.end()
            if taken < len(data):
                self.end(Ending.UPSTREAM)  # More than it said.

    def _become_tunnel(self) -> None:
        self._tunnel = True
        for flow in (self.up, self.down):
            flow.become_stream()
        asked = bytes(self._asked)
        self._asked.clear()
        if asked:
            self.up.write(asked)

    def flow_ended(self, flow: Flow) -> None:
        if self.down.cut:
            self.fin(Ending.FAULT)
        elif self.up.cut and flow is self.up:
            self.upstream.finish()  # It may answer what it got.
        if self.up.ended and self.down.ended and not self.over:
            if self._tunnel:
                self.close()
            elif self.up.cut:
                self.fin(Ending.FAULT)  # No other request can follow.
            elif self._answered and self._response_body.done:
                # Not from within the stage that has just said so.
                self.loop.call_soon(self._request_is_over)
            else:
                self.fin(Ending.CLOSED)

    def _request_is_over(self) -> None:
        if self.over:
            return
        self._request = self.case = None
        self.no_timers()
        for flow in (self.up, self.down):
            flow.next_message()
        if self._upstream_done:
            self.fin(Ending.CLOSED)
        elif self._client_done and not self._asked:
            self.close()
        else:
            self._next_request()

    # --------------------------------------------------------------------------------------------- the ends of streams

    def client_ended(self) -> None:
        self._client_done = True
        if self._tunnel:
            self.up.end()
        elif self._request is None:
            self.close()
        elif self.stopped() is not None or not self._request_body.done:
            self.end(Ending.CLOSED)

    def upstream_ended(self) -> None:
        self._upstream_done = True
        if self._tunnel or (self._answered and not self._response_body.done and self._response_body.endless):
            self.down.end()
            if not self._tunnel:
                self.up.end()
        elif self._request is None:
            self.fin(Ending.CLOSED)
        elif not (self._answered and self._response_body.done):
            self.end(Ending.FAULT if self.up.cut else Ending.RESET)  # In the middle of an answer, or instead of one.

    # -------------------------------------------------------------------------------------------------- the behaviours

    def behave(self) -> None:
        self.no_timers()
        stopping = self.stopped()
        if stopping is not None:
            self.stop(stopping)
            return
        acts = self.acts()
        for flow in (self.up, self.down):
            flow.behave(acts, self.draw, self.strike)
        if not self.up.is_open:
            self.wait(self._send, Stream.UP, Stream.BOTH)
        if self._answered or not self._late_answer():
            self.down.open()
        else:
            self.down.shut()

    def _send(self) -> None:
        self.up.open()
        self.dial()

    def _late_answer(self) -> bool:
        late = [act.does for act in self.acts() if isinstance(act.does, Delay) and act.does.per is Per.ONCE]
        return any(each.stream in {Stream.DOWN, Stream.BOTH} for each in late)

    def error(self, how: Error) -> None:
        if self._answered:
            self.end(Ending.FAULT)
            return
        after = [] if how.retry_after is None else [f"Retry-After: {math.ceil(how.retry_after.total_seconds())}"]
        self.say(_answer(how.status, how.body, *after, "Connection: close"))
        self.fin(Ending.FAULT)


def _answer(status: int, body: str, *headers: str) -> bytes:
    try:
        words = http.HTTPStatus(status).phrase
    except ValueError:
        words = "Error"
    payload = body.encode()
    lines = [f"HTTP/1.1 {status} {words}", "Content-Type: text/plain; charset=utf-8", f"Content-Length: {len(payload)}"]
    return "\r\n".join([*lines, *headers, "", ""]).encode() + payload
