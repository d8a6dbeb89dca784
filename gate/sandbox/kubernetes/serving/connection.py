"""One connection to the server: requests are read from it and answered, one after the other, on its own thread."""

import contextlib
import json
import select
import socket
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from typing import ClassVar, Protocol, cast
from urllib.parse import parse_qsl, urlsplit

from gate.sandbox.kubernetes.api import tables
from gate.sandbox.kubernetes.api.answers import Answer, Stream
from gate.sandbox.kubernetes.api.pod_requests import Conversation
from gate.sandbox.kubernetes.api.rest import Api
from gate.sandbox.kubernetes.faults.port import Fault, Faults, When
from gate.sandbox.kubernetes.faults.streams import disturbed
from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.serving import arriving
from gate.sandbox.kubernetes.serving.fanout import LAST

BEARER_PATH = "/bearer/"
"""What comes before a token in an address.

`kubectl` sends no token without TLS, and opens no WebSocket to an address with a password: only the path is left.
"""

_REASONS: Mapping[int, str] = {
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class Site(Protocol):
    """The server, as its connections know it."""

    api: Api
    faults: Faults | None

    @property
    def sleep(self) -> Callable[[float], object]: ...

    def lend(self, connection: socket.socket, stream: Stream, *, reusable: bool) -> None:
        """Have the stream sent while this connection's thread ends, and then hear its next request, if it can."""
        ...


class Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # of what has none, and so cannot be read: it gets an answer with headers
    disable_nagle_algorithm = True
    wbufsize = -1
    extensions_map: ClassVar[dict[str, str]] = {}

    @property
    def _site(self) -> Site:
        return cast("Site", self.server)

    def _serve(self) -> None:
        try:
            parts = urlsplit(self.path)
            body = arriving.body(self.headers, self.rfile)
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
            return
        except arriving.UnreadableError as error:
            self.send_error(error.status, str(error))
            return
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        path, bearer = _bearer_in(parts.path)
        request = Request(
            method=self.command,
            path=path,
            query=dict(pairs),
            pairs=tuple(pairs),
            headers=bearer | {name.lower(): value for name, value in self.headers.items()},
            body=body,
            repeated=tuple(self.headers.items()),
        )
        try:
            request = replace(request, user=self._site.api.access.user(request))
        except ApiError as error:
            self._send(Answer(status=error.code, body=tables.encode(error.as_status())))
            return
        fault = (self._site.faults(request) if self._site.faults is not None else None) or Fault()
        if fault.delay:
            self._site.sleep(fault.delay)
        if fault.answers and fault.when is When.BEFORE:
            self._fail(fault)
            return
        answer = self._site.api.answer(request)
        if isinstance(answer, Stream) and fault.events is not None:
            answer = Stream(chunks=disturbed(answer.chunks, fault.events, self._site.sleep), warnings=answer.warnings)
        if fault.answers:
            if isinstance(answer, Stream):
                answer.chunks.close()
            self._fail(fault)
        elif isinstance(answer, Answer):
            self._send(answer)
        elif isinstance(answer, Conversation):
            self.close_connection = True
            answer.hold(_Wire(self))
        else:
            self._stream(answer)

    def __getattr__(self, name: str) -> Callable[[], None]:
        """The library looks for a method of its own for each one of HTTP; which there are, the API knows."""
        if name.startswith("do_"):
            return self._serve
        raise AttributeError(name)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What cannot be read as a request is answered in one line, and the connection ends."""
        self.close_connection = True
        text = f"{code} {HTTPStatus(code).phrase}" + (f": {message}" if message else "")
        self._send(
            Answer(status=code, body=text.encode(), media_type="text/plain; charset=utf-8"), {"Connection": "close"}
        )

    def _fail(self, fault: Fault) -> None:
        """Answer as the fault says, or not at all."""
        if fault.status is None:
            self.close_connection = True
            return
        details = {"retryAfterSeconds": fault.retry_after} if fault.retry_after else None
        reason = _REASONS.get(fault.status, "")
        error = ApiError("the sandbox was told to fail", code=fault.status, reason=reason, details=details)
        answer = Answer(status=fault.status, body=tables.encode(error.as_status()))
        self._send(answer, {"Retry-After": str(fault.retry_after)} if fault.retry_after else {})

    def _send(self, answer: Answer, headers: Mapping[str, str] | None = None) -> None:
        self.send_response(answer.status, HTTPStatus(answer.status).phrase)
        self.send_header("Content-Type", answer.media_type)
        self.send_header("Content-Length", str(len(answer.body)))
        for warning in answer.warnings:
            self.send_header("Warning", f"299 - {json.dumps(warning)}")
        if answer.retry_after is not None:
            self.send_header("Retry-After", str(answer.retry_after))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)
        self.wfile.flush()

    def _stream(self, stream: Stream) -> None:
        with contextlib.ExitStack() as open_stream:
            open_stream.enter_context(contextlib.closing(stream.chunks))
            self.send_response(200, "OK")
            self.send_header("Content-Type", stream.media_type)
            for warning in stream.warnings:
                self.send_header("Warning", f"299 - {json.dumps(warning)}")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            if stream.source is not None:
                open_stream.pop_all()
                self._site.lend(self.connection, stream, reusable=not self.close_connection)
                self.close_connection = True
                return
            for chunk in stream.chunks:
                if chunk:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                elif self._is_deserted():
                    self.close_connection = True
                    return
        self.wfile.write(LAST)
        self.wfile.flush()

    def _is_deserted(self) -> bool:
        """The client has closed its end (it sends nothing while it reads a stream, so readable means closed)."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def log_message(self, *_: object) -> None:
        """Nothing: the sandbox's log is the objects."""


class _Wire:
    """The connection itself, for an answer that takes it over."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def receive(self) -> bytes:
        return self._connection.rfile.read1(65_536)  # what the client has sent behind its request is there already

    def send(self, data: bytes) -> None:
        self._connection.connection.sendall(data)

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._connection.connection.shutdown(socket.SHUT_RDWR)


def _bearer_in(path: str) -> tuple[str, dict[str, str]]:
    """The path without a token that is in it, and the header that says the same."""
    if not path.startswith(BEARER_PATH):
        return path, {}
    token, _, rest = path.removeprefix(BEARER_PATH).partition("/")
    return f"/{rest}", {"authorization": f"Bearer {token}"}
