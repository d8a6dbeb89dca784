"""http: what counts as a good answer, what is said of a bad one, and when there is no answer to speak of."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Permanent, Temporary
from gate.probes import http
from gate.running.ports import Answer, NoSample
from tests.probes.servers import HOST, answers, by_path, drips, ok, request, said, server, surroundings

LIMIT = 0.3
LATEST = 4.0
"""Seconds by which a question with that limit is over, on a machine that is busy with something else."""

REDIRECT = "HTTP/1.1 {status} Found\nLocation: {to}\nContent-Length: 0\n\n"


def ask(port: int, expect: dict[str, Any] | None = None, **settings: Any) -> Answer | NoSample:
    block = {"url": f"http://{HOST}:{port}/buy", "timeout": f"{LIMIT}s", **settings}
    return http.prepare(block, expect or {}, surroundings())()


def bad(detail: str) -> Answer:
    return Answer(ok=False, detail=detail)


@pytest.mark.parametrize(
    ("answer", "expect", "detail"),
    [
        (ok(), {}, ""),
        (ok(), {"status": [200, 201], "body": "^hel"}, ""),
        (ok(), {"status": "2xx"}, ""),
        (ok(), {"status": ["4xx", 200]}, ""),
        (ok(), {"status": 204}, "HTTP 200"),
        (ok(), {"status": "5xx"}, "HTTP 200"),
        (ok(), {"body": "bye"}, "the body does not match bye"),
        (ok(Server="shop/2.1"), {"headers": {"server": r"shop/2\."}}, ""),
        (ok(Server="shop/1.9"), {"headers": {"Server": "shop/2"}}, "header Server is shop/1.9, which does not match"),
        (ok(), {"headers": {"Server": "."}}, "the header Server is not there"),
        ("HTTP/1.1 502 Bad Gateway\nContent-Length: 0\n\n", {}, "HTTP 502"),
        (REDIRECT.format(status=302, to="http://elsewhere/"), {}, "HTTP 302"),
        (REDIRECT.format(status=302, to="http://elsewhere/"), {"status": 302}, ""),
        ("", {}, "connection closed without an answer"),
        ("garbage\n\n", {}, "the answer is not HTTP: garbage"),
        ("HTTP/1.1 200 OK\nContent-Length: 50\n\nhalf", {}, "the answer broke off"),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n", {}, "the answer broke off"),
        ("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n", {"body": "^hello$"}, ""),
        ("HTTP/1.0 200 OK\n\nhello", {"body": "^hello$"}, ""),
    ],
)
def test_an_answer_is_good_only_if_it_is_what_was_expected(answer: str, expect: dict[str, Any], detail: str) -> None:
    with server(answers(answer)) as port:
        found = ask(port, expect)
    assert isinstance(found, Answer)
    assert found.ok == (not detail)
    assert detail in found.detail


STOCK = json.dumps({"stock": 3, "open": True, "items": [{"name": "tea", "price": 2.5}, {"name": "rum", "price": 9}]})


@pytest.mark.parametrize(
    ("conditions", "detail"),
    [
        ([{"field": "stock", "atLeast": 3, "atMost": 3}], ""),
        ([{"field": "$.open", "equals": True}], ""),
        ([{"field": "items[?@.name=='rum'].price", "atMost": 10}], ""),
        ([{"field": "items[-1].name", "matches": "^r"}], ""),
        ([{"field": "stock", "atLeast": 4}], "stock is 3, less than 4"),
        ([{"field": "open", "equals": 1}], "open is true, not 1"),
        ([{"field": "open", "atLeast": 1}], "open is true, not a number"),
        ([{"field": "shut", "equals": True}], "shut is not there"),
        ([{"field": "items[*].name", "equals": "tea"}], "items[*].name is there 2 times"),
        ([{"field": "stock", "equals": 3}, {"field": "items", "equals": "tea"}], "items is a list, not tea"),
    ],
)
def test_values_in_a_json_body_are_looked_at(conditions: list[dict[str, Any]], detail: str) -> None:
    with server(answers(ok(STOCK))) as port:
        found = ask(port, {"json": conditions})
    assert isinstance(found, Answer)
    assert (found.ok, found.detail) == (not detail, detail)


@pytest.mark.parametrize(
    ("body", "value"), [('{"n": 5}', 5.0), ('{"n": true}', None), ('{"n": 1e999}', None), ('{"n": NaN}', None)]
)
def test_the_one_number_that_is_expected_is_the_number_of_the_sample(body: str, value: float | None) -> None:
    expect = {"json": [{"field": "n", "atLeast": 1}]}
    assert http.Expect.model_validate(expect).gives_number
    with server(answers(ok(body))) as port:
        found = ask(port, expect)
    assert isinstance(found, Answer)
    assert found.value == value
    assert found.ok == (value is not None or "1e999" in body)


def test_two_numbers_are_not_one() -> None:
    two = [{"field": "a", "atLeast": 1}, {"field": "b", "atLeast": 1}]
    assert not http.Expect.model_validate({"json": two}).gives_number
    assert not http.Expect.model_validate({"json": [{"field": "a", "matches": "x"}]}).gives_number


@pytest.mark.parametrize("body", ["", "{", "<html>", "[" * 100_000, "9" * 10_000, '"\\ud800', "\x00"])
def test_a_body_that_is_no_json_is_a_bad_answer(body: str) -> None:
    with server(answers(ok(body))) as port:
        assert ask(port, {"json": [{"field": "a", "equals": 1}]}) == bad("the body is not JSON")


def test_json_that_is_longer_than_what_is_read_is_said_to_be_too_long() -> None:
    with server(answers(ok('{"a": "' + "x" * 1_100_000 + '"}'))) as port:
        assert ask(port, {"json": [{"field": "a", "matches": "x"}]}, timeout="5s") == bad("the body is too long")


# --------------------------------------------------------------------------------------------------- what is asked


def test_the_host_that_the_author_wrote_is_the_one_that_is_asked_for() -> None:
    heard: list[str] = []
    with server(by_path({"/buy?item=tea": ok()}, heard)) as port:
        url = f"http://{HOST}:{port}/buy?item=tea"
        assert ask(
            port, url=url, headers={"X-Team": "payments", "user-agent": "a"}, method="POST", body="täe"
        ) == Answer(ok=True)
    lines = heard[0].split("\r\n")
    assert lines[0] == "POST /buy?item=tea HTTP/1.1"
    assert {f"Host: {HOST}:{port}", "X-Team: payments", "Content-Length: 4", "Connection: close"} <= set(lines)
    assert {"user-agent: a", "X-Chaos-Gate-Run: checkout-7"} <= set(lines)
    assert "User-Agent: chaos-gate" not in lines
    assert lines[-1] == "täe"


@pytest.mark.parametrize(
    ("settings", "expect"),
    [
        ({"url": "checkout"}, {}),
        ({}, {}),
        ({"url": "http://x/", "tiemout": "1s"}, {}),
        ({"url": "http://x/", "timeout": "0s"}, {}),
        ({"url": "http://x:99999/"}, {}),
        ({"url": "http://[x/"}, {}),
        ({"url": "http://x/a b"}, {}),
        ({"url": "http://x/\r\nInjected: 1"}, {}),
        ({"url": "http://user:secret@x/"}, {}),
        ({"url": "http://x/#part"}, {}),
        ({"url": "http://x/", "headers": {"a b": "c"}}, {}),
        ({"url": "http://x/", "headers": {"a": "b\r\nInjected: 1"}}, {}),
        ({"url": "http://x/", "redirects": 11}, {}),
        ({"url": "http://x/", "credentials": {"name": "../x"}}, {}),
        ({"url": "http://x/", "credentials": {"name": "x"}, "headers": {"authorization": "y"}}, {}),
        ({"url": "http://x/", "tls": {}}, {}),
        ({"url": "https://x/", "tls": {"authority": "trust me"}}, {}),
        ({"url": "http://x/"}, {"body": "("}),
        ({"url": "http://x/"}, {"headers": {"a": "("}}),
        ({"url": "http://x/"}, {"status": []}),
        ({"url": "http://x/"}, {"status": True}),
        ({"url": "http://x/"}, {"status": "2x"}),
        ({"url": "http://x/"}, {"status": 20}),
        ({"url": "http://x/"}, {"json": [{"field": "a"}]}),
        ({"url": "http://x/"}, {"json": [{"field": "a..b", "equals": 1}]}),
        ({"url": "http://x/"}, {"json": [{"field": "a", "atLeast": 2, "atMost": 1}]}),
    ],
)
def test_a_block_that_is_wrong_is_refused_before_anything_is_asked(
    settings: dict[str, Any], expect: dict[str, Any]
) -> None:
    with pytest.raises(Permanent, match="the http probe cannot be asked"):
        http.prepare(settings, expect, surroundings())


@pytest.mark.parametrize(
    ("credentials", "sent"),
    [
        ({"name": "token"}, "Authorization: Bearer s3cret"),
        ({"name": "clerk", "scheme": "basic"}, "Authorization: Basic bWU6eW91"),
    ],
)
def test_a_secret_that_no_document_has_is_sent(credentials: dict[str, str], sent: str) -> None:
    heard: list[str] = []
    with server(by_path({"/buy": ok()}, heard)) as port:
        assert ask(port, credentials=credentials) == Answer(ok=True)
    assert sent in heard[0].split("\r\n")


@pytest.mark.parametrize(("name", "why"), [("other", "there are no credentials shop/other"), ("broken", "on one line")])
def test_a_secret_that_is_not_there_says_nothing_about_the_service_and_is_not_shown(name: str, why: str) -> None:
    with server(answers(ok())) as port:
        found = ask(port, credentials={"name": name})
    assert isinstance(found, NoSample)
    assert why in found.why
    assert "two" not in found.why


# ------------------------------------------------------------------------------------------------------- redirects


def test_redirects_to_the_same_host_are_followed_as_often_as_is_allowed() -> None:
    heard: list[str] = []
    pages = {"/buy": REDIRECT.format(status=302, to="/b"), "/b": REDIRECT.format(status=307, to="c"), "/c": ok()}
    with server(by_path(pages, heard)) as port:
        assert ask(port, redirects=2) == Answer(ok=True)
        assert ask(port, redirects=1) == bad("redirected more than 1 times")
    assert [request.split()[1] for request in heard] == ["/buy", "/b", "/c", "/buy", "/b"]


@pytest.mark.parametrize(("status", "method"), [(302, "GET"), (303, "GET"), (307, "POST"), (308, "POST")])
def test_a_redirect_says_whether_the_body_is_sent_again(status: int, method: str) -> None:
    heard: list[str] = []
    with server(by_path({"/buy": REDIRECT.format(status=status, to="/b"), "/b": ok()}, heard)) as port:
        assert ask(port, redirects=1, method="POST", body="tea") == Answer(ok=True)
    assert heard[1].startswith(f"{method} /b ")
    assert heard[1].endswith("tea") == (method == "POST")


@pytest.mark.parametrize(
    ("to", "detail"),
    [
        ("http://elsewhere.example/", "redirected to elsewhere: http://elsewhere.example/"),
        ("//elsewhere.example/", "redirected to elsewhere: //elsewhere.example/"),
        ("ftp://checkout.shop/", "redirected to elsewhere: ftp://checkout.shop/"),
        ("http://me:you@checkout.shop/", "redirected to elsewhere: http://me:you@checkout.shop/"),
        ("http://checkout.shop:99999/", "redirected to nowhere: http://checkout.shop:99999/"),
        ("", "redirected to nowhere: the answer names no Location"),
    ],
)
def test_what_is_sent_to_a_service_is_sent_to_no_other(to: str, detail: str) -> None:
    with server(answers(REDIRECT.format(status=302, to=to))) as port:
        assert ask(port, redirects=5, headers={"Authorization": "secret"}) == bad(detail)


def test_redirects_in_a_circle_come_to_an_end() -> None:
    with server(answers(REDIRECT.format(status=302, to="/buy"))) as port:
        assert ask(port, redirects=10, timeout="5s") == bad("redirected more than 10 times")


# ------------------------------------------------------------------------------------------------------------- TLS


class Authority:
    """Signs certificates for services on loopback."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self.pem = self._authority.cert_pem.bytes().decode()

    def context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(name).configure_cert(context)
        return context


