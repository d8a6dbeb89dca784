"""Who sends what he asks a byte at a time keeps nobody else from being heard."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
import requests

from gate.web.app import create_app
from gate.web.patience import HURRY, PATIENCE, SLOWEST, Clocked, Crowd
from gate.web.server import LARGEST_BODY, SMALL_BODY, Server
from tests.clocks import HandClock
from tests.web.conftest import Known

LONG = 100_000
"""Bytes; with one each twentieth of a second nobody waits for the last one."""


class Coming:
    """A socket over which always something comes."""

    def recv_into(self, buffer: bytearray) -> int:
        return len(buffer)

    def gettimeout(self) -> float:
        return 10.0

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0


@contextmanager
def dripping(address: str, begins: str) -> Iterator[Callable[[], bytes]]:
    """Somebody asks so slowly; what he is answered in the end."""
    where, over = urlsplit(address), threading.Event()
    with socket.create_connection((where.hostname, where.port), timeout=60) as slow:

        def drip() -> None:
            slow.sendall(begins.encode())
            try:
                while not over.wait(0.05):
                    slow.sendall(b"x")
            except OSError:  # nobody listens any more
                return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield lambda: slow.recv(4096)
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "begins",
    [
        "GET /healthz HTTP/1.1\r\nHost: gate\r\nX-Long: ",
        f"POST /webhooks/gitlab HTTP/1.1\r\nHost: gate\r\nContent-Length: {LONG}\r\n\r\n",
        f"PUT /nothing HTTP/1.1\r\nHost: gate\r\nContent-Length: {SMALL_BODY}\r\n\r\n",
    ],
    ids=["headers", "a body that is read", "a body that nobody wants"],
)
def test_a_request_that_comes_too_slowly_holds_its_thread_no_longer_than_others_have_patience(
    known: Known, begins: str
) -> None:
    class Hears:
        def insist(self, headers: object) -> None:
            """Nothing is wrong with them."""

        def hear(self, headers: object, body: bytes) -> None:
            raise AssertionError("it was never whole")

    app = create_app(known, hearer=Hears())
    with Server(app, threads=1, largest=LARGEST_BODY, patience=2) as server, dripping(server.address, begins) as said:
        assert said()[:12] in {b"HTTP/1.1 408", b"HTTP/1.1 400", b"HTTP/1.1 404"}
        assert requests.get(f"{server.address}/healthz", timeout=60).text == "ok\n"


def test_a_large_body_may_take_as_long_as_it_takes_at_a_decent_pace(clock: HandClock) -> None:
    coming = Clocked(Coming(), PATIENCE, crowd=Crowd(1), monotonic=clock.monotonic)
    for _ in range(100):
        assert coming.recv_into(bytearray(SLOWEST)) == SLOWEST
        clock.advance(timedelta(seconds=1))
    clock.advance(timedelta(seconds=PATIENCE + 1))
    with pytest.raises(TimeoutError):
        coming.recv_into(bytearray(1))
    coming.begin()
    assert coming.recv_into(bytearray(1)) == 1


def test_who_speaks_while_too_many_others_are_waited_for_has_to_hurry(clock: HandClock) -> None:
    crowd = Crowd(1)
    coming = Clocked(Coming(), PATIENCE, crowd=crowd, monotonic=clock.monotonic)
    clock.advance(timedelta(seconds=HURRY + 1))
    with crowd, pytest.raises(TimeoutError):
        coming.recv_into(bytearray(1))
    assert coming.recv_into(bytearray(1)) == 1


def test_more_slow_connections_than_threads_keep_nobody_else_from_being_heard(known: Known) -> None:
    begins = "GET /healthz HTTP/1.1\r\nHost: gate\r\nX-Long: "
    with Server(create_app(known), threads=4, patience=600) as server, ExitStack() as slow:
        for _ in range(8):
            slow.enter_context(dripping(server.address, begins))
        assert requests.get(f"{server.address}/healthz", timeout=60).text == "ok\n"
