"""Probes: what counts as a good answer, what is said of a bad one, and when there is no answer to speak of."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from gate.errors import Permanent, Temporary
from gate.probes import http, kubernetes
from gate.running.ports import Answer, NoSample, Surroundings
from gate.running.time import SystemClock


class Shelf:
    """A cluster that holds one object, or does not answer."""

    def __init__(self, found: dict[str, Any] | None, *, away: bool = False) -> None:
        self._found, self._away = found, away

    def get(self, resource: str, namespace: str, name: str) -> dict[str, Any] | None:
        if self._away:
            raise Temporary("the API server is away")
        return self._found

    def patch(self, resource: str, namespace: str, name: str, body: Any, *, subresource: str = "") -> dict[str, Any]:
        raise AssertionError("a probe changes nothing")

    def delete(self, resource: str, namespace: str, name: str, *, uid: str, grace: timedelta | None = None) -> bool:
        raise AssertionError("a probe changes nothing")


def surroundings(found: dict[str, Any] | None = None, *, away: bool = False, **changes: Any) -> Surroundings:
    given: dict[str, Any] = {
        "cluster": Shelf(found, away=away),
        "clock": SystemClock(),
        "namespace": "shop",
        "resolve": lambda host: "127.0.0.1" if host == "checkout.shop" else host,
    }
    return Surroundings(**given | changes)


@contextmanager
def server(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server that treats each connection in the same way; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    try:
                        serve(connection)
                    except OSError:
                        continue

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def answers(text: str) -> Callable[[socket.socket], None]:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(text.replace("\n", "\r\n").encode())

    return serve


OK = "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"


def ask(port: int, expect: dict[str, Any] | None = None, **settings: Any) -> Answer | NoSample:
    block = {"url": f"http://checkout.shop:{port}/buy", "timeout": "300ms", **settings}
    return http.prepare(block, expect or {}, surroundings())()


@pytest.mark.parametrize(
    ("said", "expect", "detail"),
    [
        (OK, {}, None),
        (OK, {"status": [200, 201], "body": "^hel"}, None),
        (OK, {"status": 204}, "HTTP 200"),
        (OK, {"body": "bye"}, "the body does not match bye"),
        ("HTTP/1.1 502 Bad Gateway\nContent-Length: 0\n\n", {}, "HTTP 502"),
        ("HTTP/1.1 302 Found\nLocation: http://elsewhere/\nContent-Length: 0\n\n", {}, "HTTP 302"),
        ("", {}, "connection closed without an answer"),
        ("garbage\n\n", {}, "BadStatusLine"),
        ("HTTP/1.1 200 OK\nContent-Length: 50\n\nhalf", {}, "IncompleteRead"),
    ],
)
def test_an_answer_is_good_only_if_it_is_what_was_expected(
    said: str, expect: dict[str, Any], detail: str | None
) -> None:
    with server(answers(said)) as port:
        answer = ask(port, expect)
    assert isinstance(answer, Answer)
    assert answer.ok == (detail is None)
    assert (detail or "") in answer.detail


def test_the_host_that_the_author_wrote_is_the_one_that_is_asked_for() -> None:
    heard = []

    def serve(connection: socket.socket) -> None:
        heard.append(connection.recv(65536).decode())
        connection.sendall(OK.replace("\n", "\r\n").encode())

    with server(serve) as port:
        ask(port, headers={"X-Team": "payments"}, method="POST", body="tea")
    assert heard[0].startswith("POST /buy HTTP/1.1\r\n")
    assert f"Host: checkout.shop:{port}" in heard[0]
    assert "X-Team: payments" in heard[0]


def test_a_service_that_never_answers_is_a_bad_answer_in_time() -> None:
    with server(lambda connection: connection.recv(65536) and connection.recv(1) and None) as port:
        answer = ask(port)
    assert answer == Answer(ok=False, detail="timed out")


def test_an_answer_that_never_ends_is_a_bad_answer_in_time() -> None:
    def drip(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
        gap = threading.Event()
        for _ in range(40):
            connection.sendall(b"x")
            gap.wait(0.02)

    with server(drip) as port:
        answer = ask(port)
    assert answer == Answer(ok=False, detail="the answer did not end in time")


def test_a_slow_answer_is_bad_when_latency_is_expected() -> None:
    class Slow(SystemClock):
        passed = 0.0

        def monotonic(self) -> float:
            self.passed += 0.2
            return self.passed

    with server(answers(OK)) as port:
        block = {"url": f"http://127.0.0.1:{port}/"}
        answer = http.prepare(block, {"latency": "100ms"}, surroundings(clock=Slow()))()
    assert isinstance(answer, Answer)
    assert not answer.ok
    assert "more than 100ms" in answer.detail


def test_nobody_listening_is_a_bad_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert ask(port) == Answer(ok=False, detail="connection refused")


def test_a_name_that_cannot_be_looked_up_says_nothing_about_the_service() -> None:
    def away(host: str) -> str:
        raise Temporary("the API server is away")

    assert http.prepare({"url": "http://checkout.shop/"}, {}, surroundings(resolve=away))() == NoSample(
        why="the API server is away"
    )


@pytest.mark.parametrize(
    ("settings", "expect"),
    [
        ({"url": "checkout"}, {}),
        ({}, {}),
        ({"url": "http://x/", "tiemout": "1s"}, {}),
        ({"url": "http://x/"}, {"body": "("}),
    ],
)
def test_a_block_that_is_wrong_is_refused_before_anything_is_asked(
    settings: dict[str, Any], expect: dict[str, Any]
) -> None:
    with pytest.raises(Permanent):
        http.prepare(settings, expect, surroundings())


READY = {"status": {"readyReplicas": 2, "phase": "Active", "paused": True}}


@pytest.mark.parametrize(
    ("expect", "detail"),
    [
        ({"field": "status.readyReplicas", "atLeast": 2}, ""),
        ({"field": "status.readyReplicas", "atLeast": 3}, "status.readyReplicas is 2, less than 3"),
        ({"field": "status.missing", "atLeast": 0}, "status.missing is None, less than 0"),
        ({"field": "status.phase", "equals": "Active"}, ""),
        ({"field": "status.phase", "equals": "Gone"}, "status.phase is Active, not Gone"),
        ({"field": "status.paused", "equals": 1}, "status.paused is True, not 1"),
    ],
)
def test_a_field_of_an_object_is_compared(expect: dict[str, Any], detail: str) -> None:
    answer = kubernetes.prepare({"resource": "deployments", "name": "checkout"}, expect, surroundings(READY))()
    assert answer == Answer(ok=not detail, detail=detail, value=2 if "Replicas" in expect["field"] else None)


def test_an_object_that_is_gone_is_a_bad_answer() -> None:
    expect = {"field": "status.phase", "equals": "Active"}
    answer = kubernetes.prepare({"resource": "pods", "name": "x"}, expect, surroundings(None))()
    assert answer == Answer(ok=False, detail="there is no pods shop/x")


def test_an_api_server_that_is_away_says_nothing_about_the_service() -> None:
    expect = {"field": "status.phase", "equals": "Active"}
    answer = kubernetes.prepare({"resource": "pods", "name": "x"}, expect, surroundings(away=True))()
    assert answer == NoSample(why="the API server is away")


@pytest.mark.parametrize("expect", [{}, {"field": "a"}, {"field": "a", "equals": 1, "atLeast": 1}])
def test_an_expectation_that_says_nothing_is_refused(expect: dict[str, Any]) -> None:
    with pytest.raises(Permanent):
        kubernetes.prepare({"resource": "pods", "name": "x"}, expect, surroundings(READY))
