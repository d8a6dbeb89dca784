"""What is wanted with production follows from the answer, and from who asked for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gate.model import (
    Commit,
    GateStatus,
    Phase,
    Promote,
    Reason,
    RunEntry,
    Stance,
    Subscription,
    Verdict,
    Way,
    WorkflowUse,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.promoting import promotion

SHIP = Promote(way=Way.PLAY, name="ship", environment="production")
SUBSCRIPTION = Subscription(
    name="checkout",
    workload=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout"),
    environment="staging",
    workflows=(WorkflowUse(name="loss"),),
    settle=timedelta(0),
    deadline=timedelta(minutes=30),
    project="shop/checkout",
    promote=SHIP,
)
PASSED = RunEntry(name="run-1", workflow="loss", subscriptions=("checkout",), verdict=Verdict.PASSED)
OPEN = GateStatus(
    phase=Phase.OPEN,
    version="v",
    verdict=Verdict.PASSED,
    commit=Commit(project="Shop/Checkout", sha="a" * 40, pipeline=3),
    runs=(PASSED,),
)
CLOSED = replace(
    OPEN, phase=Phase.CLOSED, verdict=Verdict.ERRORED, reason=Reason.NO_TARGETS, message="no pod was found", runs=()
)


def test_an_open_gate_wants_production_open_for_the_commit_that_passed() -> None:
    wanted = promotion(OPEN, [SUBSCRIPTION], "g")
    assert wanted is not None
    assert (wanted.stance, wanted.commit, wanted.promote, wanted.message) == (
        Stance.OPEN,
        OPEN.commit,
        SHIP,
        "passed loss",
    )


@pytest.mark.parametrize("phase", [each for each in Phase if each is not Phase.OPEN])
def test_only_an_open_gate_wants_it_open(phase: Phase) -> None:
    status = replace(CLOSED, phase=phase, verdict=None if phase is Phase.PENDING else CLOSED.verdict)
    wanted = promotion(status, [SUBSCRIPTION], "g")
    assert wanted is not None
    assert wanted.stance is (Stance.AWAIT if phase is Phase.PENDING else Stance.SHUT)


def test_what_a_person_lets_through_is_opened_in_that_persons_name() -> None:
    wanted = promotion(replace(CLOSED, override="overridden by ann: it has to go"), [SUBSCRIPTION], "g")
    assert wanted is not None
    assert (wanted.stance, wanted.message) == (Stance.OPEN, "overridden by ann: it has to go")
    assert wanted.verdict is Verdict.ERRORED


def test_who_had_no_part_in_the_answer_waits_for_the_next_one() -> None:
    late = replace(SUBSCRIPTION, name="late")
    for asking in ([late], [SUBSCRIPTION, late]):
        wanted = promotion(OPEN, asking, "g")
        assert wanted is not None
        assert wanted.stance is Stance.AWAIT


@pytest.mark.parametrize(
    ("status", "subscriptions"),
    [
        (OPEN, []),
        (OPEN, [replace(SUBSCRIPTION, promote=None)]),
        (replace(OPEN, commit=None), [SUBSCRIPTION]),
        (OPEN, [replace(SUBSCRIPTION, project="shop/other")]),
        (OPEN, [SUBSCRIPTION, replace(SUBSCRIPTION, name="other", promote=replace(SHIP, name="send"))]),
    ],
    ids=["nobody", "nobody asks", "no commit", "a commit of another project", "two that contradict each other"],
)
def test_where_it_cannot_be_told_nothing_is_wanted(status: GateStatus, subscriptions: list[Subscription]) -> None:
    assert promotion(status, subscriptions, "g") is None


def test_each_verdict_has_a_number_of_its_own() -> None:
    again = replace(OPEN, runs=(replace(PASSED, name="run-2"),))
    numbers = {
        wanted.number
        for status, gate in ((OPEN, "g"), (again, "g"), (OPEN, "other"))
        if (wanted := promotion(status, [SUBSCRIPTION], gate))
    }
    assert len(numbers) == 3


def test_nothing_is_opened_for_what_is_being_replaced() -> None:
    wanted = promotion(replace(OPEN, replacing="1 of 3 replicas are updated"), [SUBSCRIPTION], "g")
    assert wanted is not None
    assert wanted.stance is Stance.AWAIT
