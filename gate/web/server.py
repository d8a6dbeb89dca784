"""Serves a WSGI application on an address, in threads of its own, until it is stopped.

Each waiting job holds a thread while its poll lasts, so the number of threads bounds how many can wait at once; those
above it (see `app.MOST_WAITING`) are answered at once and poll more often instead.
"""

import socket
import threading
from types import TracebackType
from typing import Any, Self

from cheroot import wsgi

from gate.errors import Permanent
from gate.web.tls import Certificate

THREADS = 100


class _Listener(wsgi.Server):
    """A server that gives its socket back when it cannot have the address; cheroot would leave it open."""

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
        largest: int = 64 * 1024,
        tls: Certificate | None = None,
    ) -> None:
        """`port` 0: any that is free; `address` says which, once started. `largest`: bytes of a request's body."""
        self._server = _Listener((host, port), application, numthreads=threads, server_name="chaos-gate")
        self._server.request_queue_size = 128
        self._server.max_request_header_size = 64 * 1024
        self._server.max_request_body_size = largest
        self._server.ssl_adapter = tls
        self._server.shutdown_timeout = 2
        # Seconds between two looks at whether to stop; with cheroot's own value each stop would take half a second.
        self._server.expiration_interval = 0.1
        self._thread = threading.Thread(target=self._server.serve, name="web", daemon=True)
        self._host, self._port = host, port

    def start(self) -> Self:
        """Listen; `Permanent` if the address cannot be had."""
        try:
            self._server.prepare()
        except OSError as error:
            why = f"cannot listen on {self._host}:{self._port}: {error}; choose another address"
            raise Permanent(why) from error
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and end the threads; polls that still wait should have been woken before (`Changes.close`)."""
        self._server.stop()
        self._thread.join()

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
