"""The balancer behind Service addresses: what kube-proxy does, with sockets instead of packet rules.

It keeps to what a client of kube-proxy sees. A new connection goes to the next ready endpoint in turn, without a look
at whether anybody is there: one to a pod that has just died fails until the endpoint is gone. Nobody ready: refused.
A connection once made stays with its pod, also when that leaves the Service, and breaks when the pod's process dies.
"""

import asyncio
import contextlib
import functools
import itertools
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from types import TracebackType
from typing import Any, Self

from gate.sandbox.kubernetes.services.routes import Routes, Socket

_BACKLOG = 1024
_CHUNK = 65_536
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: close with RST, as a kernel answers for a process that is no more."""


class Balancer:
    """Listens on all service addresses that have ready endpoints, on one thread with one event loop.

    `unbound` is called, on that thread, when a service port cannot be listened on (one below 1024 without the right to
    it, or one that something else holds); that port stays refused until the next `route`, the others work.
    """

    def __init__(self, *, unbound: Callable[[Socket, OSError], None]) -> None:
        self._unbound = unbound
        self._turns: dict[Socket, Iterator[Socket]] = {}
        self._routes: dict[Socket, tuple[Socket, ...]] = {}
        self._listeners: dict[Socket, socket.socket] = {}
        self._connections: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="balancer", daemon=True)
        self._thread.start()

    def route(self, routes: Routes) -> None:
        """Balance so from now on; returns when it is in force. What is not named is refused."""
        self._on_loop(self._apply(dict(routes)))

    def close(self) -> None:
        """Refuse everything and break what is open."""
        self._on_loop(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _on_loop(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result()

    async def _apply(self, routes: dict[Socket, tuple[Socket, ...]]) -> None:
        for at, endpoints in routes.items():
            if endpoints != self._routes.get(at):
                self._turns[at] = itertools.cycle(endpoints)
        self._routes = routes
        for at in [at for at in self._listeners if not routes.get(at)]:
            listener = self._listeners.pop(at)
            self._loop.remove_reader(listener)
            listener.close()
        for at in sorted(at for at, endpoints in routes.items() if endpoints and at not in self._listeners):
            try:
                self._listeners[at] = _listen(at)
            except OSError as error:
                self._unbound(at, error)
            else:
                self._loop.add_reader(self._listeners[at], self._accept, at)

    async def _end(self) -> None:
        await self._apply({})
        await _stopped(self._connections)

    def _accept(self, at: Socket) -> None:
        # Not `sock_accept`: who is cancelled while he awaits that loses the connection that has just been made.
        try:
            client, _ = self._listeners[at].accept()
        except (BlockingIOError, ConnectionAbortedError):
            return  # it has gone again
        connection = self._loop.create_task(self._carry(client, next(self._turns[at])))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)
        connection.add_done_callback(functools.partial(_close, client))

    async def _carry(self, client: socket.socket, endpoint: Socket) -> None:
        """One connection from its start to its end; what breaks on one side breaks on the other."""
        with client, socket.socket() as pod:
            for end in (client, pod):
                end.setblocking(False)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            with contextlib.suppress(OSError, ExceptionGroup):
                await self._loop.sock_connect(pod, (endpoint.host, endpoint.port))
                async with asyncio.TaskGroup() as both_ways:
                    both_ways.create_task(self._pump(client, pod))
                    both_ways.create_task(self._pump(pod, client))
                for end in (client, pod):  # it ended well: no reset, what is still on its way arrives
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))

    async def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        while data := await self._loop.sock_recv(source, _CHUNK):
            await self._loop.sock_sendall(sink, data)
        sink.shutdown(socket.SHUT_WR)


def _close(client: socket.socket, _ended: asyncio.Task[None]) -> None:
    """Close the connection of a task that was perhaps cancelled before it came to run."""
    client.close()


def _listen(at: Socket) -> socket.socket:
    listener = socket.socket()
    with contextlib.ExitStack() as undo:
        undo.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setblocking(False)
        listener.bind((at.host, at.port))
        listener.listen(_BACKLOG)
        undo.pop_all()
    return listener


async def _stopped(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
