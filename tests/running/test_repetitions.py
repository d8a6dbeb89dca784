"""Steps that are repeated: so many repetitions have to pass, and none passes for lack of evidence."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import Evidence, Judgement, Reason, Repeat, RunSpec, Step, Verdict, Window
from gate.running.judge import judge
from tests.running.evidence import NUMBERS, ORDER, PLAN, recovering, turn_bad, unreverted, whole, with_summary, without
from tests.running.simulation import STEP, Service, Stage, seconds

TIMES = 3
STEPS = tuple(replace(STEP, name=f"out ({number} of 3)", repetition=number) for number in range(1, TIMES + 1))


def plan(passes: int, steps: tuple[Step, ...] = STEPS) -> RunSpec:
    workflow = replace(PLAN.workflow, steps=steps, repeat=Repeat(times=TIMES, passes=passes))
    return replace(PLAN, workflow=workflow)


THREE, TWO, ONE = plan(3), plan(2), plan(1)
PASSED = Judgement(verdict=Verdict.PASSED)


def window(evidence: Evidence, step: Step, window: Window = Window.DURING) -> int:
    """Where the first probe's summary of that window is."""
    found = [(each.step, each.window) for each in evidence.summaries]
    return found.index((step.name, window))


def failing(*numbers: int) -> Evidence:
    """These repetitions failed."""
    evidence = whole(THREE)
    for number in numbers:
        evidence = with_summary(evidence, window(evidence, STEPS[number - 1]), failures=30)
    return evidence


def unseen(*numbers: int, of: Evidence | None = None) -> Evidence:
    """Of these repetitions too little is known."""
    evidence = of or whole(THREE)
    for number in numbers:
        evidence = with_summary(evidence, window(evidence, STEPS[number - 1]), samples=3)
    return evidence


@pytest.mark.parametrize(
    ("evidence", "three", "two", "one"),
    [
        (whole(THREE), Verdict.PASSED, Verdict.PASSED, Verdict.PASSED),
        (failing(2), Verdict.FAILED, Verdict.PASSED, Verdict.PASSED),
        (failing(1, 3), Verdict.FAILED, Verdict.FAILED, Verdict.PASSED),
        (failing(1, 2, 3), Verdict.FAILED, Verdict.FAILED, Verdict.FAILED),
        (unseen(2), Verdict.ERRORED, Verdict.PASSED, Verdict.PASSED),
        (unseen(1, 2), Verdict.ERRORED, Verdict.ERRORED, Verdict.PASSED),
        (unseen(1, 2, 3), Verdict.ERRORED, Verdict.ERRORED, Verdict.ERRORED),
        (unseen(1, of=failing(2)), Verdict.FAILED, Verdict.ERRORED, Verdict.PASSED),
        (unseen(1, of=failing(2, 3)), Verdict.FAILED, Verdict.FAILED, Verdict.ERRORED),
        (Evidence(), Verdict.ERRORED, Verdict.ERRORED, Verdict.ERRORED),
    ],
)
def test_enough_repetitions_have_to_pass(evidence: Evidence, three: Verdict, two: Verdict, one: Verdict) -> None:
    assert [judge(spec, evidence)[0].verdict for spec in (THREE, TWO, ONE)] == [three, two, one]


def test_too_few_are_told_with_the_first_that_failed() -> None:
    judgement, score = judge(TWO, failing(2, 3))
    assert (judgement.reason, score) == (Reason.PROBE_FAILED, 66)
    assert judgement.message.startswith('"checkout answers" failed 30 of 40 samples during "out (2 of 3)"')
    assert judgement.message.endswith("; 1 of 3 repetitions passed, 2 are asked for")


@pytest.mark.parametrize(
    ("evidence", "reason"),
    [
        (with_summary(whole(THREE), 0, failures=20), Reason.BASELINE_UNSTEADY),
        (replace(whole(THREE), version_after="v2"), Reason.VERSION_CHANGED),
        (unreverted(whole(THREE), 5), Reason.REVERT_FAILED),
        (
            replace(whole(THREE), stopped=Judgement(verdict=Verdict.ERRORED, reason=Reason.DEADLINE_EXCEEDED)),
            Reason.DEADLINE_EXCEEDED,
        ),
    ],
)
def test_what_is_true_of_the_whole_run_is_not_outvoted(evidence: Evidence, reason: Reason) -> None:
    assert judge(ONE, evidence)[0].reason is reason


