"""grpc: only a server that says that it is serving is good, and a call ends within its time."""

import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Permanent, Temporary
from gate.probes import grpc
from gate.probes.http2 import ACK, END_HEADERS, END_STREAM, PADDED, PREFACE, STREAM, Frame, Kind, NoCall, varint
from gate.running.ports import Answer, NoSample
from tests.control_plane import build
from tests.probes.servers import HOST, Serve, drips, server, surroundings

Eventually = Callable[[Callable[[], object]], None]

SETTINGS = Frame(Kind.SETTINGS, 0, 0, b"").packed()
HEADERS = Frame(Kind.HEADERS, END_HEADERS, STREAM, b"\x88").packed()
END = Frame(Kind.HEADERS, END_HEADERS | END_STREAM, STREAM, b"\x88").packed()


def message(content: bytes) -> bytes:
    return b"\x00" + len(content).to_bytes(4) + content


def data(content: bytes, flags: int = 0) -> bytes:
    return Frame(Kind.DATA, flags, STREAM, content).packed()


def tells(health: int) -> bytes:
    return SETTINGS + HEADERS + data(message(b"\x08" + bytes([health]))) + END


def says(*parts: bytes) -> Serve:
    """Says the first part at once, and the others after each thing that it hears."""

    def serve(connection: socket.socket) -> None:
        for part in parts:
            connection.recv(65536)
            connection.sendall(part)
        connection.recv(65536)

    return serve


def hangs_up(connection: socket.socket) -> None:
    connection.recv(65536)


def answers_half(connection: socket.socket) -> None:
    connection.recv(65536)
    connection.sendall(SETTINGS[:5])


def ask(port: int, expect: dict[str, Any] | None = None, **settings: Any) -> Answer | NoSample:
    block = {"host": HOST, "port": port, "timeout": "300ms", **settings}
    return grpc.prepare(block, expect or {}, surroundings())()


def bad(detail: str) -> Answer:
    return Answer(ok=False, detail=detail)


@pytest.mark.parametrize(
    ("serve", "answer"),
    [
        (says(tells(1)), Answer(ok=True)),
        (says(tells(2)), bad("it is NOT_SERVING")),
        (says(tells(3)), bad("it is SERVICE_UNKNOWN")),
        (says(HEADERS + data(message(b"")) + END), bad("it is UNKNOWN")),
        (says(HEADERS + data(message(b"\x08\x01"), END_STREAM)), Answer(ok=True)),
        (says(HEADERS + data(b"\x03" + message(b"\x08\x01") + b"abc", PADDED) + END), Answer(ok=True)),
        (says(HEADERS + data(message(b"\x08\x01")[:3]) + data(message(b"\x08\x01")[3:]) + END), Answer(ok=True)),
        (says(END), bad("no health was told: the server has no health service, or does not know the service")),
        (says(HEADERS + data(b"<html>") + END), bad("the answer is not that of a health service")),
        (says(HEADERS + data(message(b"\x08\x09")) + END), bad("the answer is not that of a health service")),
        (says(HEADERS + data(message(b"\x0a\x01")) + END), bad("the answer is not that of a health service")),
        (says(HEADERS + data(b"\x01" + message(b"\x08\x01")[1:]) + END), bad("answer is not that of a health service")),
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), bad("the answer is not HTTP/2")),
        (says(Frame(Kind.RST_STREAM, 0, STREAM, b"\0\0\0\x07").packed()), bad("the call was reset")),
        (says(Frame(Kind.GOAWAY, 0, 0, b"\0" * 8).packed()), bad("the call was turned away")),
        (says(Frame(Kind.GOAWAY, 0, 0, b"\0\0\0\x01" + b"\0" * 4).packed() + tells(1)), Answer(ok=True)),
        (says(Frame(0x20, 0, 7, b"what").packed() + tells(1)), Answer(ok=True)),
        (says(SETTINGS, tells(1)), Answer(ok=True)),
        (says(b""), bad("no answer within 300ms")),
        (says(HEADERS), bad("the answer did not end within 300ms")),
        (drips(SETTINGS, SETTINGS), bad("the answer did not end within 300ms")),
        (drips(SETTINGS, b"\0"), bad("the answer did not end within 300ms")),
        (hangs_up, bad("connection closed without an answer")),
        (answers_half, bad("the answer broke off")),
    ],
)
def test_only_a_server_that_is_serving_is_good(serve: Serve, answer: Answer) -> None:
    with server(serve) as port:
        began = time.monotonic()
        found = ask(port)
        assert time.monotonic() - began < 4
    assert isinstance(found, Answer)
    assert found.ok == answer.ok
    assert found.detail.endswith(answer.detail)


def test_a_server_that_floods_is_not_listened_to_for_ever() -> None:
    ping = Frame(Kind.PING, ACK, 0, b"12345678").packed()
    with server(drips(SETTINGS, ping * 10_000, every=0.001)) as port:
        assert ask(port, timeout="5s") == bad("more than 65536 bytes came, and no end")


