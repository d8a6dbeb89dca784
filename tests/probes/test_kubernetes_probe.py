"""kubernetes: looks at a field of an object."""

from datetime import timedelta
from typing import Any

import pytest

from gate.errors import Permanent, Temporary
from gate.probes import kubernetes
from gate.running.ports import Answer, NoSample, Surroundings
from tests.probes.servers import surroundings as around


class Shelf:
    """A cluster that holds one object, or does not answer."""

    def __init__(self, found: dict[str, Any] | None, *, away: bool = False) -> None:
        self._found, self._away = found, away

    def get(self, resource: str, namespace: str, name: str) -> dict[str, Any] | None:
        if self._away:
            raise Temporary("the API server is away")
        return self._found

    def patch(self, resource: str, namespace: str, name: str, body: Any, *, subresource: str = "") -> dict[str, Any]:
        raise AssertionError("a probe changes nothing")

    def delete(self, resource: str, namespace: str, name: str, *, uid: str, grace: timedelta | None = None) -> bool:
        raise AssertionError("a probe changes nothing")


def surroundings(found: dict[str, Any] | None = None, *, away: bool = False) -> Surroundings:
    shelf: Any = Shelf(found, away=away)
    return around(shelf)


READY = {"status": {"readyReplicas": 2, "phase": "Active", "paused": True}}


@pytest.mark.parametrize(
    ("expect", "detail"),
    [
        ({"field": "status.readyReplicas", "atLeast": 2}, ""),
        ({"field": "status.readyReplicas", "atLeast": 3}, "status.readyReplicas is 2, less than 3"),
        ({"field": "status.missing", "atLeast": 0}, "status.missing is None, less than 0"),
        ({"field": "status.phase", "equals": "Active"}, ""),
        ({"field": "status.phase", "equals": "Gone"}, "status.phase is Active, not Gone"),
        ({"field": "status.paused", "equals": 1}, "status.paused is True, not 1"),
    ],
)
def test_a_field_of_an_object_is_compared(expect: dict[str, Any], detail: str) -> None:
    answer = kubernetes.prepare({"resource": "deployments", "name": "checkout"}, expect, surroundings(READY))()
    assert answer == Answer(ok=not detail, detail=detail, value=2 if "Replicas" in expect["field"] else None)


def test_an_object_that_is_gone_is_a_bad_answer() -> None:
    expect = {"field": "status.phase", "equals": "Active"}
    answer = kubernetes.prepare({"resource": "pods", "name": "x"}, expect, surroundings(None))()
    assert answer == Answer(ok=False, detail="there is no pods shop/x")


def test_an_api_server_that_is_away_says_nothing_about_the_service() -> None:
    expect = {"field": "status.phase", "equals": "Active"}
    answer = kubernetes.prepare({"resource": "pods", "name": "x"}, expect, surroundings(away=True))()
    assert answer == NoSample(why="the API server is away")


@pytest.mark.parametrize("expect", [{}, {"field": "a"}, {"field": "a", "equals": 1, "atLeast": 1}])
def test_an_expectation_that_says_nothing_is_refused(expect: dict[str, Any]) -> None:
    with pytest.raises(Permanent):
        kubernetes.prepare({"resource": "pods", "name": "x"}, expect, surroundings(READY))
