"""Servers on loopback that behave as badly as a test wants, and what a probe needs around it."""

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gate.errors import Permanent
from gate.running.ports import Cluster, Surroundings
from gate.running.time import SystemClock

Serve = Callable[[socket.socket], object]

HOST = "checkout.shop"
"""What the services are called; it leads to loopback."""


KEPT = {"token": "s3cret", "clerk": "me:you", "broken": "two\nlines"}


def resolve(host: str) -> str:
    return "127.0.0.1" if host == HOST else host


class Nothing:
    """A cluster that a probe has no use for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"nobody should ask the cluster to {name}")


def credentials(name: str) -> str:
    """What the operators keep."""
    if name not in KEPT:
        raise Permanent(f"there are no credentials shop/{name}")
    return KEPT[name]


def surroundings(cluster: Cluster | None = None, resolve: Callable[[str], str] = resolve) -> Surroundings:
    nothing: Any = Nothing()
    clock = SystemClock()
    return Surroundings(
        cluster=cluster or nothing,
        clock=clock,
        namespace="shop",
        resolve=resolve,
        run="checkout-7",
        credentials=credentials,
    )


@contextmanager
def server(serve: Serve, *, secure: ssl.SSLContext | None = None) -> Iterator[int]:
    """A server that treats each connection in the same way, one after the other; gives its port.

    Whatever it waits for, it is told to end at the end of the test: its connections are cut.
    """
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                taken.append(connection)
                _treat(connection, serve, secure)

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            for connection in taken:
                cut(connection)
    thread.join(10)
    assert not thread.is_alive()


def _treat(connection: socket.socket, serve: Serve, secure: ssl.SSLContext | None) -> None:
    with connection:
        connection.settimeout(5)
        try:
            if secure is None:
                serve(connection)
            else:
                with secure.wrap_socket(connection.dup(), server_side=True) as speaking:
                    serve(speaking)
        except OSError:
            return  # the probe has hung up, as it may


def cut(connection: socket.socket) -> None:
    """End what the server may be waiting for."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it is closed already


def said(text: str) -> bytes:
    """The text as it goes over the line."""
    return text.replace("\n", "\r\n").encode()


def request(connection: socket.socket) -> str:
    """One request over HTTP, with all of its body."""
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536) or b"\r\n\r\n"
    head, _, body = text.partition(b"\r\n\r\n")
    size = re.search(rb"(?i)content-length: (\d+)", head)
    while size and len(body) < int(size[1]):
        body += connection.recv(65536) or b"x" * int(size[1])
    return (head + b"\r\n\r\n" + body).decode()


def answers(*texts: str) -> Serve:
    """Answers the requests with these texts, in turn, and then with the last one."""
    left = list(texts)

    def serve(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(said(left.pop(0) if len(left) > 1 else left[0]))

    return serve


def by_path(pages: Mapping[str, str], heard: list[str]) -> Serve:
    """Answers each request by the path that it asks for, and writes down what it heard."""

    def serve(connection: socket.socket) -> None:
        heard.append(request(connection))
        connection.sendall(said(pages[heard[-1].split()[1]]))

    return serve


def drips(first: bytes, drop: bytes, every: float = 0.02) -> Serve:
    """Says the first part at once and then a drop again and again, for ever."""

    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(first)
        gap = threading.Event()
        while not gap.wait(every):
            connection.sendall(drop)

    return serve


def ok(body: str = "hello", **headers: str) -> str:
    """A good answer."""
    lines = [f"Content-Length: {len(body.encode())}", *(f"{name}: {value}" for name, value in headers.items())]
    return "\n".join(["HTTP/1.1 200 OK", *lines, "", body])
