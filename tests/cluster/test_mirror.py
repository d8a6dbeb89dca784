"""The local copy of a resource follows the server through everything that a watch can suffer."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

import pytest
import urllib3
from kubernetes.client import Configuration

from gate.cluster.api import Api
from gate.cluster.mirror import JITTER, LIST_AFTER, Mirror
from gate.cluster.said import Json
from gate.sandbox.kubernetes.cluster import Kubernetes
from tests.clocks import HandClock

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def followed(api: Api) -> Iterator[tuple[Mirror[str], list[tuple[str, str]]]]:
    """A mirror of the ConfigMaps in `default` that keeps one value, and the keys it called for."""
    called: list[tuple[str, str]] = []
    mirror = Mirror(api, "configmaps", "default", lambda item: item["data"]["mode"], called.append)
    with following(mirror, api):
        yield mirror, called


@contextmanager
def following(mirror: Mirror[str], api: Api) -> Iterator[None]:
    """The mirror runs, and its copy is whole."""
    stop = threading.Event()
    thread = threading.Thread(target=mirror.run, args=(stop,))
    thread.start()
    assert mirror.synced.wait(30)
    yield
    stop.set()
    api.create("configmaps", "default", config_map("wakes-the-watch", "x"))
    thread.join(30)
    assert not thread.is_alive()


def config_map(name: str, mode: str) -> dict[str, object]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"mode": mode}}


def test_what_comes_changes_and_goes_is_followed(
    followed: tuple[Mirror[str], list[tuple[str, str]]], api: Api, eventually: Eventually
) -> None:
    mirror, called = followed
    made = api.create("configmaps", "default", config_map("a", "run"))
    eventually(lambda: mirror.get(("default", "a")) == "run")
    api.patch("configmaps", "default", "a", {"data": {"mode": "pause"}})
    eventually(lambda: mirror.get(("default", "a")) == "pause")
    api.delete("configmaps", "default", "a", uid=made["metadata"]["uid"])
    eventually(lambda: mirror.get(("default", "a")) is None)
    assert called.count(("default", "a")) == 3


def test_of_what_changes_nothing_that_counts_only_those_hear_who_look(api: Api, eventually: Eventually) -> None:
    called: list[tuple[str, str]] = []
    heard: list[None] = []
    mirror = Mirror(
        api,
        "configmaps",
        "default",
        lambda item: item["data"]["mode"],
        called.append,
        essence=lambda mode: mode[0],
        heard=lambda: heard.append(None),
    )
    api.create("configmaps", "default", config_map("a", "run 1"))
    with following(mirror, api):
        called.clear()
        for mode in ("run 2", "run 3", "pause"):
            api.patch("configmaps", "default", "a", {"data": {"mode": mode}})
        eventually(lambda: len(heard) == 3)
        assert called == [("default", "a")]
        assert mirror.get(("default", "a")) == "pause"


class Line:
    """Answers one list, and each watch with what comes next: lines, or what breaks it."""

    def __init__(self, *watches: tuple[bytes | Exception, ...]) -> None:
        self.watches, self.asked = list(watches), list[dict[str, str]]()

    def request(self, _method: str, url: str, **_: object) -> "Line":
        query = dict(parse_qsl(urlsplit(url).query))
        self.asked.append(query)
        if "watch" in query:
            self._lines = list(self.watches.pop(0)) if self.watches else []
            if not self._lines:
                raise urllib3.exceptions.ReadTimeoutError(None, url, "no answer")
        return self

    status, headers = 200, MappingProxyType({})

    @property
    def data(self) -> bytes:
        return b'{"kind": "List", "metadata": {"resourceVersion": "7"}, "items": []}'

    def read1(self, _amount: int) -> bytes:
        line = self._lines.pop(0) if self._lines else b""
        if isinstance(line, Exception):
            raise line
        return line

    def close(self) -> None:
        """Nothing is open."""


BOOKMARK = b'{"type":"BOOKMARK","object":{"kind":"ConfigMap","metadata":{"resourceVersion":"9"}}}\n'
SILENCE = urllib3.exceptions.ReadTimeoutError(None, "", "Read timed out.")


def test_a_watch_that_falls_silent_is_begun_again_from_where_it_was_without_another_list() -> None:
    line = Line((BOOKMARK, SILENCE), (BOOKMARK,))
    mirror = Mirror(Api(Configuration(host="http://line"), line), "configmaps", "default", lambda _: "", lambda _: None)
    assert mirror.step() < 1
    assert (mirror.synced.is_set(), mirror.problem) == (True, "")
    mirror.step()
    assert [each.get("resourceVersion") for each in line.asked] == [None, "7", "9"]
    assert mirror.lists == 1


class Losing(Line):
    """A server whose one ConfigMap changes, and whose watches never say so."""

    changes = 0

    def request(self, method: str, url: str, **more: object) -> Line:
        self.watches = [(BOOKMARK,)]
        return super().request(method, url, **more)

    @property
    def data(self) -> bytes:
        item = {"metadata": {"namespace": "default", "name": "a", "resourceVersion": str(self.changes)}}
        return json.dumps({"metadata": {"resourceVersion": "7"}, "items": [item]}).encode()


def test_an_event_that_was_lost_is_made_up_for_by_the_next_list_and_only_what_differs_is_read_and_called_for() -> None:
    line, clock, called, read = Losing(), HandClock(), list[tuple[str, str]](), list[str]()

    def keep(item: Json) -> None:
        read.append(item["metadata"]["resourceVersion"])

    mirror = Mirror(
        Api(Configuration(host="http://line"), line),
        "configmaps",
        "default",
        keep,
        called.append,
        monotonic=clock.monotonic,
        draw=lambda: 1.0,
    )
    mirror.step()
    for change, lists in ((0, 2), (1, 3)):
        line.changes = change
        clock.advance(LIST_AFTER)  # with all of its jitter it is not long enough
        mirror.step()
        assert mirror.lists == lists - 1
        clock.advance(JITTER * LIST_AFTER)
        mirror.step()
        assert mirror.lists == lists
    assert (read, called) == (["0", "1"], [("default", "a")] * 2)


def test_a_server_that_does_not_answer_a_watch_at_all_is_a_problem() -> None:
    line = Line()
    mirror = Mirror(Api(Configuration(host="http://line"), line), "configmaps", "default", lambda _: "", lambda _: None)
    mirror.step()
    assert not mirror.synced.is_set()
    assert "the watch of configmaps at http://line broke" in mirror.problem


def test_what_changed_while_the_server_was_away_is_called_for(tmp_path: Path, eventually: Eventually) -> None:
    called: list[tuple[str, str]] = []
    with ExitStack() as ending:
        before = Kubernetes()
        before.start()
        api = client(before, tmp_path)
        api.create("configmaps", "default", config_map("goes", "run"))
        mirror = Mirror(api, "configmaps", "default", lambda item: item["data"]["mode"], called.append)
        stop = threading.Event()
        thread = threading.Thread(target=mirror.run, args=(stop,))
        thread.start()
        # From the last to the first: told to stop, and its watch ended with the server, the thread comes to its end.
        ending.callback(thread.join)
        servers = ending.enter_context(ExitStack())
        servers.callback(before.stop)
        ending.callback(stop.set)
        eventually(lambda: mirror.get(("default", "goes")) == "run")
        before.stop()
        eventually(lambda: mirror.problem)
        called.clear()
        port = int(before.url.rpartition(":")[2])
        after = servers.enter_context(Kubernetes(port=port, token=before.token))
        client(after, tmp_path).create("configmaps", "default", config_map("comes", "drain"))
        eventually(lambda: mirror.items() == [(("default", "comes"), "drain")])
    assert set(called) >= {("default", "comes"), ("default", "goes")}


def client(kubernetes: Kubernetes, folder: Path) -> Api:
    config = folder / "kubeconfig"
    config.write_text(kubernetes.kubeconfig())
    return Api.from_environment(str(config))
