"""One thread sends all watches: each reader gets every line, at his own pace, and his connection back at the end."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from urllib.parse import urlsplit

import pytest
from kube_samples import config_map

from gate.sandbox.kubernetes.api.answers import Stream
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS
from gate.sandbox.kubernetes.serving.fanout import LAST, Fanout
from gate.sandbox.kubernetes.store.store import Store

PATIENCE = 30.0
PATH = "/api/v1/configmaps?watch=1"


@pytest.fixture
def kubernetes() -> Iterator[Kubernetes]:
    with Kubernetes() as running:
        yield running


@contextmanager
def connected(kubernetes: Kubernetes) -> Iterator[http.client.HTTPConnection]:
    where = urlsplit(kubernetes.url)
    with closing(http.client.HTTPConnection(str(where.hostname), where.port, timeout=PATIENCE)) as connection:
        yield connection


def asked(connection: http.client.HTTPConnection, kubernetes: Kubernetes, path: str) -> http.client.HTTPResponse:
    connection.request("GET", path, headers={"Authorization": f"Bearer {kubernetes.token}"})
    answer = connection.getresponse()
    assert answer.status == 200
    return answer


def names(answer: http.client.HTTPResponse, many: int) -> list[str]:
    return [json.loads(answer.readline())["object"]["metadata"]["name"] for _ in range(many)]


def test_many_watches_take_one_thread(kubernetes, eventually):
    threads = threading.active_count()
    with ExitStack() as open_watches:
        answers = []
        for _ in range(40):
            connection = open_watches.enter_context(connected(kubernetes))
            answers.append(asked(connection, kubernetes, f"{PATH}&resourceVersion={kubernetes.store.revision}"))
        kubernetes.store.create(CONFIG_MAPS, config_map("told"))
        assert [names(answer, 1) for answer in answers] == [["told"]] * 40
        assert eventually(lambda: threading.active_count() < threads + 20)


def test_a_connection_goes_on_when_its_watch_has_ended(kubernetes):
    with connected(kubernetes) as connection:
        assert asked(connection, kubernetes, f"{PATH}&timeoutSeconds=1").read() == b""
        used = connection.sock
        assert asked(connection, kubernetes, "/api/v1/configmaps").read().startswith(b'{"kind":"ConfigMapList"')
        assert connection.sock is used


def test_a_reader_who_takes_his_time_holds_up_nobody_and_misses_nothing(kubernetes):
    big = "x" * 500_000
    with connected(kubernetes) as slow, connected(kubernetes) as quick:
        version = kubernetes.store.revision
        late, prompt = (asked(each, kubernetes, f"{PATH}&resourceVersion={version}") for each in (slow, quick))
        written = [f"big-{number}" for number in range(20)]
        for name in written:
            kubernetes.store.create(CONFIG_MAPS, config_map(name, x=big))
        assert names(prompt, 20) == written
        assert names(late, 20) == written


def test_a_watch_from_the_past_gets_more_lines_than_go_out_at_once(kubernetes):
    version = kubernetes.store.revision
    written = [f"map-{number}" for number in range(300)]
    for name in written:
        kubernetes.store.create(CONFIG_MAPS, config_map(name))
    with connected(kubernetes) as connection:
        assert names(asked(connection, kubernetes, f"{PATH}&resourceVersion={version}"), 300) == written


class Reading:
    """The far end of a connection, and what became of the near one."""

    def __init__(self, fanout: Fanout, stream: Stream) -> None:
        self.end, near = socket.socketpair()
        self.end.settimeout(PATIENCE)
        self.reusable: bool | None = None
        self.left = threading.Event()

        def left(reusable: bool) -> None:
            self.reusable = reusable
            near.close()
            self.left.set()

        fanout.serve(near, stream, left)


@pytest.fixture
def fanout() -> Iterator[Fanout]:
    made = Fanout()
    made.start()
    yield made
    made.stop()


@pytest.fixture
def read(fanout: Fanout) -> Iterator[Callable[..., Reading]]:
    """Begins to send a stream that shows the name of each changed object."""
    with ExitStack() as open_ends:

        def begin(store: Store, *, fails: bool = False) -> Reading:
            watch = store.subscribe()

            def lines():
                with watch:
                    while not watch.closed:
                        change = watch.next(PATIENCE)
                        if change is not None and fails:
                            raise LookupError("what the sandbox does wrong")
                        yield b"" if change is None else change.key[1].encode()

            reading = Reading(fanout, Stream(chunks=lines(), source=watch))
            open_ends.callback(reading.end.close)
            return reading

        yield begin


def test_the_end_of_a_watch_gives_the_connection_back_in_order(read):
    store = Store()
    reading = read(store)
    store.create(CONFIG_MAPS, config_map("one"))
    assert reading.end.recv(100) == b"3\r\none\r\n"
    store.close()
    assert reading.left.wait(PATIENCE)
    assert reading.reusable is True
    assert reading.end.recv(100) == LAST


def test_a_reader_who_has_gone_is_left_at_once(read):
    reading = read(Store())
    reading.end.close()
    assert reading.left.wait(PATIENCE)
    assert reading.reusable is False


def test_a_watch_that_fails_is_cut_and_the_others_go_on(read, caplog):
    store = Store()
    broken, well = read(store, fails=True), read(store)
    store.create(CONFIG_MAPS, config_map("one"))
    assert broken.left.wait(PATIENCE)
    assert broken.reusable is False
    assert broken.end.recv(100) == b""
    assert well.end.recv(100) == b"3\r\none\r\n"
    assert "what the sandbox does wrong" in caplog.text


def test_stopping_leaves_all_readers():
    store, made = Store(), Fanout()
    watch = store.subscribe()
    reading = Reading(made, Stream(chunks=iter_of(watch), source=watch))
    made.start()
    made.stop()
    assert reading.left.is_set()
    assert reading.reusable is False
    reading.end.close()


def iter_of(watch):
    with watch:
        while not watch.closed:
            watch.next(PATIENCE)
            yield b""
