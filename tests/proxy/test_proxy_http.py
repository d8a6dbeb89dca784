"""Each behaviour as an HTTP client sees it, and what one request of a connection means for the next."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from gate.proxy.counters import Ending
from gate.proxy.sockets import LINGER
from tests.proxy.conftest import Ground, Loop, everything, exactly

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\n\r\n"
Eventually = Callable[[Callable[[], object]], None]


class WebServer:
    """Answers each request with its method, target and body; `/chunked`, `/until-close`, `/upgrade` in their ways."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.writers: list[asyncio.StreamWriter] = []
        self._server = loop.wait(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        try:
            while await self._one(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split("\r\n")[0].split(" ")
        named = dict(line.lower().split(": ") for line in head.split("\r\n")[1:-2])
        if named.get("expect") == "100-continue":
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(named.get("content-length", 0)))
        if "chunked" in named.get("transfer-encoding", ""):
            body = await reader.readuntil(b"0\r\n\r\n")
        said = json.dumps({"method": method, "target": target, "body": body.decode()}).encode()
        if target == "/upgrade":
            writer.write(UPGRADED)
            while data := await reader.read(1000):
                writer.write(data)
            return False
        if target == "/until-close":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + said)
            return False
        if target == "/chunked":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(said), said))
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said))
            writer.write(b"" if method == "HEAD" else said)
        await writer.drain()
        return True

    def close(self) -> None:
        self._loop.call(lambda: [writer.transport.abort() for writer in self.writers])
        self._loop.call(self._server.close)
        self._loop.wait(self._server.wait_closed())


def web(ground: Ground, **more: Any) -> int:
    server = WebServer(ground.loop)
    ground.closing.append(server.close)
    return ground.put(server.port, protocol="http", **more)


def client(ground: Ground, port: int) -> http.client.HTTPConnection:
    made = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    ground.closing.append(made.close)
    return made


def ask(one: http.client.HTTPConnection, target: str = "/", method: str = "GET", **more: Any) -> tuple[int, Any]:
    one.request(method, target, **more)
    answer = one.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if answer.status == 200 and text else text


def test_requests_of_all_kinds_pass_on_one_connection(ground: Ground) -> None:
    one = client(ground, web(ground))
    assert ask(one, "/a?b=c") == (200, {"method": "GET", "target": "/a?b=c", "body": ""})
    assert ask(one, "/big", "POST", body="x" * 200_000)[1]["body"] == "x" * 200_000
    assert ask(one, "/chunked")[1]["target"] == "/chunked"
    assert ask(one, "/", "HEAD") == (200, b"")
    assert ask(one, "/", "PUT", body=iter([b"hello"]), encode_chunked=True)[1]["body"] == "5\r\nhello\r\n0\r\n\r\n"
    assert ask(one, "/until-close")[1]["target"] == "/until-close"
    counters = ground.live().counters
    assert (counters.connections, counters.seen, counters.clean) == (1, 6, 6)


def test_requests_that_are_sent_at_once_are_answered_in_order(ground: Ground) -> None:
    one = ground.connect(web(ground))
    one.sendall(b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % n for n in range(5)))
    one.shutdown(socket.SHUT_WR)
    text = everything(one).decode()
    assert [text.index(f'"/{n}"') for n in range(5)] == sorted(text.index(f'"/{n}"') for n in range(5))


def test_after_an_upgrade_bytes_just_pass(ground: Ground) -> None:
    one = ground.connect(web(ground))
    one.sendall(b"GET /upgrade HTTP/1.1\r\nHost: a\r\n\r\n")
    assert exactly(one, len(UPGRADED)) == UPGRADED
    one.sendall(b"\x00\x01not http\r\n\r\n")
    assert exactly(one, 14) == b"\x00\x01not http\r\n\r\n"
    one.shutdown(socket.SHUT_WR)
    assert everything(one) == b""


