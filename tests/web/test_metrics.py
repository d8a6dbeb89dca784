"""What Prometheus reads."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import requests
from prometheus_client.parser import text_string_to_metric_families

from gate.model import Evidence, Run, RunPhase, RunStatus, Verdict
from gate.web.views import Token, Watch
from tests.clocks import START
from tests.runs import spec, unreverted
from tests.web.conftest import Known
from tests.web.test_app import gate

DEPLOYMENTS = Watch(resource="deployments", namespace="", lists=3, lag=timedelta(seconds=1.5))


def samples(address: str) -> dict[tuple[str, str], float]:
    answer = requests.get(f"{address}/metrics", timeout=5)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (
            sample.name,
            next(sample.labels[label] for label in ("resource", "phase", "run", "gitlab") if label in sample.labels),
        ): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_it_says_how_often_each_resource_was_listed_and_since_when_it_is_silent(
    known: Known, served: Callable[[], str]
) -> None:
    known.all_watches = [DEPLOYMENTS, replace(DEPLOYMENTS, resource="chaosruns", lag=None)]
    found = samples(served())
    assert found["chaos_gate_lists_total", "deployments"] == 3
    assert found["chaos_gate_watch_lag_seconds", "deployments"] == 1.5
    assert ("chaos_gate_watch_lag_seconds", "chaosruns") not in found


def test_it_counts_the_gates_of_each_phase(known: Known, served: Callable[[], str]) -> None:
    found = samples(served())
    assert {phase: found["chaos_gate_gates", phase] for phase in ("Pending", "Open", "Closed")} == {
        "Pending": 0,
        "Open": 0,
        "Closed": 0,
    }


def test_a_gate_whose_answer_is_withheld_is_not_counted_as_open(known: Known, served: Callable[[], str]) -> None:
    known.all_gates = [gate(Verdict.PASSED), gate(Verdict.PASSED, replacing="1 of 3"), gate(Verdict.FAILED)]
    found = samples(served())
    assert {phase: found["chaos_gate_gates", phase] for phase in ("Pending", "Open", "Closed")} == {
        "Pending": 1,
        "Open": 1,
        "Closed": 1,
    }


def test_it_says_which_runs_could_not_take_back_what_they_did(known: Known, served: Callable[[], str]) -> None:
    broken = Evidence(undo=(unreverted("shop"),))
    made = Run(namespace="shop", name="left", uid="1", created=START, spec=spec())
    known.all_runs = [
        replace(made, status=RunStatus(phase=RunPhase.JUDGED, evidence=broken)),
        replace(made, name="held", status=RunStatus(phase=RunPhase.RUNNING, evidence=_held(broken))),
    ]
    found = samples(served())
    assert found["chaos_gate_unreverted", "left"] == 1
    assert ("chaos_gate_unreverted", "held") not in found


def _held(evidence: Evidence) -> Evidence:
    """The same act, while it is as it should be."""
    return replace(evidence, undo=tuple(replace(undo, error="") for undo in evidence.undo))


def test_it_says_until_when_each_gitlab_takes_its_token(known: Known, served: Callable[[], str]) -> None:
    ends = datetime(2026, 12, 1, tzinfo=UTC)
    known.state = replace(
        known.state,
        tokens=(Token(address="https://a", ends=ends), Token(address="https://b", ends=None, taken=False)),
    )
    found = samples(served())
    assert found["chaos_gate_gitlab_token_expires_timestamp_seconds", "https://a"] == ends.timestamp()
    assert ("chaos_gate_gitlab_token_expires_timestamp_seconds", "https://b") not in found
    assert [found["chaos_gate_gitlab_token_taken", address] for address in ("https://a", "https://b")] == [1, 0]


def test_of_two_tokens_for_one_gitlab_it_says_the_worse(known: Known, served: Callable[[], str]) -> None:
    soon = datetime(2026, 12, 1, tzinfo=UTC)
    refused = Token(address="https://a", ends=soon, taken=False)
    later, unknown = (Token(address="https://a", ends=ends) for ends in (soon + timedelta(days=9), None))
    known.state = replace(known.state, tokens=(refused, later, unknown))
    address = served()
    found = samples(address)
    assert found["chaos_gate_gitlab_token_expires_timestamp_seconds", "https://a"] == soon.timestamp()
    assert found["chaos_gate_gitlab_token_taken", "https://a"] == 0
    assert requests.get(f"{address}/metrics", timeout=5).text.count("https://a") == 2
