"""A server that answers what it is told to, byte by byte where needed."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.gitlab.ground import World, served

Play = Callable[[socket.socket], None]


@dataclass
class Scripted:
    """Plays one answer to each connection, in order, and keeps what it was sent."""

    address: str
    plays: list[Play] = field(default_factory=list)
    heard: list[bytes] = field(default_factory=list)

    def answers(self, status: str, body: bytes = b"", *headers: str) -> None:
        """Answer the next request with this."""
        lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers, "", ""]
        self.plays.append(lambda connection: connection.sendall("\r\n".join(lines).encode() + body))

    def sends(self, raw: bytes) -> None:
        """Answer the next request with these bytes and cut the connection."""
        self.plays.append(lambda connection: connection.sendall(raw))

    def drips(self, first: bytes) -> None:
        """Answer the next request with the beginning of a body, and with nothing more until the other side goes."""

        def play(connection: socket.socket) -> None:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + first)
            connection.recv(1)

        self.plays.append(play)


def _request(connection: socket.socket) -> bytes:
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65536)
    length = re.search(rb"(?i)content-length: *(\d+)", heard)
    end = heard.index(b"\r\n\r\n") + 4 + (int(length[1]) if length else 0)
    while len(heard) < end:
        heard += connection.recv(65536)
    return heard


def _serve(listener: socket.socket, scripted: Scripted) -> None:
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection:
            scripted.heard.append(_request(connection))
            scripted.plays.pop(0)(connection)
            connection.shutdown(socket.SHUT_WR)


@pytest.fixture
def scripted() -> Iterator[Scripted]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Scripted(address=f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=_serve, args=(listener, server))
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with served() as world:
        yield world
