"""A version that fails is compared with the one before: what is said of it, and that no verdict follows from it."""

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.documents.isolation import VERSION_BEFORE
from gate.model import COPY, Compared, Evidence, Isolation, Judgement, Reason, Repeat, RunSpec, Verdict, Window
from gate.running.judge import judge
from gate.running.runner import MOST_ATTEMPTS
from tests.running.copied import NEW, NEW_KEY, OLD_KEY, CopyingStage, DiesComparing, pod_of, spec
from tests.running.evidence import NUMBERS, lose_bad, lose_good, turn_bad, with_summary, without
from tests.running.simulation import START, STEP, Killed, Life, Service, seconds

SOUND: dict[str, Any] = {"suffers": False}
WEAK: dict[str, Any] = {"recovers_after": 0.5}
UNSTEADY = (
    '; whether the version before did so, too, is not known: "checkout answers" failed 20 of 20 samples before any '
    "fault: HTTP 502; tolerated are 10% and 1s on end"
)
IN_PLACE = spec(isolation=Isolation.NONE, compare=True)
IN_A_COPY = spec(compare=True)


def stage_of(plan: RunSpec, new: dict[str, Any], old: dict[str, Any], **more: Any) -> CopyingStage:
    """The service itself is hit, or its copy; the version before is always hit in a copy."""
    service = Service(**new, version=NEW_KEY, pods=(pod_of("checkout", NEW),))
    return CopyingStage(spec=plan, service=service, new=new, old=old, **more)


def played(plan: RunSpec, new: dict[str, Any], old: dict[str, Any], **more: Any) -> tuple[CopyingStage, Judgement]:
    stage = stage_of(plan, new, old, **more)
    return stage, judge(plan, stage.execute().evidence)[0]


in_place_and_in_a_copy = pytest.mark.parametrize("plan", [IN_PLACE, IN_A_COPY], ids=["in place", "in a copy"])


@in_place_and_in_a_copy
@pytest.mark.parametrize(
    ("old", "compared", "said"),
    [
        (SOUND, Compared.REGRESSION, f"; version {OLD_KEY} before held there: this is a regression"),
        (WEAK, Compared.OLD_WEAKNESS, f"; version {OLD_KEY} before failed there, too: this is no regression"),
        (
            {"unsteady": True},
            Compared.UNKNOWN,
            UNSTEADY,
        ),
    ],
    ids=["sound", "weak", "unsteady"],
)
def test_a_failure_says_what_the_version_before_did(
    plan: RunSpec, old: dict[str, Any], compared: Compared, said: str
) -> None:
    stage, judgement = played(plan, WEAK, old)
    assert (judgement.verdict, judgement.reason, judgement.compared) == (Verdict.FAILED, Reason.PROBE_FAILED, compared)
    assert judgement.message.endswith(said)
    assert (stage.made[-1], stage.copies, stage.journal.guarded) == ("old1", {}, False)


@in_place_and_in_a_copy
def test_a_version_that_holds_is_compared_with_nothing(plan: RunSpec) -> None:
    stage, judgement = played(plan, SOUND, WEAK)
    assert judgement == Judgement(verdict=Verdict.PASSED)
    assert "old1" not in stage.made


@in_place_and_in_a_copy
def test_no_version_before_is_nothing_to_compare_with(plan: RunSpec) -> None:
    stage, judgement = played(replace(plan, previous=()), WEAK, SOUND)
    assert (judgement.verdict, judgement.compared) == (Verdict.FAILED, Compared.UNKNOWN)
    assert judgement.message.endswith("is not known: nobody knows which version ran before")
    assert "old1" not in stage.made


def test_a_version_before_that_cannot_be_copied_leaves_the_verdict_as_it_is() -> None:
    stage, judgement = played(IN_PLACE, WEAK, SOUND, refusal_to_copy="its images have no digests")
    assert (judgement.verdict, judgement.compared) == (Verdict.FAILED, Compared.UNKNOWN)
    assert judgement.message.endswith("is not known: its images have no digests")
    assert stage.journal.status.evidence.stopped is None