def test_a_service_proves_who_it_is() -> None:
    mine, other = Authority(), Authority()
    with server(answers(ok()), secure=mine.context(HOST)) as port:
        url = f"https://{HOST}:{port}/"
        assert ask(port, url=url, timeout="2s", tls={"authority": mine.pem}) == Answer(ok=True)
        for untrusted in (None, {"authority": other.pem}, {"authority": mine.pem, "serverName": "other.shop"}):
            found = ask(port, url=url, timeout="2s", tls=untrusted)
            assert isinstance(found, Answer)
            assert found.detail.startswith("the certificate is not trusted: ")


def test_a_certificate_may_have_another_name_that_the_author_knows() -> None:
    authority = Authority()
    with server(answers(ok()), secure=authority.context("front.example")) as port:
        tls = {"authority": authority.pem, "serverName": "front.example"}
        assert ask(port, url=f"https://{HOST}:{port}/", timeout="2s", tls=tls) == Answer(ok=True)


def test_a_service_that_does_not_speak_tls_is_a_bad_answer() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with server(serve) as port:
        found = ask(port, url=f"https://{HOST}:{port}/", timeout="2s")
    assert isinstance(found, Answer)
    assert found.detail.startswith("TLS failed: ")


def test_a_service_that_shakes_hands_for_ever_is_a_bad_answer_in_time() -> None:
    with server(lambda connection: connection.recv(65536) and connection.recv(1)) as port:
        assert ask(port, url=f"https://{HOST}:{port}/") == bad("no connection within 300ms")


