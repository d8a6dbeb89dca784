"""The API over HTTP on loopback: HTTP/1.1 with connections that stay, and chunked streams for watches and logs."""

import contextlib
import json
import logging
import select
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any, ClassVar
from urllib.parse import parse_qsl, urlsplit

from gate.sandbox.kubernetes.api import tables
from gate.sandbox.kubernetes.api.answers import Answer, Stream
from gate.sandbox.kubernetes.api.pod_requests import Conversation
from gate.sandbox.kubernetes.api.rest import Api
from gate.sandbox.kubernetes.faults.port import Fault, Faults, When
from gate.sandbox.kubernetes.faults.streams import disturbed
from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.registry.routes import Request

PATIENCE = 1.0
"""Seconds that answers under way get when the server stops."""

BEARER_PATH = "/bearer/"
"""What comes before a token in an address.

`kubectl` sends no token without TLS, and opens no WebSocket to an address with a password: only the path is left.
"""

_log = logging.getLogger(__name__)

_REASONS: Mapping[int, str] = {
    409: "Conflict",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    503: "ServiceUnavailable",
    504: "Timeout",
}


class ApiServer:
    """A listening API server; `start` and `stop` it once."""

    def __init__(
        self,
        api: Api,
        *,
        address: str = "127.0.0.1",
        port: int = 0,
        faults: Faults | None = None,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        """`sleep` is how the faults' delays pass; by default they end when the server stops.

        ValueError for an address that others can reach: without TLS they would read its tokens.
        """
        if not ip_address(address).is_loopback:
            raise ValueError(
                f"the sandbox shows its tokens to whoever listens, so it is on loopback only, not on {address}"
            )
        self._listener = _Listener((address, port), api, faults, sleep)
        self._thread = threading.Thread(target=self._listener.serve_forever, args=(0.05,), name="api", daemon=True)

    @property
    def url(self) -> str:
        host, port = self._listener.server_address[:2]
        return f"http://{host!s}:{port}"

    def suffer(self, faults: Faults | None) -> None:
        """From now on misbehave like this; None: behave."""
        self._listener.faults = faults

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, end all streams and close all connections."""
        self._listener.stopping.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.api.store.close()
        self._listener.close_connections()
        self._listener.server_close()


class _Listener(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], api: Api, faults: Faults | None, sleep: Callable[[float], object] | None
    ) -> None:
        super().__init__(address, _Connection)
        self.api = api
        self.faults = faults
        self.stopping = threading.Event()
        self.sleep = sleep or self.stopping.wait
        self._connections: set[socket.socket] = set()
        self._changing = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changing:
            self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._changing:
            self._connections.discard(request)
            self._changing.notify_all()
        super().shutdown_request(request)

    def close_connections(self) -> None:
        """Hear no more requests, let the answers under way end, and cut what then is still open."""
        with self._changing:
            self._shut(socket.SHUT_RD)
            self._changing.wait_for(lambda: not self._connections, timeout=PATIENCE)
            self._shut(socket.SHUT_RDWR)

    def _shut(self, how: int) -> None:
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.shutdown(how)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is its client's business; anything else is ours."""
        if not isinstance(sys.exception(), OSError):
            _log.exception("connection failed client=%s", client_address)


class _Connection(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.1"  # of what has none, and so cannot be read: it gets an answer with headers
    disable_nagle_algorithm = True
    wbufsize = -1
    server: _Listener
    extensions_map: ClassVar[dict[str, str]] = {}

    def _serve(self) -> None:
        if "Transfer-Encoding" in self.headers:
            self.send_error(HTTPStatus.LENGTH_REQUIRED, "the sandbox reads only bodies that say how long they are")
            return
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal():
            self.send_error(HTTPStatus.BAD_REQUEST, "bad Content-Length")
            return
        try:
            parts = urlsplit(self.path)
        except ValueError as error:
            self.send_error(HTTPStatus.BAD_REQUEST, str(error))
            return
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        path, bearer = _bearer_in(parts.path)
        request = Request(
            method=self.command,
            path=path,
            query=dict(pairs),
            pairs=tuple(pairs),
            headers=bearer | {name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(int(length)),
            repeated=tuple(self.headers.items()),
        )
        try:
            request = replace(request, user=self.server.api.access.user(request))
        except ApiError as error:
            self._send(Answer(status=error.code, body=tables.encode(error.as_status())))
            return
        fault = (self.server.faults(request) if self.server.faults is not None else None) or Fault()
        if fault.delay:
            self.server.sleep(fault.delay)
        if fault.answers and fault.when is When.BEFORE:
            self._fail(fault)
            return
        answer = self.server.api.answer(request)
        if isinstance(answer, Stream) and fault.events is not None:
            answer = replace(answer, chunks=disturbed(answer.chunks, fault.events, self.server.sleep))
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
        with contextlib.closing(stream.chunks):
            self.send_response(200, "OK")
            self.send_header("Content-Type", stream.media_type)
            for warning in stream.warnings:
                self.send_header("Warning", f"299 - {json.dumps(warning)}")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.flush()
            for chunk in stream.chunks:
                if chunk:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                    self.wfile.flush()
                elif self._is_deserted():
                    self.close_connection = True
                    return
        self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _is_deserted(self) -> bool:
        """The client has closed its end (it sends nothing while it reads a stream, so readable means closed)."""
        readable, _, _ = select.select([self.connection], [], [], 0)
        return bool(readable) and not self.connection.recv(1, socket.MSG_PEEK)

    def log_message(self, *_: object) -> None:
        """Nothing: the sandbox's log is the objects."""


class _Wire:
    """The connection itself, for an answer that takes it over."""

    def __init__(self, connection: _Connection) -> None:
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
