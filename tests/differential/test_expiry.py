"""Versions that are forgotten: how a watch, a list and its next page say 410; both grounds say the same.

The real control plane compacts each second, and keeps no cache of Leases, so that they are read from etcd; the sandbox
keeps only the newest changes. Answered with 410 itself are lists; a watch of this Kubernetes begins with 200 and ends
with an ERROR event, whether its cache or etcd has forgotten. That it is answered with 410 before it begins, as by older
servers, is a fault to be ordered: `test_a_watch_that_begins_with_410`.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gate.cluster.api import Api
from gate.cluster.said import Expired
from gate.sandbox.kubernetes.faults.port import Fault
from tests import grounds
from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.samples import run
from tests.differential.words import DEFINITIONS, LEASES, NAMESPACES, RUNS, TABLE, Collection

KEPT = 20
"""Changes that the sandbox remembers."""
COMPACTING = ("--etcd-compaction-interval=1s", "--watch-cache-sizes=leases.coordination.k8s.io#0")

OF_A_STREAM = ("0.type", "0.object.kind", "0.object.status", "0.object.code", "0.object.reason", "1")
"""Of an ERROR that ends a watch. Where there is no cache the sentence is another one."""


@pytest.fixture(scope="module")
def forgetful(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    place = tmp_path_factory.mktemp("forgetful")
    with (
        grounds.sandbox(place, history=KEPT) as (sandbox, _),
        grounds.control_plane(place, nodes=1, arguments=COMPACTING) as (real, _),
    ):
        yield Pair(sandbox, real)


def changes(kind: Collection, name: str) -> tuple[Ask, ...]:
    """More of them than the sandbox remembers."""
    labels = [{"metadata": {"labels": {"turn": str(turn)}}} for turn in range(KEPT + 5)]
    return tuple(kind.patch(each, name).show("code") for each in labels)


def rest(kind: Collection, token: str, **query: str) -> Ask:
    return kind.get(**{"continue": f"${{{token}:metadata.continue}}", **query})


NAME = "${ns}.example.com"
THING = {
    "group": "example.com",
    "scope": "Namespaced",
    "names": {"plural": "${ns}", "kind": "Thing", "listKind": "ThingList"},
    "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}],
}
THINGS = Collection("example.com/v1", "${ns}", "Thing")

SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "the next page": (
        *(LEASES.create(LEASES.object(name)) for name in "abcd"),
        LEASES.get(limit="2").keep("page"),
        LEASES.delete("c"),
        LEASES.create(LEASES.object("e")),
        *changes(LEASES, "d"),
        rest(LEASES, "page", limit="2").until(code=410).keep("gone"),
        rest(LEASES, "page"),
        rest(LEASES, "page").accepting(TABLE),
        rest(LEASES, "gone"),
        rest(LEASES, "gone").accepting(TABLE),
        rest(LEASES, "gone", limit="1").keep("consistent"),
        LEASES.create(LEASES.object("f")),
        rest(LEASES, "consistent", limit="1"),
        rest(LEASES, "gone"),
        rest(LEASES, "gone", resourceVersion="${page:metadata.resourceVersion}"),
        rest(LEASES, "gone", labelSelector="turn"),
    ),
    "versions of lists": (
        LEASES.create(LEASES.object("a")),
        LEASES.get().keep("all"),
        LEASES.get("a").keep("a"),
        *changes(LEASES, "a"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", resourceVersionMatch="Exact").until(code=410),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", limit="1"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", resourceVersionMatch="NotOlderThan"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}"),
        LEASES.get("a", resourceVersion="${a:metadata.resourceVersion}"),
        LEASES.patch({"metadata": {"resourceVersion": "${a:metadata.resourceVersion}"}}, "a"),
    ),
    "a watch": (
        LEASES.create(LEASES.object("a")),
        LEASES.get().keep("all"),
        *changes(LEASES, "a"),
        LEASES.get(resourceVersion="${all:metadata.resourceVersion}", resourceVersionMatch="Exact").until(code=410),
        LEASES.watch("${all:metadata.resourceVersion}").show(*OF_A_STREAM),
        LEASES.watch("${all:metadata.resourceVersion}", labelSelector="x=y", timeoutSeconds="5").show(*OF_A_STREAM),
        LEASES.watch("${all:metadata.resourceVersion}", allowWatchBookmarks="true").show(*OF_A_STREAM),
    ),
    "a watch that begins anew": (
        LEASES.create(LEASES.object("a")).keep("a"),
        *changes(LEASES, "a"),
        LEASES.watch(
            "${a:metadata.resourceVersion}",
            sendInitialEvents="true",
            resourceVersionMatch="NotOlderThan",
            allowWatchBookmarks="true",
            timeoutSeconds="1",
        ),
    ),
    "a watch that asks a cache": (
        NAMESPACES.get("${ns}").keep("before"),
        RUNS.create(run()),
        *changes(RUNS, "r"),
        DEFINITIONS.create(DEFINITIONS.object(NAME, spec=THING)).show("code"),
        THINGS.get().until(code=200),
        THINGS.watch("${before:metadata.resourceVersion}"),
        THINGS.watch("${before:metadata.resourceVersion}").accepting(TABLE),
        DEFINITIONS.delete(NAME).show("code"),
    ),
    "the next page of a custom resource": (
        *(RUNS.create(run(name)) for name in "abc"),
        RUNS.get(limit="1").keep("page"),
        RUNS.delete("b"),
        *changes(RUNS, "c"),
        rest(RUNS, "page", limit="1").until(code=410).keep("gone"),
        rest(RUNS, "gone", limit="1").accepting(TABLE),
    ),
}


@pytest.mark.cluster
@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_what_is_forgotten(forgetful: Pair, script: tuple[Ask, ...]) -> None:
    forgetful.agree_on(*script)


def test_a_watch_that_begins_with_410(tmp_path: Path) -> None:
    with grounds.sandbox(tmp_path, images=None, faults=lambda _: Fault(status=410)) as (sandbox, _):
        answer = sandbox.ask("GET", "/api/v1/configmaps", params={"watch": "1"})
        assert (answer.status_code, answer.json()["code"], answer.json()["reason"]) == (410, 410, "Expired")
        with pytest.raises(Expired):
            _watch(sandbox.api, "1")


def test_a_watch_that_ends_with_an_event_410(tmp_path: Path) -> None:
    with grounds.sandbox(tmp_path, images=None) as (sandbox, running):
        running.store.forget()
        answer = sandbox.ask("GET", "/api/v1/configmaps", params={"watch": "1", "resourceVersion": "1"})
        assert answer.status_code == 200
        assert (answer.json()["type"], answer.json()["object"]["code"]) == ("ERROR", 410)
        with pytest.raises(Expired):
            _watch(sandbox.api, "1")


def _watch(api: Api, since: str) -> list[object]:
    return list(api.watch("configmaps", "default", since, lasting=timedelta(seconds=5)))
