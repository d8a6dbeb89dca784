"""A run that hits a copy: nothing else is hit or asked, and the copy goes however the run ends."""

from dataclasses import replace
from typing import Any

import pytest

from gate.model import COPY, Copy, Evidence, Judgement, Reason, RunPhase, RunStatus, Verdict
from gate.running.copying import READY_WITHIN
from gate.running.judge import judge
from gate.running.reverting import revert_all
from tests.running.copied import NEW, NEW_KEY, OLD, CopyingStage, pod_of, spec
from tests.running.simulation import Killed, Life

SOUND: dict[str, Any] = {"suffers": False}
WEAK: dict[str, Any] = {"recovers_after": 0.5}


def judged(stage: CopyingStage, status: RunStatus) -> Judgement:
    return judge(stage.spec, status.evidence)[0]


@pytest.mark.parametrize(("copy", "expected"), [(SOUND, Verdict.PASSED), (WEAK, Verdict.FAILED)])
def test_the_verdict_is_about_the_copy_and_the_service_itself_is_not_touched(
    copy: dict[str, Any], expected: Verdict
) -> None:
    stage = CopyingStage(new=copy)
    status = stage.execute()
    assert judged(stage, status).verdict is expected
    assert stage.service.injections == 0
    assert (stage.made, stage.copies, stage.journal.guarded) == (["new1"], {}, False)
    assert {undo.target.name for undo in status.evidence.undo if undo.fault != COPY} == {"new1-1"}
    assert status.evidence.copies == (Copy(name="new1", version=NEW_KEY, pods=(pod_of("new1", NEW),)),)


def test_a_copy_that_runs_another_version_says_nothing() -> None:
    stage = CopyingStage(runs=OLD)
    status = stage.execute()
    judgement = judged(stage, status)
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.VERSION_CHANGED)
    assert judgement.message == f"pod new1-1 of the copy does not run version {NEW_KEY}"
    assert (stage.copies, status.evidence.steps) == ({}, ())


def test_what_cannot_be_copied_is_said_and_nothing_was_done() -> None:
    stage = CopyingStage(refusal_to_copy="a volume would be shared")
    status = stage.execute()
    assert judged(stage, status) == Judgement(
        verdict=Verdict.ERRORED, reason=Reason.NO_COPY, message="a volume would be shared"
    )
    assert status.evidence.undo == ()


def test_a_copy_that_is_never_ready_ends_the_run_and_goes() -> None:
    stage = CopyingStage(ready=False)
    status = stage.execute()
    judgement = judged(stage, status)
    assert judgement.reason is Reason.NO_COPY
    assert judgement.message == "the copy had 0 of 1 ready pods after 5 minutes"
    assert round(stage.clock.monotonic()) == READY_WITHIN.total_seconds()
    assert (stage.copies, stage.journal.guarded) == ({}, False)


def test_the_policy_is_asked_before_a_copy_is_made() -> None:
    refusal = Judgement(verdict=Verdict.ERRORED, reason=Reason.POLICY_DENIED, message="too much room")
    stage = CopyingStage(refusal=refusal)
    status = stage.execute()
    assert (judged(stage, status), stage.made) == (refusal, [])


@pytest.mark.parametrize("after", [1.0, 2.5, 4.0, 6.2])
def test_a_run_that_is_aborted_takes_its_copy_with_it_and_blames_nobody(after: float) -> None:
    abort = Judgement(verdict=Verdict.CANCELED, reason=Reason.ABORTED, message="enough")
    stage = CopyingStage()
    stage.stop = lambda: abort if stage.clock.monotonic() >= after else None
    status = stage.execute()
    assert judged(stage, status) == abort
    assert (stage.copies, stage.journal.guarded) == ({}, False)


def killed_at(point: int, stage: CopyingStage) -> bool:
    try:
        stage.execute(Life(ends_at=point))
    except Killed:
        return True
    return False


@pytest.mark.parametrize(("copy", "expected"), [(SOUND, Verdict.PASSED), (WEAK, Verdict.FAILED)])
def test_the_verdict_is_the_same_wherever_the_executor_was_killed(copy: dict[str, Any], expected: Verdict) -> None:
    point = 0
    while killed_at(point, stage := CopyingStage(new=copy)):
        stage.restart()
        status = stage.execute()
        assert judged(stage, status).verdict is expected, (point, status.timeline)
        assert status.phase is RunPhase.EXECUTED
        assert (stage.copies, stage.journal.guarded, stage.service.injections) == ({}, False, 0), point
        point += 1
    assert point > 25


def test_a_reaper_alone_takes_the_copy_away_wherever_the_executor_was_killed() -> None:
    point = left = 0
    while killed_at(point, stage := CopyingStage()):
        left += bool(stage.copies)
        stage.journal.life = Life()
        revert_all(stage.journal.status, stage.world(), stage.journal)
        assert (stage.copies, stage.journal.guarded) == ({}, False), point
        point += 1
    assert left > 10


def test_where_a_reaper_was_first_the_run_begins_again_with_another_copy() -> None:
    point = again = 0
    while killed_at(point, stage := CopyingStage()):
        stage.journal.life = Life()
        revert_all(stage.journal.status, stage.world(), stage.journal)
        stage.restart()
        assert judged(stage, stage.execute()).verdict is Verdict.PASSED, point
        again += stage.made == ["new1", "new2"]
        point += 1
    assert again > 10


# ------------------------------------------------------------------------------------------------------------ the judge


def passed() -> Evidence:
    return CopyingStage().execute().evidence


@pytest.mark.parametrize(
    ("copies", "reason"),
    [
        ((), Reason.NO_COPY),
        ((Copy(name="new1", version=NEW_KEY, pods=()),), Reason.NO_COPY),
        ((Copy(name="new1", version=NEW_KEY, pods=(pod_of("new1", NEW),)),) * 2, Reason.NO_COPY),
        ((Copy(name="new1", version="another", pods=(pod_of("new1", NEW),)),), Reason.NO_COPY),
        ((Copy(name="new2", version=NEW_KEY, pods=(pod_of("new2", NEW),)),), Reason.NO_COPY),
        (
            (Copy(name="new1", version=NEW_KEY, pods=(pod_of("new1", NEW), pod_of("new1", OLD))),),
            Reason.VERSION_CHANGED,
        ),
    ],
    ids=["none", "without pods", "two", "of another version", "another one", "half of another version"],
)
def test_without_a_copy_of_the_version_that_was_hit_nothing_passes(copies: tuple[Copy, ...], reason: Reason) -> None:
    judgement, _ = judge(spec(), replace(passed(), copies=copies))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, reason)


def test_to_hit_the_service_itself_is_no_pass() -> None:
    evidence = passed()
    itself = pod_of("checkout", NEW)
    undo = tuple(each if each.fault == COPY else replace(each, target=itself) for each in evidence.undo)
    judgement, _ = judge(spec(), replace(evidence, undo=undo, targets=(itself,)))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_COPY)
    assert judgement.message == 'Pod shop/checkout-1, hit in "lights out", is not of the copy new1'


def test_a_copy_that_is_still_there_is_no_pass() -> None:
    evidence = passed()
    undo = tuple(replace(each, reverted=None) if each.fault == COPY else each for each in evidence.undo)
    judgement, _ = judge(spec(), replace(evidence, undo=undo))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.REVERT_FAILED)