def test_error_is_a_status_with_body_and_retry_after(ground: Ground) -> None:
    mix = [{"error": {"status": 429, "body": "slow down", "retryAfter": "1500ms"}}]
    one = client(ground, web(ground, mix=mix))
    one.request("POST", "/", body="x" * 100_000)
    answer = one.getresponse()
    assert (answer.status, answer.read(), answer.headers["Retry-After"]) == (429, b"slow down", "2")
    assert ground.live().counters.up == 0


@pytest.mark.parametrize("stream", ["up", "down"])
def test_delay_comes_late(ground: Ground, stream: str) -> None:
    one = client(ground, web(ground, mix=[{"delay": {"time": "60ms", "stream": stream}}]))
    begun = time.monotonic()
    assert ask(one)[0] == 200
    assert ask(one)[0] == 200
    assert time.monotonic() - begun >= 0.12


def test_reset_blackout_and_hang_by_method(ground: Ground) -> None:
    rules = [
        {"where": {"method": "GET"}, "mix": "100:reset"},
        {"where": {"method": "POST"}, "mix": "100:blackout"},
        {"where": {"method": "PUT"}, "mix": [{"hang": {"end": "40ms"}}]},
    ]
    port = web(ground, rules=rules)
    with pytest.raises(ConnectionResetError):
        ask(client(ground, port))
    for method in ("POST", "PUT"):
        with pytest.raises(http.client.RemoteDisconnected):
            ask(client(ground, port), method=method)
    assert ask(client(ground, port), method="DELETE")[0] == 200


def test_truncate_cuts_the_body_and_corrupt_changes_it_and_not_the_head(ground: Ground) -> None:
    rules = [{"where": {"path": "/cut"}, "mix": [{"truncate": {"after": 7}}]}]
    port = web(ground, rules=rules, mix=[{"corrupt": {"every": 10}}])
    with pytest.raises(http.client.IncompleteRead) as cut:
        ask(client(ground, port), "/cut")
    assert len(cut.value.partial) == 7
    one = client(ground, port)
    for _ in range(2):
        one.request("GET", "/")
        answer = one.getresponse()
        assert answer.status == 200
        assert len(answer.read()) == int(answer.headers["Content-Length"])
    assert ground.live().counters.connections == 2


def test_slow_and_drip_take_their_time_and_change_nothing(ground: Ground) -> None:
    rules = [{"where": {"path": "/slow"}, "mix": [{"slow": {"rate": 1000}}]}]
    one = client(ground, web(ground, rules=rules, mix=[{"drip": {"size": 20, "every": "15ms"}}]))
    for target in ("/slow", "/drip"):
        begun = time.monotonic()
        assert ask(one, target)[1]["target"] == target
        assert time.monotonic() - begun >= 0.025


def test_only_what_is_meant_by_path_and_header_is_hit_on_one_connection(ground: Ground) -> None:
    rules = [{"where": {"path": "/buy/*", "header": "X-Team: payments"}, "mix": [{"delay": {"time": "50ms"}}]}]
    one = client(ground, web(ground, rules=rules))
    ask(one, "/buy/1")
    ask(one, "/", headers={"X-Team": "payments"})
    assert ground.live().counters.affected == {}
    ask(one, "/buy/1?now", headers={"X-Team": "payments"})
    assert ground.live().counters.affected == {"delay": 1}


