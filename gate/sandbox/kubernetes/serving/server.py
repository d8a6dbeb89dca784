"""The API over HTTP on loopback: HTTP/1.1 with connections that stay, and chunked streams for watches and logs."""

import contextlib
import logging
import socket
import sys
import threading
from collections.abc import Callable
from http.server import ThreadingHTTPServer
from ipaddress import ip_address
from typing import Any

from gate.sandbox.kubernetes.api.answers import Stream
from gate.sandbox.kubernetes.api.rest import Api
from gate.sandbox.kubernetes.faults.port import Faults
from gate.sandbox.kubernetes.serving.connection import Connection
from gate.sandbox.kubernetes.serving.fanout import Fanout

PATIENCE = 1.0
"""Seconds that answers under way get when the server stops."""

_log = logging.getLogger(__name__)


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
        self._listener.fanout.start()
        self._thread.start()

    def stop(self) -> None:
        """Stop listening, end all streams and close all connections."""
        self._listener.stopping.set()
        self._listener.shutdown()
        self._thread.join()
        self._listener.api.store.close()
        self._listener.close_connections()
        self._listener.server_close()
        self._listener.fanout.stop()


class _Listener(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 256

    def __init__(
        self, address: tuple[str, int], api: Api, faults: Faults | None, sleep: Callable[[float], object] | None
    ) -> None:
        super().__init__(address, Connection)
        self.api = api
        self.faults = faults
        self.stopping = threading.Event()
        self.sleep = sleep or self.stopping.wait
        self.fanout = Fanout()
        self._lent: dict[socket.socket, tuple[Stream, bool]] = {}
        self._connections: set[socket.socket] = set()
        self._changing = threading.Condition()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changing:
            self._connections.add(request)
        super().process_request(request, client_address)

    def lend(self, connection: socket.socket, stream: Stream, *, reusable: bool) -> None:
        """Have the stream sent once the connection's thread has ended; then hear its next request, if any."""
        self._lent[connection] = (stream, reusable)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        super().process_request_thread(request, client_address)
        if request not in self._lent:
            return
        stream, reusable = self._lent.pop(request)

        def returned(in_order: bool) -> None:
            if in_order and reusable and not self.stopping.is_set():
                self.process_request(request, client_address)
            else:
                self.shutdown_request(request)

        self.fanout.serve(request, stream, returned)

    def shutdown_request(self, request: Any) -> None:
        if request in self._lent:
            return
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
