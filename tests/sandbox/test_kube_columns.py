"""kubectl's columns say what kubectl users are used to."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sandbox.kubernetes.registry.column import duration, since
from gate.sandbox.kubernetes.registry.columns import COLUMNS
from gate.sandbox.kubernetes.registry.pod_columns import pod_status
from gate.sandbox.kubernetes.registry.resources import BUILT_IN

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (125, "2m5s"),
        (600, "10m"),
        (10_799, "179m"),
        (10_800, "3h"),
        (11_700, "3h15m"),
        (28_800, "8h"),
        (172_800, "2d"),
        (176_400, "2d1h"),
        (691_200, "8d"),
        (730 * 86_400, "2y"),
        (740 * 86_400, "2y10d"),
        (3_000 * 86_400, "8y"),
        (-5, "<invalid>"),
    ],
)
def test_ages_are_short(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_an_unknown_moment_has_no_age() -> None:
    assert since(None, NOW) == "<unknown>"
    assert since("2026-01-01T11:59:30Z", NOW) == "30s"


def container(name: str, *, ready: bool = False, restarts: int = 0, **state: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "ready": ready, "restartCount": restarts, "state": state}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ({"phase": "Pending"}, "Pending"),
        ({"phase": "Failed", "reason": "Evicted"}, "Evicted"),
        (
            {"phase": "Pending", "containerStatuses": [container("a", waiting={"reason": "ErrImagePull"})]},
            "ErrImagePull",
        ),
        ({"phase": "Running", "containerStatuses": [container("a", terminated={"reason": "Error"})]}, "Error"),
        ({"phase": "Running", "containerStatuses": [container("a", terminated={"signal": 9})]}, "Signal:9"),
        ({"phase": "Running", "containerStatuses": [container("a", terminated={"exitCode": 3})]}, "ExitCode:3"),
        (
            {
                "phase": "Running",
                "containerStatuses": [
                    container("a", ready=True, running={}),
                    container("b", terminated={"reason": "Completed"}),
                ],
            },
            "Running",
        ),
        ({"phase": "Pending", "initContainerStatuses": [container("i", running={})]}, "Init:0/1"),
        (
            {"phase": "Pending", "initContainerStatuses": [container("i", waiting={"reason": "CrashLoopBackOff"})]},
            "Init:CrashLoopBackOff",
        ),
        (
            {"phase": "Running", "initContainerStatuses": [container("i", terminated={"exitCode": 0})]},
            "Running",
        ),
    ],
)
def test_the_status_of_a_pod_names_its_trouble(status: dict[str, Any], word: str) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"initContainers": [{"name": "i"}]}, "status": status}
    assert pod_status(pod) == word
    pod["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    assert pod_status(pod) == "Terminating"


def test_restarts_say_when_the_last_one_was() -> None:
    ended = {"lastState": {"terminated": {"finishedAt": "2026-01-01T11:59:50Z"}}}
    pod = {"metadata": {"name": "p"}, "status": {"containerStatuses": [container("a", restarts=2) | ended]}}
    cells = {column.name: column.cell(pod, NOW) for column in COLUMNS["Pod"]}
    assert cells["Restarts"] == "2 (10s ago)"


@pytest.mark.parametrize("row", [row for row in BUILT_IN if "list" in row.verbs], ids=str)
def test_every_kind_prints_an_object_that_has_nothing_but_a_name(row: Any) -> None:
    bare = {"kind": row.kind, "apiVersion": row.api_version, "metadata": {"name": "bare"}}
    cells = {column.name: column.cell(bare, NOW) for column in row.columns}
    assert cells["Name"] == "bare"


@given(st.timedeltas(timedelta(0), timedelta(days=9999)), st.timedeltas(timedelta(0), timedelta(days=9999)))
def test_an_older_object_never_looks_younger(one: timedelta, other: timedelta) -> None:
    def days(text: str) -> float:
        units = {"s": 1, "m": 60, "h": 3600, "d": 86400, "y": 365 * 86400}
        total, digits = 0, ""
        for sign in text:
            digits, total = (digits + sign, total) if sign.isdigit() else ("", total + int(digits) * units[sign])
        return total

    younger, older = sorted((int(one.total_seconds()), int(other.total_seconds())))
    assert days(duration(younger)) <= days(duration(older))