def test_the_call_says_who_is_meant_and_answers_what_it_is_asked() -> None:
    heard = bytearray()
    ping = Frame(Kind.PING, 0, 0, b"12345678")

    def serve(connection: socket.socket) -> None:
        heard.extend(connection.recv(65536))
        connection.sendall(SETTINGS + ping.packed())
        while b"12345678" not in heard:
            heard.extend(connection.recv(65536))
        connection.sendall(tells(1))

    with server(serve) as port:
        assert ask(port, service="shop.Checkout", timeout="2s") == Answer(ok=True)
    assert heard.startswith(PREFACE)
    sent = list(frames(bytes(heard[len(PREFACE) :])))
    assert [frame.kind for frame in sent[:3]] == [Kind.SETTINGS, Kind.HEADERS, Kind.DATA]
    assert b"\x0d:authority" not in sent[1].body
    for text in (b"\x05:path\x1c/grpc.health.v1.Health/Check", b"\x10x-chaos-gate-run\x0acheckout-7"):
        assert text in sent[1].body
    assert sent[2] == Frame(Kind.DATA, END_STREAM, STREAM, message(b"\x0a\x0dshop.Checkout"))
    assert Frame(Kind.SETTINGS, ACK, 0, b"") in sent[3:]
    assert Frame(Kind.PING, ACK, 0, b"12345678") in sent[3:]


def frames(heard: bytes) -> Iterator[Frame]:
    while heard:
        size = int.from_bytes(heard[:3])
        yield Frame(heard[3], heard[4], int.from_bytes(heard[5:9]), heard[9 : 9 + size])
        heard = heard[9 + size :]


def test_a_server_proves_who_it_is_and_speaks_http2() -> None:
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["h2"])
    authority.issue_cert(HOST).configure_cert(context)
    spoken = []

    def serve(connection: socket.socket) -> None:
        assert isinstance(connection, ssl.SSLSocket)
        spoken.append(connection.selected_alpn_protocol())
        says(tells(1))(connection)

    with server(serve, secure=context) as port:
        tls = {"authority": authority.cert_pem.bytes().decode()}
        assert ask(port, tls=tls, timeout="2s") == Answer(ok=True)
        found = ask(port, tls={}, timeout="2s")
    assert spoken == ["h2"]
    assert isinstance(found, Answer)
    assert found.detail.startswith("the certificate is not trusted")


def test_nobody_there_is_bad_and_a_resolver_that_is_silent_is_no_sample() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    assert ask(port) == bad("connection refused")

    def away(host: str) -> str:
        raise Temporary("the API server is away")

    silent = grpc.prepare({"host": HOST, "port": port}, {}, surroundings(resolve=away))
    assert silent() == NoSample(why="the API server is away")


def test_an_answer_that_is_too_slow_is_bad_where_latency_is_expected() -> None:
    def serve(connection: socket.socket) -> None:
        threading.Event().wait(0.1)
        says(tells(1))(connection)

    with server(serve) as port:
        found = ask(port, {"latency": "50ms"}, timeout="5s")
    assert isinstance(found, Answer)
    assert found.detail.endswith("more than 50ms")


@given(st.binary(max_size=100))
def test_no_noise_is_health(noise: bytes) -> None:
    try:
        health = grpc.health_in(noise)
    except NoCall:
        return
    assert noise == message(b"") or noise == message(b"\x08" + bytes([health]))


@given(st.integers(0, 2**40))
def test_numbers_are_written_in_groups_of_seven_bits(number: int) -> None:
    packed = varint(number)
    assert sum((each & 0x7F) << 7 * place for place, each in enumerate(packed)) == number
    assert all(each & 0x80 for each in packed[:-1])
    assert not packed[-1] & 0x80


@pytest.mark.parametrize(
    "settings",
    [{"host": "x"}, {"host": "", "port": 1}, {"host": "x", "port": 0}, {"host": "x", "port": 1, "sevice": "a"}],
)
def test_a_block_that_is_wrong_is_refused_before_anything_is_asked(settings: dict[str, Any]) -> None:
    with pytest.raises(Permanent, match="the grpc probe cannot be asked"):
        grpc.prepare(settings, {}, surroundings())


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[int]:
    """A server whose gRPC is not ours; gives its port."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    client, peer = (f"http://127.0.0.1:{port}" for port in ports)
    urls = {
        "--listen-client-urls": client,
        "--advertise-client-urls": client,
        "--listen-peer-urls": peer,
        "--initial-advertise-peer-urls": peer,
        "--initial-cluster": f"default={peer}",
        "--data-dir": str(tmp_path / "etcd"),
    }
    program = [str(build.program("etcd")), *(f"{name}={value}" for name, value in urls.items())]
    with subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        yield ports[0]
        running.terminate()


@pytest.mark.cluster
def test_a_server_that_others_wrote_tells_its_health(etcd: int, eventually: Eventually) -> None:
    eventually(lambda: ask(etcd, timeout="2s") == Answer(ok=True))
    unknown = ask(etcd, service="x" * 200, timeout="2s")
    assert isinstance(unknown, Answer)
    assert unknown.detail.startswith("no health was told")
