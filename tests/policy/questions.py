"""Policies and questions for tests, by hand and by Hypothesis."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from gate.policy.question import Freeze, Question, Reach
from gate.policy.rules import (
    Closed,
    Frozen,
    Images,
    Interval,
    Limit,
    Namespaces,
    NotDuring,
    Ownership,
    Policy,
    When,
    Window,
)

MONDAY = datetime(2026, 3, 2, 10, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def question(**changes: Any) -> Question:
    """One that the safe default allows."""
    return replace(Question(at=MONDAY, fault="pod-kill", namespace="shop", opted_in=True), **changes)


NAMES = st.sampled_from(["shop", "shop-eu", "bank", "kube-system", "gitlab"])
PATTERNS = st.lists(st.sampled_from(["*", "shop", "shop*", "bank", "pod-*", "node-*", "a/*"]), min_size=1, max_size=2)
FAULTS = st.sampled_from(["pod-kill", "node-drain", "job", "scale"])
TIMES = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - below
COUNTER = st.integers(0, 10**9)


def rule(kind: str) -> st.SearchStrategy[str]:
    """The name of a rule: which one it is matters to nobody but the answer."""
    return COUNTER.map(lambda number: f"spec.{kind}[{number}]")


LIMITS = st.builds(
    Limit,
    rule=rule("blastRadius"),
    faults=PATTERNS.map(tuple),
    namespaces=PATTERNS.map(tuple),
    allowed=st.booleans(),
    pods=st.none() | st.integers(0, 3),
    percent=st.none() | st.integers(1, 100),
    time=st.none() | st.integers(1, 600).map(lambda seconds: timedelta(seconds=seconds)),
    leave_ready=st.none() | st.integers(0, 3),
    zones=st.sampled_from([(), ("a",), ("a", "b")]),
)
GRANTS = st.builds(
    Ownership,
    rule=rule("ownership"),
    team=st.sampled_from(["red", "blue"]),
    paths=PATTERNS.map(tuple),
    namespaces=PATTERNS.map(tuple),
    workloads=st.just(("*",)),
    faults=PATTERNS.map(tuple),
    accounts=st.just(("*",)),
)
WINDOWS = st.builds(
    Window,
    rule=rule("when.windows"),
    days=st.frozensets(st.integers(0, 6), min_size=1),
    start=st.integers(0, 1439),
    end=st.integers(0, 1440),
)
FREEZES = st.builds(
    lambda name, start, hours: Frozen(rule=name, freeze=Freeze(start=start, end=start + hours * HOUR, why="x")),
    rule("when.freezes"),
    TIMES,
    st.integers(1, 5000),
)
ALARMS = st.builds(NotDuring, rule=rule("when.notDuring"), alerts=PATTERNS.map(tuple), prometheus=st.just("http://p"))
CLOSED = st.builds(
    lambda name, weekday: Closed(rule=name, is_closed=lambda day: "closed" if day.weekday() == weekday else ""),
    rule("when.dates"),
    st.integers(0, 6),
)
INTERVALS = st.builds(
    Interval, rule=rule("when.minimumInterval"), least=st.integers(1, 5).map(lambda number: number * HOUR)
)


def several(strategy: st.SearchStrategy[Any], least: int = 0) -> st.SearchStrategy[tuple[Any, ...]]:
    """Up to three, each under a name of its own."""
    return st.lists(strategy, min_size=least, max_size=3, unique_by=lambda each: each.rule).map(tuple)


POLICIES = st.builds(
    Policy,
    namespaces=st.builds(
        Namespaces, rule=st.just("spec.namespaces"), opt_in=st.booleans(), protected=st.sampled_from([(), ("bank",)])
    ),
    ownership=several(GRANTS),
    limits=several(LIMITS, 1),
    when=st.builds(
        When,
        rule=st.just("spec.when"),
        windows=several(WINDOWS),
        closed=several(CLOSED),
        freezes=several(FREEZES),
        not_during=several(ALARMS),
        interval=st.none() | INTERVALS,
    ),
    images=st.none() | st.builds(Images, rule=st.just("spec.images"), registries=st.just(("good/*",))),
    own=st.just(frozenset({"chaos-gate"})),
)
QUESTIONS = st.builds(
    Question,
    at=TIMES,
    fault=FAULTS,
    namespace=NAMES,
    opted_in=st.none() | st.booleans(),
    owners=st.none() | st.sampled_from([("a/x.yaml",), ("b/x.yaml",), ("a/x.yaml", "b/x.yaml")]),
    team=st.sampled_from(["", "red", "green"]),
    reach=st.none()
    | st.builds(
        Reach,
        pods=st.integers(0, 4),
        ready=st.integers(0, 4),
        nodes=st.sampled_from([(), ("n",)]),
        zones=st.sampled_from([(), ("a",), ("c",)]),
    ),
    hold=st.none() | st.integers(1, 900).map(lambda seconds: timedelta(seconds=seconds)),
    images=st.sampled_from([(), ("good/x",), ("bad/x",)]),
    alerts=st.frozensets(st.sampled_from(["shop", "bank"])),
    before=st.none() | TIMES,
)