def test_a_plan_that_has_fewer_repetitions_than_it_says_does_not_pass() -> None:
    fewer = plan(3, steps=STEPS[:2])
    judgement, _ = judge(fewer, whole(fewer))
    assert (judgement.verdict, judgement.message) == (
        Verdict.ERRORED,
        "2 of 3 repetitions passed, 3 are asked for",
    )
    assert judge(plan(0), Evidence())[0].verdict is not Verdict.PASSED


def test_a_repetition_that_recovers_late_has_failed_and_no_more() -> None:
    evidence = recovering(whole(THREE), seconds(3.1))
    assert judge(THREE, evidence)[0].reason is Reason.RECOVERY_TOO_SLOW
    assert judge(TWO, evidence)[0] == PASSED


def test_each_repetition_is_done_and_recorded() -> None:
    stage = Stage(Service(suffers=False), spec=of_one_probe(THREE))
    status = stage.execute()
    assert [record.step for record in status.evidence.steps] == [step.name for step in STEPS]
    assert stage.service.injections == TIMES
    assert judge(stage.spec, status.evidence) == (PASSED, 100)


def test_what_happens_once_does_not_fail_two_of_three() -> None:
    stage = Stage(Service(only_once=True), spec=of_one_probe(TWO))
    status = stage.execute()
    assert judge(stage.spec, status.evidence)[0] == PASSED
    assert judge(of_one_probe(THREE), status.evidence)[0].reason is Reason.PROBE_FAILED


def of_one_probe(spec: RunSpec) -> RunSpec:
    return replace(spec, workflow=replace(spec.workflow, steady_state=spec.workflow.steady_state[:1]))


@pytest.mark.parametrize("passes", [2, 3])
def test_a_service_that_does_not_come_back_is_not_hit_again_and_has_failed(passes: int) -> None:
    stage = Stage(Service(recovers_after=None), spec=of_one_probe(plan(passes)))
    status = stage.execute()
    judgement, _ = judge(stage.spec, status.evidence)
    assert stage.service.injections == 1
    assert judgement.verdict is Verdict.FAILED
    assert judgement.message.endswith(f"; 0 of 3 repetitions passed, {passes} are asked for")


@st.composite
def spoilt(draw: st.DrawFn) -> Evidence:
    """Whole evidence, of which some windows are bad, and some hardly seen."""
    evidence = whole(THREE)
    for index in draw(st.lists(st.integers(0, len(evidence.summaries) - 1), max_size=6)):
        bad = draw(st.integers(0, 12))
        evidence = with_summary(evidence, index, failures=min(bad, evidence.summaries[index].samples))
    for index in draw(st.lists(st.integers(0, len(evidence.summaries) - 1), max_size=3)):
        lost = draw(st.sampled_from([1, 1, 1, 20]))
        held = evidence.summaries[index]
        evidence = with_summary(evidence, index, samples=max(held.failures, held.samples - lost))
    recoveries = [draw(st.sampled_from([None, seconds(0), seconds(0), seconds(3.1)])) for _ in evidence.steps]
    records = zip(evidence.steps, recoveries, strict=True)
    return replace(evidence, steps=tuple(replace(record, recovery=each) for record, each in records))


@given(spoilt(), st.sampled_from([THREE, TWO, ONE]), st.integers(0, 20))
def test_one_more_bad_sample_never_improves_the_verdict(evidence: Evidence, spec: RunSpec, index: int) -> None:
    index %= len(evidence.summaries)
    worse = turn_bad(evidence, index)
    assert ORDER.index(judge(spec, worse)[0].verdict) >= ORDER.index(judge(spec, evidence)[0].verdict)


@given(spoilt(), st.sampled_from([THREE, TWO, ONE]), NUMBERS)
def test_what_is_missing_never_opens_the_gate(evidence: Evidence, spec: RunSpec, index: int) -> None:
    if judge(spec, evidence)[0].verdict is not Verdict.PASSED:
        for part in ("summaries", "steps", "targets", "effects", "undo"):
            assert judge(spec, without(evidence, part, index))[0].verdict is not Verdict.PASSED


@given(spoilt())
def test_to_ask_for_more_repetitions_never_improves_the_verdict(evidence: Evidence) -> None:
    one, two, three = (ORDER.index(judge(spec, evidence)[0].verdict) for spec in (ONE, TWO, THREE))
    assert one <= two <= three


@given(spoilt())
def test_all_repetitions_asked_for_are_steps_like_others(evidence: Evidence) -> None:
    apart = replace(THREE, workflow=replace(THREE.workflow, repeat=None))
    asked, plain = judge(THREE, evidence)[0].verdict, judge(apart, evidence)[0].verdict
    assert asked is plain
