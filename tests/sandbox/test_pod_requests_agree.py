"""What both API servers refuse of a request for a log or a command, before any kubelet hears of it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from tests import grounds
from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.samples import pod
from tests.differential.words import PODS, SERVICES
from tests.grounds import IMAGES, Ground

pytestmark = pytest.mark.cluster

STREAMS = {"stdout": "true", "stderr": "true"}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, real: Ground) -> Iterator[Pair]:
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (sandbox, _):
        yield Pair(sandbox, real)


def _pod(name: str, *containers: str, first: str = "") -> Ask:
    """Create a pod with these containers, and `first` before them."""
    boxes: dict[str, Any] = {"containers": [{"name": each, "image": IMAGES[0]} for each in containers]}
    if first:
        boxes["initContainers"] = [{"name": first, "image": IMAGES[0]}]
    return PODS.create(pod(name, spec=boxes)).show("metadata.name")


def _log(name: str, **query: str) -> Ask:
    return PODS.get(name, "log", **query)


def _run(name: str, *words: str, method: str = "POST", **query: str) -> Ask:
    asked = urlencode([("command", word) for word in words] + list(query.items()))
    return Ask(method=method, path=f"{PODS.path(name, 'exec')}?{asked}")


THREE = (_pod("one", "a"), _pod("two", "a", "b"), _pod("three", "a", "b", first="i"))


def test_it_has_to_be_clear_which_container_is_meant(pair: Pair) -> None:
    pair.agree_on(
        *THREE,
        *(_log(name, container=container) for name in ("two", "three") for container in ("", "c")),
        _log("none"),
        _log("none", container="a"),
        _log("one", container="c"),
        _log("two", container="c", follow="true", previous="true"),
        *(_run(name, "true", **STREAMS) for name in ("none", "two", "three")),
        *(_run(name, "true", container="c", **STREAMS) for name in ("none", "one", "two", "three")),
        _run("two", "true", method="GET", **STREAMS),
        _run("one", "true", method="GET", container="c", **STREAMS),
    )


def test_the_container_is_chosen_before_the_command_is_looked_at(pair: Pair) -> None:
    pair.agree_on(
        *THREE,
        _run("two"),
        _run("two", **STREAMS),
        _run("two", "true"),
        _run("two", "true", tty="true", **STREAMS),
        _run("one", "true", container="c", stdout="maybe"),
        _run("none"),
    )


@pytest.mark.parametrize(
    "options",
    [
        {"tailLines": "-1"},
        {"tailLines": "x"},
        {"tailLines": ""},
        {"tailLines": "1_0"},
        {"tailLines": "99999999999999999999"},
        {"limitBytes": "0"},
        {"limitBytes": "-1"},
        {"limitBytes": "1.5"},
        {"sinceSeconds": "0"},
        {"sinceSeconds": "-1"},
        {"sinceSeconds": "1", "sinceTime": "2026-01-01T00:00:00Z"},
        {"sinceSeconds": "0", "sinceTime": ""},
        {"stream": "Stdout"},
        {"stream": ""},
        {"stream": "All", "limitBytes": "0", "tailLines": "-1"},
    ],
    ids=urlencode,
)
def test_options_of_a_log_are_judged_before_the_pod_is_looked_for(pair: Pair, options: dict[str, str]) -> None:
    pair.agree_on(
        _pod("one", "a"), _log("one", **options), _log("one", container="c", **options), _log("no", **options)
    )


@pytest.mark.parametrize(
    "moment", ["yesterday", "2026-01-01", "2026-01-01 00:00:00Z", "2026-01-01T00:00:00", "20260101"]
)
def test_what_is_no_moment_is_refused(pair: Pair, moment: str) -> None:
    pair.agree_on(_pod("one", "a"), _log("one", sinceTime=moment).roughly(), _log("no", sinceTime=moment).roughly())


@pytest.mark.parametrize(
    "options",
    [
        {"sinceTime": ""},
        {"sinceTime": "2026-01-01T00:00:00.5Z"},
        {"sinceTime": "2026-01-01T00:00:00+01:00"},
        {"tailLines": "+1"},
        {"follow": "maybe", "timestamps": "", "previous": "no"},
        {"nonsense": "1"},
    ],
    ids=urlencode,
)
def test_what_looks_odd_and_is_fine_gets_as_far_as_to_the_containers(pair: Pair, options: dict[str, str]) -> None:
    pair.agree_on(_pod("one", "a"), _log("one", container="c", **options))


def test_a_log_is_only_read_and_a_command_only_run(pair: Pair) -> None:
    methods = ("POST", "PUT", "PATCH", "DELETE")
    pair.agree_on(
        _pod("one", "a"),
        *(Ask(method=method, path=PODS.path("one", "log"), body={}) for method in methods),
        *(Ask(method=method, path=PODS.path("one", "exec"), body={}) for method in methods[1:]),
        PODS.get("one", "log", "more"),
        SERVICES.get("one", "log"),
        SERVICES.get("one", "exec"),
        Ask(method="GET", path="/api/v1/pods/one/log"),
        Ask(method="POST", path="/api/v1/pods/one/exec"),
        Ask(method="GET", path="/api/v1/namespaces/nowhere/pods/one/log"),
    )


def test_whoever_lacks_the_right_hears_that_first(pair: Pair) -> None:
    pair.agree_on(
        _pod("two", "a", "b"),
        *(_log(name, tailLines="-1").by("jane") for name in ("two", "none")),
        *(_run(name, method=method).by("jane") for name in ("two", "none") for method in ("GET", "POST")),
    )


@pytest.mark.parametrize("word", ["maybe", "", "0", "False", "T"])
def test_a_flag_is_a_yes_unless_it_is_plainly_a_no(pair: Pair, word: str) -> None:
    query = {"watch": word, "timeoutSeconds": "1", "fieldSelector": "metadata.name=nobody"}
    path = "/api/v1/namespaces/default/pods"
    ours, theirs = (ground.ask("GET", path, params=query).text for ground in (pair.sandbox, pair.real))
    assert bool(ours) is bool(theirs)  # a list says that it is empty, a watch says nothing