def test_a_copy_of_the_version_before_that_runs_something_else_says_nothing_about_it() -> None:
    _, judgement = played(IN_PLACE, WEAK, SOUND, runs=NEW)
    assert (judgement.verdict, judgement.compared) == (Verdict.FAILED, Compared.UNKNOWN)
    assert judgement.message.endswith(f"pod old1-1 of the copy does not run version {OLD_KEY}")


def test_what_shows_at_times_is_no_regression_if_it_ever_showed_before() -> None:
    again = replace(STEP, name="again", repetition=2)
    workflow = replace(IN_PLACE.workflow, steps=(STEP, again), repeat=Repeat(times=2, passes=1))
    plan = replace(IN_PLACE, workflow=workflow)
    _, judgement = played(plan, WEAK, {"recovers_after": 0.5, "only_once": True})
    assert (judgement.verdict, judgement.compared) == (Verdict.FAILED, Compared.OLD_WEAKNESS)


def test_of_several_failures_a_regression_speaks_first() -> None:
    """The version before fails from its first injection only, and the two steps are two things."""
    plan = replace(IN_PLACE, workflow=replace(IN_PLACE.workflow, steps=(STEP, replace(STEP, name="lights out again"))))
    _, judgement = played(plan, WEAK, {"recovers_after": 0.5, "only_once": True})
    assert judgement.compared is Compared.REGRESSION
    assert 'during "lights out again"' in judgement.message


# ------------------------------------------------------------------------------------------- whoever dies, and whenever


@in_place_and_in_a_copy
def test_the_verdict_is_the_same_wherever_the_executor_was_killed(plan: RunSpec) -> None:
    point, said = 0, set()
    while True:
        stage = stage_of(plan, WEAK, SOUND)
        try:
            stage.execute(Life(ends_at=point))
            break
        except Killed:
            stage.restart()
        judgement = judge(plan, stage.execute().evidence)[0]
        assert judgement.verdict is Verdict.FAILED, (point, judgement)
        assert (stage.copies, stage.journal.guarded, stage.service.in_force) == ({}, False, False), point
        said.add(judgement.compared)
        point += 1
    assert point > 40
    assert said == {Compared.REGRESSION}, "whoever takes over compares anew"


def test_a_comparison_on_which_every_executor_is_lost_comes_to_an_end_and_says_so() -> None:
    stage = stage_of(IN_PLACE, WEAK, SOUND)
    for number in range(1, MOST_ATTEMPTS + 1):
        with pytest.raises(Killed):
            stage.execute(DiesComparing(made=stage.made, copies=number))
        assert stage.made == [f"old{each}" for each in range(1, number + 1)]
        stage.restart()
    judgement = judge(IN_PLACE, stage.execute().evidence)[0]
    assert (judgement.verdict, judgement.reason, judgement.compared) == (
        Verdict.FAILED,
        Reason.PROBE_FAILED,
        Compared.UNKNOWN,
    )
    assert judgement.message.endswith(f"is not known: {MOST_ATTEMPTS} executors were lost on this run")
    assert (len(stage.made), stage.copies, stage.journal.guarded) == (MOST_ATTEMPTS, {}, False)


def test_a_comparison_that_the_deadline_cuts_off_says_so() -> None:
    stage = stage_of(replace(IN_PLACE, deadline=START + seconds(60)), WEAK, SOUND)
    with pytest.raises(Killed):
        stage.execute(DiesComparing(made=stage.made))
    stage.restart(downtime=60)
    judgement = judge(stage.spec, stage.execute().evidence)[0]
    assert (judgement.verdict, judgement.compared) == (Verdict.FAILED, Compared.UNKNOWN)
    assert judgement.message.endswith("is not known: the deadline of the run, 12:01:00, is over")
    assert (stage.copies, stage.journal.guarded) == ({}, False)


