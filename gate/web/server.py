"""Serves a WSGI application on an address, in threads of its own, until it is stopped.

A request that waits for another answer holds no thread: it is parked (see `gate.web.parking`), and a thread goes on
with it when there is something to be said.
"""

import logging
import resource
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from cheroot import errors, server, wsgi
from cheroot.makefile import MakeFile

from gate.errors import Permanent
from gate.web.parking import ROOM, Lot, Wait
from gate.web.patience import PATIENCE, Clocked, Crowd
from gate.web.tls import Certificate

log = logging.getLogger(__name__)

THREADS = 24
SMALL_BODY = 64 * 1024
LARGEST_BODY = 2 * 1024 * 1024
"""Bytes; the second where webhooks come in: one of a pipeline lists its jobs. What is larger is refused (413)."""
FILES = 8192
"""Open files that are asked for, where the machine allows so many: each parked request is one."""
SPARE = 256
"""Of those, so many are for everything else: watches, GitLab, git, files, and whoever asks and is answered."""


class _Connection(server.HTTPConnection):
    """A connection whose request may be parked. It stays open then, and nobody reads from it. One on which nobody has
    spoken yet, neither before nor after the TLS handshake, holds no thread either.
    """

    request: server.HTTPRequest | None = None
    """The one that is parked, or is gone on with."""
    wait: Wait | None = None

    shaken = False
    """The TLS handshake is done."""

    def __init__(self, server: Any, sock: Any, makefile: Callable[..., Any] = MakeFile) -> None:
        self._coming = Clocked(sock, server.patience, crowd=server.crowd)
        super().__init__(server, sock, lambda to, *how: makefile(self._coming if "r" in how[0] else to, *how))

    def communicate(self) -> bool:
        """Read a request and answer it, or go on with the one that was parked. True: there may be another one."""
        if isinstance(self.socket, ssl.SSLSocket) and not self.shaken:
            return self._shake_hands(self.socket)
        if self.request is None:
            self._coming.begin()
            return bool(super().communicate())  # type: ignore[no-untyped-call]  # cheroot has no types here
        try:
            self.request.ready = True
            self.server.gateway(self.request).respond()
            self.request.ensure_headers_sent()
        except OSError as error:
            if error.args[0] not in errors.socket_errors_to_ignore:
                self.server.error_log(repr(error), traceback=True)
        return False

    def _shake_hands(self, asked: ssl.SSLSocket) -> bool:
        try:
            asked.do_handshake()
        except OSError as error:
            log.info("tls.failed who=%s why=%r", self.remote_addr, str(error))
            return False
        self.shaken = True
        return True

    def close(self) -> None:
        """The worker closes what is not to be kept. What is parked is kept by the lot."""
        wait, self.wait = self.wait, None
        if wait is not None:
            self.server.lot.park(self, wait)
        else:
            super().close()

    def go_on(self) -> None:
        """Have it answered by one of the threads."""
        self.server.process_conn(self)


class _Gateway(wsgi.Gateway_10):
    """Between one request and the application, which may say that there is nothing to be answered yet."""

    def respond(self) -> None:
        connection, lot = self.req.conn, self.req.server.lot
        room: list[Wait] = []
        if connection.request is None and lot is not None and lot.has_room():
            self.env[ROOM] = room
        response = self.req.server.wsgi_app(self.env, self.start_response)
        try:
            self._discard()
            if room:
                self._park(room[0])
                return
            for chunk in filter(None, response):
                self.write(chunk)
            self.req.ensure_headers_sent()
        finally:
            if hasattr(response, "close"):
                response.close()

    def _discard(self) -> None:
        """Take in what the application did not want of a small body, so that the connection can be asked again.

        A large one would hold this thread for as long as its sender likes: it is not read, and the connection is closed
        after the answer. Whoever is still sending may find it broken off, and not see the answer.
        """
        body = self.req.rfile
        if self.req.chunked_read:  # nobody knows how much is to come
            self.req.close_connection |= not body.closed
        elif body.remaining > SMALL_BODY:
            self.req.close_connection = True
        else:
            try:
                body.read(body.remaining)
            except TimeoutError:
                self.req.close_connection = True

    def _park(self, wait: Wait) -> None:
        """Forget what was answered, and have the connection neither written to nor read from by whoever called."""
        request = self.req
        request.outheaders.clear()
        request.ready, request.close_connection = False, True
        request.conn.request, request.conn.wait = request, wait


