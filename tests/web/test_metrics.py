"""What Prometheus reads."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import requests
from prometheus_client.parser import text_string_to_metric_families

from gate.web.views import Watch
from tests.web.conftest import Known

DEPLOYMENTS = Watch(resource="deployments", namespace="", lists=3, lag=timedelta(seconds=1.5))


def samples(address: str) -> dict[tuple[str, str], float]:
    answer = requests.get(f"{address}/metrics", timeout=5)
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, sample.labels.get("resource") or sample.labels["phase"]): sample.value
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
