"""Watches: what they begin with, what they show, how they end; both grounds say the same."""

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.samples import run
from tests.differential.words import LEASES, PARTIAL, RUNS, TABLE

pytestmark = pytest.mark.cluster


def labelled(name: str, **labels: str) -> dict[str, object]:
    return LEASES.object(name, metadata={"labels": labels})


HISTORY = (
    LEASES.create(labelled("zero")),
    LEASES.get().keep("start"),
    LEASES.create(labelled("a", app="shop")),
    LEASES.create(labelled("b", app="other")),
    LEASES.patch({"spec": {"holderIdentity": "me"}}, "a"),
    LEASES.patch({"metadata": {"labels": {"app": "shop"}}}, "b"),
    LEASES.patch({"metadata": {"labels": {"app": "other"}}}, "a"),
    LEASES.patch({"metadata": {"finalizers": ["x.y/z"]}}, "b"),
    LEASES.delete("b"),
    LEASES.patch({"metadata": {"finalizers": None}}, "b"),
    LEASES.delete("a"),
)
SINCE = "${start:metadata.resourceVersion}"
BOOKMARK_AFTER_THREE = {"3__type": "BOOKMARK"}
"""The real server promises none at the end of a watch, and now and then there is none: then it is asked again."""

SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "history": (*HISTORY, LEASES.watch(SINCE).take(8), LEASES.watch(SINCE, fieldSelector="metadata.name=a").take(4)),
    "history through a selector": (
        *HISTORY,
        LEASES.watch(SINCE, labelSelector="app=shop").take(7),
        LEASES.watch(SINCE, labelSelector="app=other").take(4),
        LEASES.watch(SINCE, labelSelector="app=none", timeoutSeconds="1"),
    ),
    "the rest of a history": (
        *HISTORY[:4],
        LEASES.get("b").keep("b"),
        *HISTORY[4:],
        LEASES.watch("${b:metadata.resourceVersion}").take(6),
    ),
    "from nowhere": (
        *HISTORY[:4],
        LEASES.watch(timeoutSeconds="1"),
        LEASES.watch("0", timeoutSeconds="1", labelSelector="app=shop"),
    ),
    "one object": (
        *HISTORY[:5],
        Ask(method="GET", path=LEASES.path("a"), query={"watch": "true", "timeoutSeconds": "1"}),
        LEASES.watch(SINCE, fieldSelector="metadata.name=a", timeoutSeconds="1"),
        LEASES.watch(SINCE, fieldSelector="metadata.nonsense=a", timeoutSeconds="1"),
    ),
    "bookmarks": (
        *HISTORY[:5],
        LEASES.watch(SINCE, allowWatchBookmarks="true", timeoutSeconds="5").until(**BOOKMARK_AFTER_THREE),
    ),
    "initial events": (
        *HISTORY[:4],
        LEASES.watch(
            sendInitialEvents="true",
            resourceVersionMatch="NotOlderThan",
            allowWatchBookmarks="true",
            timeoutSeconds="1",
        ),
        LEASES.watch(sendInitialEvents="true", resourceVersionMatch="NotOlderThan", timeoutSeconds="1"),
        LEASES.watch(sendInitialEvents="true", allowWatchBookmarks="true", timeoutSeconds="1"),
        LEASES.watch(sendInitialEvents="false", resourceVersionMatch="NotOlderThan", timeoutSeconds="1"),
        LEASES.watch(SINCE, resourceVersionMatch="NotOlderThan", timeoutSeconds="1"),
        LEASES.get(sendInitialEvents="true"),
    ),
    "versions that cannot be": (
        LEASES.watch("nonsense", timeoutSeconds="1"),
        LEASES.watch("-1", timeoutSeconds="1"),
        LEASES.watch(timeoutSeconds="text"),
        LEASES.watch(labelSelector="bad=(", timeoutSeconds="1"),
        LEASES.watch(fieldSelector="nonsense=1", timeoutSeconds="1"),
    ),
    "custom resources": (
        RUNS.create(run("zero")),
        RUNS.get().keep("start"),
        RUNS.create(run()),
        RUNS.patch({"status": {"phase": "Running"}}, "r", "status"),
        RUNS.delete("r"),
        RUNS.watch(SINCE).take(3),
        RUNS.watch(SINCE, allowWatchBookmarks="true", timeoutSeconds="5").until(**BOOKMARK_AFTER_THREE),
    ),
    "tables": (
        *HISTORY[:5],
        LEASES.watch(SINCE).accepting(TABLE).take(3),
        LEASES.watch(SINCE).accepting(PARTIAL).take(3),
    ),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_watching(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
