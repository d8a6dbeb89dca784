"""tcp: a connection, and what is said over it."""

import socket
import time
from typing import Any

import pytest

from gate.errors import Permanent
from gate.probes import tcp
from gate.running.ports import Answer, NoSample
from tests.probes.servers import HOST, Serve, drips, server, surroundings


def ask(port: int, expect: dict[str, Any] | None = None, **settings: Any) -> Answer | NoSample:
    block = {"host": HOST, "port": port, "timeout": "300ms", **settings}
    return tcp.prepare(block, expect or {}, surroundings())()


def bad(detail: str) -> Answer:
    return Answer(ok=False, detail=detail)


def echo(connection: socket.socket) -> None:
    while heard := connection.recv(100):
        connection.sendall(b"+" + heard)


def greets(connection: socket.socket) -> None:
    connection.sendall(b"220 mail.shop ready\r\n")
    connection.recv(1)


def hangs(connection: socket.socket) -> None:
    connection.recv(100)
    connection.recv(1)


def hangs_up(connection: socket.socket) -> None:
    connection.sendall(b"-ERR\x00busy")


def test_a_connection_is_all_that_is_needed() -> None:
    with server(hangs) as port:
        assert ask(port) == Answer(ok=True)
    assert ask(port) == bad("connection refused")


@pytest.mark.parametrize(
    ("serve", "settings", "detail"),
    [
        (greets, {}, ""),
        (echo, {"send": "220\r\n"}, ""),
        (echo, {}, "no answer within 300ms"),
        (hangs, {"send": "220\r\n"}, "no answer within 300ms"),
        (hangs_up, {}, "the reply '-ERR busy' does not match ^.?220"),
        (drips(b"", b"1"), {"send": "x"}, "the answer did not end within 300ms"),
        (drips(b"x" * 20_000, b""), {"send": "x"}, "bytes came, and ^.?220 is not in them"),
    ],
)
def test_a_reply_is_waited_for_and_no_longer_than_it_may_take(
    serve: Serve, settings: dict[str, Any], detail: str
) -> None:
    with server(serve) as port:
        began = time.monotonic()
        found = ask(port, {"reply": "^.?220"}, **settings)
        took = time.monotonic() - began
    assert isinstance(found, Answer)
    assert found.ok == (not detail)
    assert found.detail.endswith(detail)
    assert took < 4


def test_a_reply_that_comes_too_late_is_bad_although_it_came() -> None:
    with server(greets) as port:
        found = ask(port, {"reply": "220", "latency": "0s"})
    assert isinstance(found, Answer)
    assert found.detail.endswith("more than 0s")


@pytest.mark.parametrize(
    ("settings", "expect"),
    [
        ({"host": "", "port": 1}, {}),
        ({"host": "x"}, {}),
        ({"host": "x", "port": 0}, {}),
        ({"host": "x", "port": 65536}, {}),
        ({"host": "x", "port": 1, "timeout": "0s"}, {}),
        ({"host": "x", "port": 1, "sned": "x"}, {}),
        ({"host": "x", "port": 1}, {"reply": "("}),
    ],
)
def test_a_block_that_is_wrong_is_refused_before_anything_is_asked(
    settings: dict[str, Any], expect: dict[str, Any]
) -> None:
    with pytest.raises(Permanent, match="the tcp probe cannot be asked"):
        tcp.prepare(settings, expect, surroundings())
