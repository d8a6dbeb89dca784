"""Traffic over HTTP: as often as was asked for, whatever the service does."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from gate.errors import Permanent, Temporary
from gate.loads import LOADS
from gate.running.ports import Surroundings
from gate.running.time import SystemClock

Eventually = Callable[[Callable[[], object]], None]


@dataclass
class Shop:
    """A service, and what it was asked."""

    port: int = 0
    status: int = 200
    hosts: list[str] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    connections: list[int] = field(default_factory=list)
    """The ports that were connected from, one for each connection: some may be the same."""
    open: threading.Event = field(default_factory=threading.Event)
    """Until this is set nobody gets an answer."""

    @property
    def url(self) -> str:
        return f"http://checkout.shop:{self.port}/buy"


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    shop.open.set()

    class Answers(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            shop.connections.append(self.client_address[1])
            super().setup()

        def do_GET(self) -> None:
            shop.heads.append(dict(self.headers))
            shop.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            shop.hosts.append(str(self.headers["Host"]))
            shop.open.wait(20)
            with contextlib.suppress(OSError):  # the load may have ended meanwhile
                self.send_response(shop.status)
                self.send_header("Content-Length", "10")
                self.end_headers()
                self.wfile.write(b"thank you\n")

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_: Any) -> None:
            """Quiet."""

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Answers)
    shop.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield shop
    shop.open.set()
    server.shutdown()
    server.server_close()
    thread.join()


def local(host: str) -> str:
    assert host == "checkout.shop"
    return "127.0.0.1"


def kept(name: str) -> str:
    if name != "token":
        raise Permanent(f"there are no credentials shop/{name}")
    return "s3cret"


def around(resolve: Callable[[str], str] = local) -> Surroundings:
    cluster: Any = None  # this load has no use for one
    return Surroundings(
        cluster=cluster, clock=SystemClock(), namespace="shop", resolve=resolve, run="checkout-7", credentials=kept
    )


def test_requests_go_to_the_service_under_the_name_that_the_author_wrote(shop: Shop, eventually: Eventually) -> None:
    load = LOADS["http"].start({"url": shop.url, "rate": "100/s"}, around())
    eventually(lambda: len(shop.hosts) >= 10)
    summary = load.stop()
    assert set(shop.hosts) == {f"checkout.shop:{shop.port}"}
    assert summary.sent >= 10
    assert summary.failed == 0


def test_a_service_that_hangs_is_asked_as_often_as_one_that_answers(shop: Shop, eventually: Eventually) -> None:
    shop.open.clear()
    began = time.monotonic()
    load = LOADS["http"].start({"url": shop.url, "rate": "50/s", "timeout": "10s"}, around())
    eventually(lambda: len(shop.hosts) >= 25)
    summary = load.stop()
    assert summary.due <= 50 * (time.monotonic() - began) + 1
    assert summary.sent >= 25


@pytest.mark.parametrize("hangs", [False, True])
def test_what_is_due_is_sent_where_the_machine_keeps_up(shop: Shop, eventually: Eventually, hangs: bool) -> None:
    """One that stalls for a second makes up for nothing, and so it is tried again there."""
    if hangs:
        shop.open.clear()

    def delivered() -> bool:
        before = len(shop.hosts)
        load = LOADS["http"].start({"url": shop.url, "rate": "50/s", "timeout": "10s"}, around())
        eventually(lambda: len(shop.hosts) >= before + 10)
        summary = load.stop()
        return summary.sent >= summary.due - 5  # the last ones may not have left yet

    eventually(delivered)


def test_the_end_of_a_load_does_not_wait_for_answers_that_never_come(shop: Shop, eventually: Eventually) -> None:
    shop.open.clear()
    load = LOADS["http"].start({"url": shop.url, "rate": "50/s", "timeout": "60s"}, around())
    eventually(lambda: shop.hosts)
    began = time.monotonic()
    load.stop()
    assert time.monotonic() - began < 5


def test_bad_answers_are_counted(shop: Shop, eventually: Eventually) -> None:
    shop.status = 503
    load = LOADS["http"].start({"url": shop.url, "rate": "100/s"}, around())
    eventually(lambda: len(shop.hosts) >= 10)
    assert load.stop().failed >= 5


def test_requests_that_nobody_takes_are_sent_and_failed(eventually: Eventually) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: nobody else gets the port either
        url = f"http://checkout.shop:{taken.getsockname()[1]}/"
        load = LOADS["http"].start({"url": url, "rate": "100/s"}, around())
        began = time.monotonic()
        eventually(lambda: time.monotonic() > began + 0.3)
        summary = load.stop()
    assert summary.failed > 0
    assert summary.sent >= summary.failed


def test_a_name_that_cannot_be_looked_up_is_a_load_that_was_not_delivered(eventually: Eventually) -> None:
    tried: list[str] = []

    def resolve(host: str) -> str:
        tried.append(host)
        raise Temporary("the API server is away")

    load = LOADS["http"].start({"url": "http://checkout.shop/", "rate": "100/s"}, around(resolve))
    eventually(lambda: len(tried) >= 5)
    summary = load.stop()
    assert summary.due >= 5
    assert summary.sent == 0


def test_a_resolver_that_never_answers_holds_nobody_up(eventually: Eventually) -> None:
    asked, never = threading.Event(), threading.Event()

    def silent(host: str) -> str:
        asked.set()
        never.wait(20)
        return "127.0.0.1"

    load = LOADS["http"].start({"url": "http://checkout.shop/", "rate": "100/s", "timeout": "60s"}, around(silent))
    assert asked.wait(10)
    began = time.monotonic()
    summary = load.stop()
    took = time.monotonic() - began
    never.set()
    assert took < 5
    assert (summary.sent, summary.failed) == (0, 0)


def test_requests_that_wait_for_an_address_for_too_long_are_not_sent(eventually: Eventually) -> None:
    asked, never = [0], threading.Event()

    def silent(host: str) -> str:
        asked[0] += 1
        never.wait(20)
        return "127.0.0.1"

    load = LOADS["http"].start({"url": "http://checkout.shop/", "rate": "100/s", "timeout": "10ms"}, around(silent))
    eventually(lambda: asked[0])
    began = time.monotonic()
    eventually(lambda: time.monotonic() > began + 0.3)
    summary = load.stop()
    never.set()
    assert summary.due > 10
    assert (summary.sent, summary.failed) == (0, 0)


def test_each_request_says_for_which_run_it_is_sent(shop: Shop, eventually: Eventually) -> None:
    block = {"url": shop.url, "rate": "50/s", "method": "POST", "body": "täe", "headers": {"X-Team": "a", "host": "b"}}
    load = LOADS["http"].start(block, around())
    eventually(lambda: len(shop.bodies) >= 3)
    assert load.stop().failed == 0
    assert set(shop.bodies) == {"täe".encode()}
    for head in shop.heads:
        assert head["X-Chaos-Gate-Run"] == "checkout-7"
        assert head["X-Team"] == "a"
        assert head["host"] == "b"
        assert "Host" not in head


def test_a_secret_that_no_document_has_is_sent_and_nothing_without_it(shop: Shop, eventually: Eventually) -> None:
    load = LOADS["http"].start({"url": shop.url, "rate": "50/s", "credentials": {"name": "token"}}, around())
    eventually(lambda: len(shop.heads) >= 3)
    load.stop()
    assert {head["Authorization"] for head in shop.heads} == {"Bearer s3cret"}
    began = time.monotonic()
    load = LOADS["http"].start({"url": shop.url, "rate": "50/s", "credentials": {"name": "other"}}, around())
    eventually(lambda: time.monotonic() > began + 0.2)
    summary = load.stop()
    assert summary.due > 5
    assert summary.sent == 0


def test_every_request_has_a_connection_of_its_own(shop: Shop, eventually: Eventually) -> None:
    load = LOADS["http"].start({"url": shop.url, "rate": "100/s", "connections": "new"}, around())
    eventually(lambda: len(shop.hosts) >= 40)
    assert load.stop().failed == 0
    assert len(shop.connections) >= len(shop.hosts)


def test_connections_that_are_kept_are_used_again(shop: Shop, eventually: Eventually) -> None:
    load = LOADS["http"].start({"url": shop.url, "rate": "100/s", "connections": "kept"}, around())
    eventually(lambda: len(shop.hosts) >= max(40, 4 * len(shop.connections)))
    assert load.stop().failed == 0


def test_the_rate_changes_from_stage_to_stage(shop: Shop, eventually: Eventually) -> None:
    stages = [{"rate": "10/s", "for": "500ms"}, {"rate": "200/s"}]
    began = time.monotonic()
    load = LOADS["http"].start({"url": shop.url, "stages": stages}, around())
    eventually(lambda: len(shop.hosts) >= 40)
    took = time.monotonic() - began
    summary = load.stop()
    assert took > 0.5
    assert summary.failed == 0
    assert 40 <= summary.due <= 5 + 200 * (time.monotonic() - began - 0.5) + 1


@pytest.mark.parametrize(
    "block",
    [
        {},
        {"url": "checkout.shop", "rate": "1/s"},
        {"url": "http://x", "rate": 20},
        {"url": "http://x", "r": 1},
        {"url": "http://x"},
        {"url": "http://x", "stages": []},
        {"url": "http://x", "rate": "1/s", "stages": [{"rate": "1/s"}]},
        {"url": "http://x", "stages": [{"rate": "1/s"}, {"rate": "2/s"}]},
        {"url": "http://x", "stages": [{"rate": "1/s", "for": "1s"}]},
        {"url": "http://x", "rate": "1/s", "connections": "old"},
        {"url": "http://x", "rate": "1/s", "headers": {"a": "b\r\nc: d"}},
        {"url": "http://x", "rate": "1/s", "tls": {}},
    ],
)
def test_a_block_that_is_wrong_is_refused_before_anything_is_sent(block: dict[str, Any]) -> None:
    with pytest.raises(Permanent, match="the http load cannot be sent"):
        LOADS["http"].start(block, around())
