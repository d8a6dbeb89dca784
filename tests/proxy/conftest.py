"""A switchboard in an event loop of its own, upstreams on loopback, and clients that are plain blocking sockets."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from gate.proxy.live import LiveProxy
from gate.proxy.snapshot import Snapshot
from gate.proxy.spec import spec
from gate.proxy.switchboard import Switchboard

PATIENCE = 60.0
"""Seconds after which what should have come is missed."""


class Loop:
    """An event loop in a thread."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="proxies", daemon=True)
        self._thread.start()

    def wait(self, work: Awaitable[Any]) -> Any:
        async def run() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(PATIENCE)

    def call(self, act: Callable[[], Any]) -> Any:
        """What the act returns, done in the loop."""

        async def run() -> Any:
            return act()

        return self.wait(run())

    def close(self) -> None:
        async def end() -> None:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

        self.wait(end())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PATIENCE)
        self.loop.close()


class Upstream:
    """Sends back what it gets, and ends when the client does. Keeps what it got."""

    def __init__(self, loop: Loop, *, first: bytes = b"") -> None:
        self._loop = loop
        self._first = first
        self.got = b""
        self.writers: list[asyncio.StreamWriter] = []
        self._server = loop.wait(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            writer.write(self._first)
            while data := await reader.read(65_536):
                self.got += data
                writer.write(data)
                await writer.drain()
            writer.write_eof()
        except OSError:
            pass
        finally:
            writer.close()

    def close(self) -> None:
        self._loop.call(lambda: [writer.transport.abort() for writer in self.writers])
        self._loop.call(self._server.close)
        self._loop.wait(self._server.wait_closed())


class Ground:
    """What a test of the proxy needs; all of it ends with the test."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.closing: list[Callable[[], object]] = []
        self.board: Switchboard = self.loop.call(lambda: Switchboard(Snapshot(seed="seed")))

    def upstream(self, **more: Any) -> Upstream:
        made = Upstream(self.loop, **more)
        self.closing.append(made.close)
        return made

    def put(self, upstream: int, name: str = "inventory", **more: object) -> int:
        """Make or replace a proxy; its port."""
        document = {"name": name, "listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{upstream}", **more}
        self.loop.call(lambda: self.board.change(lambda now, at: now.put(spec(document, "proxy"), at)))
        return self.board.snapshot.proxy(name).listen.port

    def live(self, name: str = "inventory") -> LiveProxy:
        return self.board.live[name]

    def connect(self, port: int) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.closing.append(client.close)
        return client

    def close(self) -> None:
        try:
            for close in reversed(self.closing):
                close()
            self.loop.wait(self.board.close())
        finally:
            self.loop.close()


@pytest.fixture
def ground() -> Iterator[Ground]:
    made = Ground()
    try:
        yield made
    finally:
        made.close()


def everything(client: socket.socket) -> bytes:
    """What comes until the end."""
    found = b""
    while data := client.recv(65_536):
        found += data
    return found


def exactly(client: socket.socket, count: int) -> bytes:
    """So many bytes; fewer if the end comes before."""
    found = b""
    while len(found) < count and (data := client.recv(count - len(found))):
        found += data
    return found
