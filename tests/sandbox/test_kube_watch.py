"""A watch over HTTP tells every change once, in order, and says when it cannot."""

import json
from collections.abc import Iterator

import pytest
import requests
from kube_samples import Client, config_map, pod

from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS, PODS

PATH = "/api/v1/namespaces/default/configmaps"


@pytest.fixture
def kubernetes() -> Iterator[Kubernetes]:
    with Kubernetes(history=20) as running:
        yield running


@pytest.fixture
def client(kubernetes: Kubernetes) -> Iterator[Client]:
    made = Client(kubernetes.admin_url)
    yield made
    made.close()


def told(events: list[dict[str, object]]) -> list[tuple[str, str]]:
    return [(event["type"], event["object"]["metadata"].get("name")) for event in events]


def test_a_watch_from_a_list_tells_what_came_after_it(kubernetes: Kubernetes, client: Client) -> None:
    store = kubernetes.store
    store.create(CONFIG_MAPS, config_map("before"))
    version = client.get(PATH)["metadata"]["resourceVersion"]
    store.create(CONFIG_MAPS, config_map("a"))
    store.update(CONFIG_MAPS, config_map("a", x="1"))
    store.delete(CONFIG_MAPS, "default", "a")
    events = list(client.watch(PATH, resourceVersion=version, timeoutSeconds=1))
    assert told(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    versions = [int(event["object"]["metadata"]["resourceVersion"]) for event in events]
    assert versions == sorted(set(versions))


def test_a_watch_from_nowhere_begins_with_what_is_there(kubernetes: Kubernetes, client: Client) -> None:
    kubernetes.store.create(CONFIG_MAPS, config_map("a"))
    assert told(list(client.watch(PATH, timeoutSeconds=1))) == [("ADDED", "a")]


def test_an_object_enters_and_leaves_a_watch_with_its_labels(kubernetes: Kubernetes, client: Client) -> None:
    store = kubernetes.store
    version = str(store.revision)
    store.create(PODS, pod("a"))
    store.update(PODS, pod("a", {"app": "web"}))
    store.update(PODS, pod("a", {"app": "web", "more": "labels"}))
    store.update(PODS, pod("a", {"app": "db"}))
    left = str(store.revision)
    store.delete(PODS, "default", "a")
    query = {"resourceVersion": version, "labelSelector": "app=web", "timeoutSeconds": 1}
    events = list(client.watch("/api/v1/pods", **query))
    assert told(events) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
    assert events[-1]["object"]["metadata"]["labels"]["app"] == "web", "its last state in the watch"
    assert events[-1]["object"]["metadata"]["resourceVersion"] == left


def test_a_watch_from_too_long_ago_ends_with_an_error_event(kubernetes: Kubernetes, client: Client) -> None:
    version = str(kubernetes.store.revision)
    for number in range(30):
        kubernetes.store.create(CONFIG_MAPS, config_map(f"c{number}"))
    (event,) = client.watch(PATH, resourceVersion=version, timeoutSeconds=5)
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"].startswith(f"too old resource version: {version} (")


def test_an_exact_list_from_too_long_ago_is_gone(kubernetes: Kubernetes, client: Client) -> None:
    version = str(kubernetes.store.revision)
    for number in range(30):
        kubernetes.store.create(CONFIG_MAPS, config_map(f"c{number}"))
    answer = client.ask("GET", PATH, resourceVersion=version, resourceVersionMatch="Exact")
    assert answer.status_code == 410


def test_bookmarks_carry_a_quiet_watch_along(kubernetes: Kubernetes, client: Client) -> None:
    version = str(kubernetes.store.revision)
    kubernetes.store.create(PODS, pod("elsewhere"))
    query = {"resourceVersion": version, "allowWatchBookmarks": "true", "timeoutSeconds": 1}
    events = list(client.watch(PATH, **query))
    assert {event["type"] for event in events} == {"BOOKMARK"}
    last = events[-1]["object"]
    assert (last["kind"], last["metadata"]["resourceVersion"]) == ("ConfigMap", str(kubernetes.store.revision))


def test_initial_events_end_with_a_marked_bookmark(kubernetes: Kubernetes, client: Client) -> None:
    kubernetes.store.create(CONFIG_MAPS, config_map("a"))
    query = {"sendInitialEvents": "true", "resourceVersionMatch": "NotOlderThan", "allowWatchBookmarks": "true"}
    events = list(client.watch(PATH, **query, timeoutSeconds=1))
    assert told(events)[0] == ("ADDED", "a")
    assert events[1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}


def test_a_change_reaches_an_open_watch_at_once(kubernetes: Kubernetes) -> None:
    with requests.get(f"{kubernetes.admin_url}{PATH}", params={"watch": "1"}, stream=True, timeout=10) as stream:
        kubernetes.store.create(CONFIG_MAPS, config_map("a"))
        assert told([json.loads(next(stream.iter_lines()))]) == [("ADDED", "a")]


def test_stopping_the_server_ends_its_watches() -> None:
    with Kubernetes() as kubernetes:
        stream = requests.get(f"{kubernetes.admin_url}{PATH}", params={"watch": "1"}, stream=True, timeout=10)
    assert list(stream.iter_lines()) == []
    stream.close()


def test_a_table_watch_names_its_columns_once(kubernetes: Kubernetes) -> None:
    for name in ("a", "b"):
        kubernetes.store.create(CONFIG_MAPS, config_map(name))
    headers = {"Accept": "application/json;as=Table;v=v1;g=meta.k8s.io"}
    query = {"watch": "1", "timeoutSeconds": "1"}
    answer = requests.get(f"{kubernetes.admin_url}{PATH}", params=query, headers=headers, timeout=10)
    tables = [json.loads(line)["object"] for line in answer.iter_lines()]
    assert [table["rows"][0]["cells"][0] for table in tables] == ["a", "b"]
    assert [bool(table["columnDefinitions"]) for table in tables] == [True, False]
