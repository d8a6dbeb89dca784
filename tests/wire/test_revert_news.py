"""What could not be taken back is told as an event of its run, with a count, until it was."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gate.cluster.events import Events
from gate.model import Run
from gate.running.time import SystemClock
from gate.wire.ties import RevertNews
from tests.grounds import Ground
from tests.runs import REFUSED, created, left_behind


def told(cluster: Ground, run: Run) -> dict[str, dict[str, Any]]:
    """By reason, what is told of the run."""
    return {
        event["reason"]: event
        for event in cluster.api.list("events", run.namespace)[0]
        if event["involvedObject"]["uid"] == run.uid
    }


def news(cluster: Ground) -> Callable[..., None]:
    return RevertNews(Events(cluster.api, SystemClock().now))


def test_each_failed_attempt_counts_and_the_one_that_works_is_told_too(cluster: Ground, namespace: str) -> None:
    run, tell = left_behind(cluster.api, namespace), news(cluster)
    tell(run, run.status)
    tell(run, run.status)
    event = told(cluster, run)["RevertFailed"]
    assert (event["type"], event["count"]) == ("Warning", 2)
    assert REFUSED in event["message"]
    assert f"chaos-gate override --reverted-by-hand {namespace}/left" in event["message"]
    undo = tuple(replace(each, reverted=run.created) for each in run.status.evidence.undo)
    tell(run, replace(run.status, evidence=replace(run.status.evidence, undo=undo)))
    assert told(cluster, run)["Reverted"]["type"] == "Normal"


def test_of_a_run_that_has_nothing_left_nothing_is_told(cluster: Ground, namespace: str) -> None:
    run = created(cluster.api, namespace, "waits")
    news(cluster)(run, run.status)
    assert told(cluster, run) == {}


def test_an_event_that_cannot_be_written_ends_nothing(cluster: Ground, namespace: str) -> None:
    run = left_behind(cluster.api, namespace)
    news(cluster)(replace(run, namespace="there-is-no-such-namespace"), run.status)
    assert told(cluster, run) == {}