def test_the_same_requests_are_hit_whatever_the_order_and_the_connections(ground: Ground) -> None:
    port = web(ground, mix=[{"percent": "30%", "delay": {"time": "1ms"}}, {"percent": "20%", "drip": {"size": 100}}])
    names = [f"request-{n}" for n in range(40)]

    def told(since: int) -> dict[str, tuple[str, ...]]:
        return {each.identity: each.faults for each in ground.board.log if each.number > since}

    alone = client(ground, port)
    for name in names:
        ask(alone, headers={"X-Request-Id": name})
    first = told(0)

    def some(part: list[str]) -> None:
        one = client(ground, port)
        for name in part:
            ask(one, headers={"X-Request-Id": name})

    threads = [threading.Thread(target=some, args=(names[::-1][n::4],)) for n in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert told(40) == first
    assert set(first.values()) == {(), ("delay",), ("drip",)}


def test_a_change_reaches_requests_that_wait_and_connections_that_are_open(ground: Ground) -> None:
    server = WebServer(ground.loop)
    ground.closing.append(server.close)
    port = ground.put(server.port, protocol="http")
    one = client(ground, port)
    assert ask(one)[0] == 200
    ground.put(server.port, protocol="http", mix="100:hang")
    one.request("GET", "/waits")
    assert one.sock
    one.sock.settimeout(0.1)
    with pytest.raises(TimeoutError):
        one.sock.recv(1, socket.MSG_PEEK)
    one.sock.settimeout(30)
    ground.put(server.port, protocol="http")
    assert json.loads(one.getresponse().read())["target"] == "/waits"
    ground.put(server.port, protocol="http", mix=[{"error": {"status": 500}}])
    assert ask(one)[0] == 500


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, 431),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
    ],
)
def test_what_is_not_http_is_refused_and_counted(ground: Ground, sent: bytes, status: int) -> None:
    one = ground.connect(web(ground))
    one.sendall(sent)
    assert everything(one).startswith(b"HTTP/1.1 %d" % status)
    assert ground.live().counters.endings[Ending.REFUSED] == 1


def test_an_upstream_that_does_not_speak_http_is_a_502(ground: Ground) -> None:
    port = ground.put(ground.upstream().port, protocol="http")
    assert ask(client(ground, port)) == (502, b"the upstream does not speak HTTP/1\n")


def test_half_a_head_holds_nobody_and_goes_with_its_client(ground: Ground, eventually: Eventually) -> None:
    port = web(ground)
    half = ground.connect(port)
    half.sendall(b"GET / HTTP/1.1\r\nHo")
    assert ask(client(ground, port))[0] == 200
    half.close()
    eventually(lambda: ground.live().counters.live == 1)


def test_a_client_that_pauses_gets_all_that_was_said_before_the_end(ground: Ground, eventually: Eventually) -> None:
    size = 20_000_000
    one = ground.connect(ground.put(1, protocol="http", mix=[{"error": {"body": "x" * size}}]))
    one.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    eventually(lambda: ground.live().counters.endings[Ending.FAULT])
    begun = time.monotonic()
    eventually(lambda: time.monotonic() > begun + LINGER + 0.5)
    head, _, body = everything(one).partition(b"\r\n\r\n")
    assert (head.split()[1], len(body)) == (b"503", size)
    one.close()
    eventually(lambda: not ground.live().links)


def told_by(ground: Ground, answer: bytes, request: bytes, last: bytes, **more: Any) -> bytes:
    """What a client gets of an upstream that says that when it has got the last bytes, and then ends."""

    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(last)
        writer.write(answer)
        writer.close()

    server = ground.loop.wait(asyncio.start_server(say, "127.0.0.1", 0))
    ground.closing.append(lambda: ground.loop.call(server.close))
    one = ground.connect(ground.put(server.sockets[0].getsockname()[1], protocol="http", **more))
    one.sendall(request)
    found = b""
    with suppress(ConnectionResetError):
        while data := one.recv(65_536):
            found += data
    return found


def test_what_an_upstream_says_after_its_answer_is_no_answer(ground: Ground) -> None:
    empty = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    poison = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison"
    found = told_by(ground, empty + poison, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\n\r\n")
    assert b"poison" not in found
    assert ground.live().counters.endings[Ending.UPSTREAM] == 1


def test_a_request_that_is_cut_may_be_answered_and_ends_the_connection(ground: Ground) -> None:
    answer = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 3\r\n\r\nbad"
    request = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789"
    assert told_by(ground, answer, request, b"123", mix=[{"truncate": {"after": 3, "stream": "up"}}]) == answer
    assert ground.live().counters.endings[Ending.FAULT] == 1