class _Listener(wsgi.Server):
    """A server that gives its socket back when it cannot have the address; cheroot would leave it open."""

    ConnectionClass = _Connection
    lot: Lot | None = None
    patience = PATIENCE
    crowd: Crowd

    def process_conn(self, conn: _Connection) -> None:
        """Give it to a thread; a new one only when something comes, as it does at once unless it is a port scan."""
        if conn.last_used is None:
            self.put_conn(conn)
        else:
            super().process_conn(conn)

    @staticmethod
    def bind_socket(socket_: socket.socket, bind_addr: tuple[str, int]) -> socket.socket:
        try:
            socket_.bind(bind_addr)
        except OSError:
            socket_.close()
            raise
        return socket_


class Server:
    """A running HTTP server; as a context manager it starts on entry and stops on exit."""

    def __init__(
        self,
        application: Any,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        threads: int = THREADS,
        largest: int = SMALL_BODY,
        tls: Certificate | None = None,
        lot: Lot | None = None,
        patience: float = PATIENCE,
    ) -> None:
        """`port` 0: any that is free; `address` says which, once started. `largest`: bytes of a request's body. `lot`:
        where requests may be parked. `patience`: seconds in which a request has to come, a large one more.
        """
        self._server = _Listener((host, port), application, numthreads=threads, server_name="chaos-gate")
        self._server.gateway = _Gateway
        self._server.lot = self._lot = lot
        self._server.patience = patience
        self._server.crowd = Crowd(max(1, threads // 2))
        self._server.request_queue_size = 128
        self._server.max_request_header_size = 64 * 1024
        self._server.max_request_body_size = largest
        self._server.ssl_adapter = tls
        self._server.shutdown_timeout = 2
        # Seconds between two looks at whether to stop; with cheroot's own value each stop would take half a second.
        self._server.expiration_interval = 0.1
        loops = [("web", self._server.serve), *([("parked", lot.run)] if lot is not None else [])]
        self._threads = [threading.Thread(target=loop, name=name, daemon=True) for name, loop in loops]
        self._host, self._port = host, port

    def start(self) -> Self:
        """Listen; `Permanent` if the address cannot be had."""
        self._leave_files()
        try:
            self._server.prepare()
        except OSError as error:
            why = f"cannot listen on {self._host}:{self._port}: {error}; choose another address"
            raise Permanent(why) from error
        for thread in self._threads:
            thread.start()
        return self

    def _leave_files(self) -> None:
        """Fewer requests are parked where there are few files: without one nobody is answered any more, nor heard."""
        files, lot = _ask_for_files(), self._lot
        if lot is None or lot.most <= files - SPARE:
            return
        lot.limit(files - SPARE)
        remedy = (
            f"raise the limit of open files (ulimit -n) to {FILES}; whoever comes beyond that asks again by himself"
        )
        log.warning("web.few_files limit=%d waiting_jobs=%d remedy=%r", files, lot.most, remedy)

    def stop(self) -> None:
        """Answer those who wait, stop listening, and end the threads."""
        if self._lot is not None:
            self._lot.close()
        self._server.stop()
        for thread in self._threads:
            thread.join()

    @property
    def address(self) -> str:
        """The base of all addresses here, such as `http://127.0.0.1:8080`."""
        host, port = self._server.bind_addr[:2]
        scheme = "https" if self._server.ssl_adapter else "http"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _ask_for_files() -> int:
    """As many as a process may ask for by itself, up to what is needed; how many it may have now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return FILES if soft == resource.RLIM_INFINITY else soft