# ------------------------------------------------------------------------------- services that do not answer in time


def test_nobody_listening_is_a_bad_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert ask(port) == bad("connection refused")


def hangs(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.recv(1)


def half_closes(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.shutdown(socket.SHUT_WR)
    connection.recv(1)


def resets(connection: socket.socket) -> None:
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")


def goes_silent(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(said("HTTP/1.1 200 OK\nContent-Length: 5\n\nhel"))
    connection.recv(1)


@pytest.mark.parametrize(
    ("serve", "detail"),
    [
        (hangs, "no answer within 300ms"),
        (half_closes, "connection closed without an answer"),
        (resets, "connection reset"),
        (goes_silent, "the answer did not end within 300ms"),
        (drips(b"", b"H"), "the answer did not end within 300ms"),
        (drips(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"), "the answer did not end within 300ms"),
        (drips(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n", b"x"), "the answer did not end within 300ms"),
        (drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x"), "the answer did not end within 300ms"),
        (drips(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"), "did not end within 300ms"),
        (drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n"), "the answer did not end within 300ms"),
    ],
)
def test_every_question_ends_within_its_time(serve: Callable[[socket.socket], object], detail: str) -> None:
    with server(serve) as port:
        began = time.monotonic()
        found = ask(port)
        took = time.monotonic() - began
    assert isinstance(found, Answer)
    assert not found.ok
    assert detail in found.detail
    assert took < LATEST


def test_an_answer_that_floods_for_ever_is_read_as_far_as_it_matters() -> None:
    with server(drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1_000_000, every=0.001)) as port:
        assert ask(port, {"body": "^xxx"}, timeout="5s") == Answer(ok=True)


def test_a_request_that_nobody_takes_is_a_bad_answer_in_time() -> None:
    def turns_away(connection: socket.socket) -> None:
        threading.Event().wait(1)

    with server(turns_away) as port:
        assert ask(port, method="POST", body="x" * 20_000_000) == bad("the request was not taken within 300ms")


def test_an_answer_that_is_too_slow_is_bad_where_latency_is_expected() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(65536)
        threading.Event().wait(0.1)
        connection.sendall(said(ok()))

    with server(serve) as port:
        found = ask(port, {"latency": "50ms"}, timeout="5s")
        assert ask(port, {"latency": "4s"}, timeout="5s") == Answer(ok=True)
    assert isinstance(found, Answer)
    assert found.detail.endswith("more than 50ms")


@given(st.binary(max_size=200))
def test_whatever_comes_back_is_an_answer(noise: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        request(connection)
        connection.sendall(noise)

    with server(serve) as port:
        found = ask(port, {"json": [{"field": "a", "equals": 1}], "body": "x"})
    assert isinstance(found, Answer)
    assert not found.ok
    assert found.detail
    assert "\n" not in found.detail


# --------------------------------------------------------------------------------------- names that lead to nowhere


def asked_of(resolve: Callable[[str], str]) -> Answer | NoSample:
    return http.prepare({"url": f"http://{HOST}/", "timeout": "300ms"}, {}, surroundings(resolve=resolve))()


def test_a_name_that_cannot_be_looked_up_says_nothing_about_the_service() -> None:
    def away(host: str) -> str:
        raise Temporary("the API server is away")

    assert asked_of(away) == NoSample(why="the API server is away")


def test_a_resolver_that_never_answers_says_nothing_about_the_service_and_holds_nobody_up() -> None:
    never = threading.Event()

    def silent(host: str) -> str:
        never.wait(20)
        return host

    began = time.monotonic()
    found = asked_of(silent)
    took = time.monotonic() - began
    never.set()
    assert found == NoSample(why="the look-up of checkout.shop did not end within 300ms")
    assert took < LATEST


def test_a_name_that_no_host_can_have_is_a_bad_answer() -> None:
    found = asked_of(lambda host: host.replace("checkout", "x" * 64))
    assert isinstance(found, Answer)
    assert found.detail.startswith(f"{HOST} cannot be the name of a host")
