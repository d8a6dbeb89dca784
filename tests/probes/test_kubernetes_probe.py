"""kubernetes: what an object has to be, how many there have to be, and when nobody can say."""

import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Denied, Permanent, Temporary
from gate.probes import kubernetes
from gate.probes.recent import Recent
from gate.running.ports import Answer, Asker, NoSample
from tests.clocks import HandClock
from tests.probes.servers import Nothing, surroundings

Json = dict[str, Any]


class Shelf(Nothing):
    """A cluster that holds these objects, whatever it is asked for."""

    def __init__(self, *found: Json) -> None:
        self.found = list(found)

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        return next((each for each in self.found if each["metadata"]["name"] == name), None)

    def list(self, resource: str, namespace: str = "", *, labels: str = "") -> tuple[Sequence[Json], str]:
        return self.found, "1"


class Away(Shelf):
    """A cluster that does not tell."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        raise self._error

    def list(self, resource: str, namespace: str = "", *, labels: str = "") -> tuple[Sequence[Json], str]:
        raise self._error


def probe(cluster: Any, expect: Json, **settings: Any) -> Asker:
    return kubernetes.prepare({"resource": "pods", **settings}, expect, surroundings(cluster))


def bad(detail: str, value: float | None = None) -> Answer:
    return Answer(ok=False, detail=detail, value=value)


def pod(name: str, *, ready: str = "True", reason: str = "", **metadata: Any) -> Json:
    conditions = [{"type": "Ready", "status": ready, **({"reason": reason} if reason else {})}]
    return {
        "metadata": {"name": name, "uid": name, **metadata},
        "status": {"conditions": conditions, "phase": "Running"},
    }


SHOP = {
    "metadata": {"name": "checkout", "labels": {"app.kubernetes.io/version": "1.2"}},
    "status": {"readyReplicas": 2, "phase": "Active", "paused": True},
}


@pytest.mark.parametrize(
    ("expect", "detail"),
    [
        ({"field": "status.readyReplicas", "atLeast": 2}, ""),
        ({"field": "status.readyReplicas", "atLeast": 2, "atMost": 2}, ""),
        ({"field": "status.readyReplicas", "atLeast": 3}, "status.readyReplicas is 2, less than 3"),
        ({"field": "status.missing", "atLeast": 0}, "status.missing is not there"),
        ({"field": "status.phase", "equals": "Active"}, ""),
        ({"field": "status.phase", "matches": "^Act"}, ""),
        ({"field": "status.phase", "equals": "Gone"}, "status.phase is Active, not Gone"),
        ({"field": "status.paused", "equals": 1}, "status.paused is true, not 1"),
        ({"field": "metadata.labels['app.kubernetes.io/version']", "equals": "1.2"}, ""),
    ],
)
def test_a_field_of_an_object_is_compared(expect: Json, detail: str) -> None:
    answer = probe(Shelf(SHOP), expect, resource="deployments", name="checkout")()
    number = 2 if "Replicas" in expect["field"] else None
    assert answer == Answer(ok=not detail, detail=detail and f"deployment checkout: {detail}", value=number)


@pytest.mark.parametrize(
    ("condition", "detail"),
    [
        ("Ready", ""),
        ({"type": "Ready"}, ""),
        ({"type": "Ready", "status": "False"}, "the condition Ready is True (AllWell)"),
        ({"type": "Ready", "reason": "^All"}, ""),
        ({"type": "Ready", "reason": "Ill"}, "the condition Ready is True (AllWell)"),
        ("Scheduled", "the condition Scheduled is not there"),
    ],
)
def test_a_condition_of_an_object_is_looked_for(condition: Any, detail: str) -> None:
    answer = probe(Shelf(pod("a", reason="AllWell")), {"condition": condition}, name="a")()
    assert answer == Answer(ok=not detail, detail=detail and f"pod a: {detail}")


def test_an_object_that_has_no_status_yet_is_a_bad_answer() -> None:
    answer = probe(Shelf({"metadata": {"name": "a"}}), {"condition": "Ready"}, name="a")()
    assert answer == bad("pod a: the condition Ready is not there")


def test_what_is_expected_must_hold_for_all_that_are_meant() -> None:
    all_but_one = Shelf(pod("a"), pod("b", ready="False", reason="Starting"))
    assert probe(all_but_one, {"condition": "Ready"})() == bad("pod b: the condition Ready is False (Starting)")
    assert probe(Shelf(pod("a"), pod("b")), {"condition": "Ready"})() == Answer(ok=True)


def test_where_there_is_nothing_nothing_holds() -> None:
    assert probe(Shelf(), {"condition": "Ready"})() == bad("there is no pod that is meant in shop")
    assert probe(Shelf(), {"condition": "Ready"}, name="x")() == bad("there is no pod x in shop")


def test_objects_are_counted() -> None:
    shelf = Shelf(pod("a"), pod("b"), pod("c", ready="False", reason="Starting"))
    assert probe(shelf, {"count": {"atLeast": 3}})() == Answer(ok=True, value=3)
    assert probe(shelf, {"condition": "Ready", "count": {"atLeast": 2, "atMost": 2}})() == Answer(ok=True, value=2)
    assert probe(shelf, {"condition": "Ready", "count": {"atLeast": 3}})() == bad(
        "their number is 2, less than 3: the condition Ready is False (Starting)", value=2
    )
    assert probe(shelf, {"count": {"atMost": 2}})() == bad("their number is 3, more than 2", value=3)
    assert probe(Shelf(), {"count": {"atMost": 2}})() == Answer(ok=True, value=0)


def test_what_is_about_to_go_is_not_counted() -> None:
    shelf = Shelf(pod("a"), pod("b", deletionTimestamp="2026-11-21T12:00:00Z"))
    assert probe(shelf, {"condition": "Ready", "count": {"atLeast": 2}})() == bad(
        "their number is 1, less than 2", value=1
    )


def test_objects_are_meant_by_what_holds_for_them() -> None:
    where = [{"field": "metadata.name", "matches": "^web-"}]
    shelf = Shelf(pod("web-1"), pod("other-1", ready="False"))
    assert probe(shelf, {"condition": "Ready"}, where=where)() == Answer(ok=True)
    assert probe(shelf, {"count": {"atLeast": 2}}, where=where)() == bad("their number is 1, less than 2", value=1)


@given(st.lists(st.booleans(), max_size=8), st.integers(0, 8))
def test_a_pod_that_is_no_longer_ready_never_makes_enough_of_too_few(ready: list[bool], least: int) -> None:
    def answer(states: list[bool]) -> Answer | NoSample:
        pods = [pod(str(number), ready=str(state)) for number, state in enumerate(states)]
        return probe(Shelf(*pods), {"condition": "Ready", "count": {"atLeast": least}})()

    before = answer(ready)
    assert isinstance(before, Answer)
    assert before.ok == (sum(ready) >= least)
    if True in ready:
        ready[ready.index(True)] = False
        after = answer(ready)
        assert isinstance(after, Answer)
        assert after.ok <= before.ok


@pytest.mark.parametrize("settings", [{"name": "a"}, {}])
@pytest.mark.parametrize("error", [Temporary("the API server is away"), Denied("403; grant it in the gate's role")])
def test_an_api_server_that_does_not_tell_says_nothing_about_the_service(settings: Json, error: Exception) -> None:
    assert probe(Away(error), {"count": {"atMost": 5}}, **settings)() == NoSample(why=str(error))


def test_an_api_server_that_never_answers_says_nothing_about_the_service_and_holds_nobody_up() -> None:
    never = threading.Event()

    class Silent(Shelf):
        def list(self, resource: str, namespace: str = "", *, labels: str = "") -> tuple[Sequence[Json], str]:
            never.wait(20)
            return [], "1"

    began = time.monotonic()
    answer = probe(Silent(), {"count": {"atMost": 5}}, timeout="100ms")()
    took = time.monotonic() - began
    never.set()
    assert answer == NoSample(why="the question for pods to the Kubernetes API did not end within 100ms")
    assert took < 4


@pytest.mark.parametrize(
    ("settings", "expect"),
    [
        ({}, {}),
        ({}, {"field": "a"}),
        ({}, {"field": "a", "equals": 1, "atLeast": 1}),
        ({}, {"field": "a..b", "equals": 1}),
        ({}, {"atLeast": 1}),
        ({}, {"equals": 1, "count": {"atLeast": 1}}),
        ({}, {"count": {}}),
        ({}, {"count": {"atLeast": 2, "atMost": 1}}),
        ({}, {"condition": ""}),
        ({}, {"condition": {"type": "Ready", "status": "true"}}),
        ({"name": "a", "labels": {"a": "b"}}, {"condition": "Ready"}),
        ({"within": "1s"}, {"condition": "Ready"}),
        ({"resource": "secrets"}, {"condition": "Ready"}),
        ({"where": [{"field": "a"}]}, {"condition": "Ready"}),
        ({"timeout": "0s"}, {"condition": "Ready"}),
    ],
)
def test_a_block_that_says_nothing_or_two_things_is_refused(settings: Json, expect: Json) -> None:
    with pytest.raises(Permanent, match="the kubernetes probe cannot be asked"):
        probe(Shelf(), expect, **settings)


@pytest.mark.parametrize(
    ("expect", "number"),
    [
        ({"count": {"atLeast": 1}}, True),
        ({"field": "a", "atLeast": 1}, True),
        ({"field": "a", "equals": 1}, True),
        ({"field": "a", "equals": True}, False),
        ({"field": "a", "matches": "1"}, False),
        ({"condition": "Ready"}, False),
    ],
)
def test_only_what_is_compared_as_a_number_gives_one(expect: Json, number: bool) -> None:
    assert kubernetes.Expect.model_validate(expect).gives_number is number


# -------------------------------------------------------------------------------------------------------------- events


def event(name: str, count: int | None = 1, series: int | None = None) -> Json:
    return {"metadata": {"name": name, "uid": name}, "count": count, "series": series and {"count": series}}


def names(events: Sequence[Json]) -> list[str]:
    return [each["metadata"]["name"] for each in events]


def test_only_events_that_came_since_the_first_question_are_new() -> None:
    recent = Recent(HandClock(), None)
    assert names(recent.among([event("old")])) == []
    assert names(recent.among([event("old"), event("new")])) == ["new"]
    assert names(recent.among([event("old"), event("new")])) == ["new"]
    assert names(recent.among([event("old", count=2), event("new")])) == ["old", "new"]
    assert names(recent.among([event("old", count=2, series=3)])) == ["old"]
    assert names(recent.among([])) == []


def test_events_are_forgotten_when_they_came_too_long_ago_unless_they_come_again() -> None:
    clock = HandClock()
    recent = Recent(clock, timedelta(seconds=5))
    recent.among([])
    assert names(recent.among([event("a")])) == ["a"]
    clock.advance(timedelta(seconds=5))
    assert names(recent.among([event("a"), event("b")])) == ["a", "b"]
    clock.advance(timedelta(seconds=1))
    assert names(recent.among([event("a"), event("b")])) == ["b"]
    assert names(recent.among([event("a", count=2), event("b")])) == ["a", "b"]


def test_a_clock_that_is_set_changes_nothing_about_events() -> None:
    clock = HandClock()
    recent = Recent(clock, timedelta(seconds=5))
    recent.among([])
    recent.among([event("a")])
    clock.jump(timedelta(days=-400))
    assert names(recent.among([event("a")])) == ["a"]
    clock.jump(timedelta(days=800))
    assert names(recent.among([event("a")])) == ["a"]


def test_a_bad_event_is_a_bad_answer_from_when_it_comes() -> None:
    shelf = Shelf(event("before"))
    where = [{"field": "metadata.name", "matches": "."}]
    ask = probe(shelf, {"count": {"atMost": 0}}, resource="events", where=where)
    assert ask() == Answer(ok=True, value=0)
    shelf.found.append(event("oom"))
    assert ask() == bad("their number is 1, more than 0", value=1)
