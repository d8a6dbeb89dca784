"""What is answered while a person lets a version through: the verdict as it is, and beside it that it may go on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.model import (
    Announcement,
    Commit,
    Gate,
    GateOverride,
    GateStatus,
    JudgedVersion,
    Judgement,
    Phase,
    Reason,
    RunEntry,
    StatusState,
    Subscription,
    Verdict,
    WorkflowUse,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.overrides import standing
from gate.web.answer import Answer, Question, State
from gate.web.answer_json import from_json, to_json
from gate.web.answering import Knowledge

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
OLD, NEW = "a" * 40, "b" * 40
FAILED = Judgement(verdict=Verdict.FAILED, reason=Reason.PROBE_FAILED, message="slow")


def answer(question: Question, **known: Any) -> Answer:
    return Knowledge(**known).answer(question)


def override(version: str = "v2", lasting: timedelta = HOUR) -> GateOverride:
    return GateOverride(version=version, who="jane", reason="INC-4711", at=NOW, until=NOW + lasting)


def commit(sha: str) -> Commit:
    return Commit(project="shop/all", sha=sha, pipeline=10)


def gate(name: str, *overrides: GateOverride, **changes: object) -> Gate:
    """It has judged `v1` of the old commit, and `v2` of the new one; both failed."""
    workload = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name=name)
    run = RunEntry(name=f"{name}-1", workflow="survives", subscriptions=(name,), uid="u", verdict=Verdict.FAILED)
    old = Announcement(name="n", commit=commit(OLD), version="v1", state=StatusState.FAILED, description="told")
    status = GateStatus(
        phase=Phase.CLOSED,
        verdict=Verdict.FAILED,
        reason=Reason.PROBE_FAILED,
        message="slow",
        version="v2",
        commit=commit(NEW),
        runs=(run,),
        announcements=(old,),
        judged=tuple(
            JudgedVersion(version=each, workflows="f", at=NOW, judgement=FAILED, runs=(run,)) for each in ("v2", "v1")
        ),
    )
    made = Gate(namespace="shop", name=name, uid=name, workload=Workload(name=workload, uid=name), overrides=overrides)
    return replace(made, status=replace(status, **changes))


def subscribed(name: str) -> Subscription:
    return Subscription(
        name=name,
        workload=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name=name),
        environment="staging",
        workflows=(WorkflowUse(name="survives"),),
        settle=timedelta(0),
        deadline=HOUR,
        project="shop/all",
    )


def ask(*gates: Gate, sha: str = NEW, now: datetime = NOW) -> Answer:
    return answer(
        Question(project="shop/all", sha=sha),
        gates=gates,
        subscriptions=[subscribed(each.workload.name.name) for each in gates],
        stands=lambda gate, version: standing(gate.overrides, version, now),
    )


def test_an_override_lets_through_and_the_verdict_stays() -> None:
    said = ask(gate("web", override()))
    assert (said.state, said.verdict, said.reason) == (State.CLOSED, Verdict.FAILED, Reason.PROBE_FAILED)
    assert said.lets_through
    assert said.overrides == (override(),)
    assert from_json(to_json(said)) == said


def test_an_override_ends_by_itself() -> None:
    over = ask(gate("web", override()), now=NOW + HOUR)
    assert over == ask(gate("web"))
    assert not over.lets_through
    assert over.etag != ask(gate("web", override())).etag, "who waits hears of it"


def test_an_override_of_one_version_is_none_of_another_commit() -> None:
    assert not ask(gate("web", override("v1"))).lets_through
    assert not ask(gate("web", override("v2")), sha=OLD).lets_through
    assert ask(gate("web", override("v1")), sha=OLD).lets_through


def test_a_version_that_is_still_judged_can_be_let_through() -> None:
    judging = gate("web", override(), phase=Phase.PENDING, verdict=None)
    assert (ask(judging).state, ask(judging).lets_through) == (State.PENDING, True)


def test_the_version_before_lets_nothing_through_that_is_on_its_way() -> None:
    """The new commit was announced, and nobody knows its version yet."""
    on_its_way = gate("web", override("v2"), phase=Phase.PENDING, verdict=None, runs=(), commit=commit("c" * 40))
    assert not ask(on_its_way, sha="c" * 40).lets_through


def test_of_several_workloads_one_that_is_let_through_holds_nobody_up_and_lets_nobody_else_through() -> None:
    passed = gate("passed", phase=Phase.OPEN, verdict=Verdict.PASSED, reason=None)
    failed, overridden = gate("failed"), gate("overridden", override())
    through = ask(passed, overridden)
    assert (through.lets_through, through.verdict, through.overrides) == (True, Verdict.FAILED, (override(),))
    assert "overridden by jane" in through.message
    held = ask(passed, overridden, failed)
    assert (held.lets_through, held.verdict, held.overrides) == (False, Verdict.FAILED, ())
    waiting = ask(overridden, gate("judging", phase=Phase.PENDING, verdict=None))
    assert (waiting.state, waiting.lets_through) == (State.PENDING, False)