# -------------------------------------------------------------------------------------------- more or less is no better


@cache
def regression() -> Evidence:
    return stage_of(IN_A_COPY, WEAK, SOUND).execute().evidence


@cache
def old_weakness() -> Evidence:
    return stage_of(IN_A_COPY, WEAK, WEAK).execute().evidence


@cache
def passed() -> Evidence:
    return stage_of(IN_A_COPY, SOUND, SOUND).execute().evidence


PARTS = ("summaries", "steps", "targets", "effects", "undo", "copies")


@st.composite
def spoilt(draw: st.DrawFn, evidence: Evidence, *, before: bool) -> Evidence:
    """Something of the version before, or of the one that is judged, is missing, or another sample is bad."""
    for _ in range(draw(st.integers(1, 3))):
        part = draw(st.sampled_from(PARTS))
        numbers = [number for number, each in enumerate(getattr(evidence, part)) if _is_before(each) is before]
        if numbers:
            number = draw(st.sampled_from(numbers))
            ways = [lambda e, n: without(e, part, n)]  # noqa: B023 - it is called in this very round
            ways += [turn_bad, lose_good, lose_bad] if part == "summaries" else []
            evidence = draw(st.sampled_from(ways))(evidence, number)
    return evidence


def _is_before(each: Any) -> bool:
    named = getattr(each, "step", None) or getattr(each, "name", "")
    return str(named).endswith(VERSION_BEFORE) or str(named).startswith("old")


@given(st.data())
def test_no_verdict_depends_on_the_version_before(data: st.DataObject) -> None:
    for evidence in (regression(), old_weakness()):
        judgement, score = judge(IN_A_COPY, data.draw(spoilt(evidence, before=True)))
        assert judgement.verdict is Verdict.FAILED
        assert score == judge(IN_A_COPY, evidence)[1]


@given(st.data())
def test_what_is_missing_of_the_version_before_turns_no_claim_into_the_other_one(data: st.DataObject) -> None:
    number = data.draw(NUMBERS)
    for evidence in (regression(), old_weakness()):
        part = data.draw(st.sampled_from(PARTS))
        numbers = [index for index, each in enumerate(getattr(evidence, part)) if _is_before(each)]
        fewer = without(evidence, part, numbers[number % len(numbers)]) if numbers else evidence
        compared = judge(IN_A_COPY, fewer)[0].compared
        assert compared in {judge(IN_A_COPY, evidence)[0].compared, Compared.UNKNOWN}


@given(st.data())
def test_of_the_version_that_is_judged_nothing_less_is_a_pass_again(data: st.DataObject) -> None:
    judgement, _ = judge(IN_A_COPY, data.draw(spoilt(regression(), before=False)))
    assert judgement.verdict is not Verdict.PASSED
    assert (judgement.compared is None) is (judgement.verdict is not Verdict.FAILED)


def test_a_good_version_before_is_no_excuse_for_a_bad_baseline() -> None:
    index = next(i for i, each in enumerate(regression().summaries) if (each.window, each.step) == (Window.BEFORE, ""))
    judgement, _ = judge(IN_A_COPY, with_summary(passed(), index, failures=19))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.BASELINE_UNSTEADY)


def test_a_copy_of_the_version_before_that_is_still_there_is_told() -> None:
    undo = tuple(
        replace(each, reverted=None) if each.fault == COPY and VERSION_BEFORE in each.step else each
        for each in regression().undo
    )
    evidence = replace(regression(), undo=undo)
    assert judge(IN_A_COPY, evidence)[0].verdict is Verdict.FAILED
    mended = replace(evidence, summaries=passed().summaries, steps=passed().steps)
    assert judge(IN_A_COPY, mended)[0].reason is Reason.REVERT_FAILED
