"""The score, and what a threshold forgives: nothing that a critical probe says, and nothing that nobody saw."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import Evidence, Judgement, Reason, RunPhase, RunSpec, Tolerance, Verdict, Window
from gate.running.judge import judge
from tests.running.evidence import (
    CRITICAL,
    FORGIVING,
    NUMBERS,
    ORDER,
    OTHER,
    PLAN,
    PLANS,
    evidences,
    recovering,
    turn_bad,
    verdict,
    whole,
    with_summary,
    without,
)
from tests.running.simulation import PROBE, START, STEP, Service, Stage, seconds

CHECKOUT, CARTS = 2, 3
"""Where the summaries of the two probes during the first step are."""
PASSED = Judgement(verdict=Verdict.PASSED)


def failing(*probes: int, of: Evidence | None = None) -> Evidence:
    """The probes were bad all the time, in whatever step their summaries are of."""
    evidence = of or whole()
    for each in probes:
        evidence = with_summary(evidence, each, failures=evidence.summaries[each].samples)
    return evidence


def weighing(first: int, second: int, threshold: int | None = None) -> RunSpec:
    """The plan with these weights and one step."""
    probes = (replace(PROBE, weight=first), replace(OTHER, weight=second))
    return replace(PLAN, workflow=replace(PLAN.workflow, steady_state=probes, steps=(STEP,), threshold=threshold))


@pytest.mark.parametrize(("first", "second", "score"), [(1, 1, 50), (1, 2, 66), (1, 3, 75), (2, 1, 33), (100, 1, 0)])
def test_the_score_is_the_weight_of_the_probes_that_held_rounded_down(first: int, second: int, score: int) -> None:
    assert judge(weighing(first, second), failing(CHECKOUT))[1] == score


def test_a_score_just_below_the_threshold_is_below_it() -> None:
    assert judge(weighing(1, 2, threshold=67), failing(CHECKOUT))[0].verdict is Verdict.FAILED
    assert judge(weighing(1, 2, threshold=66), failing(CHECKOUT)) == (PASSED, 66)


def test_without_a_threshold_every_probe_beyond_its_tolerance_fails_the_run() -> None:
    judgement, score = judge(weighing(1, 99), failing(CHECKOUT))
    assert (judgement.verdict, judgement.reason, score) == (Verdict.FAILED, Reason.PROBE_FAILED, 99)


def test_a_threshold_of_all_of_them_is_like_none() -> None:
    assert judge(weighing(1, 99, threshold=100), failing(CHECKOUT))[0].reason is Reason.PROBE_FAILED


def test_what_is_below_the_threshold_is_told_with_both() -> None:
    judgement, _ = judge(FORGIVING, failing(CARTS))
    assert judgement.reason is Reason.PROBE_FAILED
    assert '"carts answer" failed 20 of 20 samples during "lights out"' in judgement.message
    assert judgement.message.endswith("; the probes that held have 33% of the weight, 60% are asked for")


def test_a_critical_probe_fails_the_run_whatever_the_score() -> None:
    judgement, score = judge(CRITICAL, failing(CHECKOUT))
    assert (judgement.reason, score) == (Reason.PROBE_FAILED, 75)
    assert judgement.message.endswith("; it is critical")
    assert judge(CRITICAL, failing(CARTS)) == (PASSED, 75)


def test_a_good_step_does_not_make_up_for_a_bad_one() -> None:
    """Over both steps 66% of the weight held, which is more than is asked for, but in the first step it was 33%."""
    judgement, score = judge(FORGIVING, failing(CARTS))
    assert (judgement.verdict, score) == (Verdict.FAILED, 66)


@pytest.mark.parametrize("spec", [FORGIVING, CRITICAL])
def test_the_baseline_and_the_recovery_are_not_forgiven(spec: RunSpec) -> None:
    assert judge(spec, failing(0))[0].reason is Reason.BASELINE_UNSTEADY
    assert judge(spec, failing(1))[0].reason is Reason.BASELINE_UNSTEADY
    assert judge(spec, recovering(whole(), seconds(9)))[0].reason is Reason.RECOVERY_TOO_SLOW


def test_too_few_samples_are_not_forgiven() -> None:
    assert judge(FORGIVING, with_summary(whole(), CHECKOUT, samples=10))[0].reason is Reason.NO_DATA
    assert judge(FORGIVING, without(whole(), "summaries", CHECKOUT))[0].reason is Reason.NO_DATA
    asleep = with_summary(whole(), CHECKOUT, due=5, samples=5, failures=5)
    assert judge(FORGIVING, asleep)[0].reason is Reason.NO_DATA


def test_a_few_missing_samples_are_forgiven_where_bad_ones_would_have_been() -> None:
    open_question = with_summary(whole(), CHECKOUT, samples=36, failures=4)
    assert judge(PLAN, open_question)[0].reason is Reason.NO_DATA
    assert judge(FORGIVING, open_question) == (PASSED, 83)
    assert judge(CRITICAL, open_question)[0].reason is Reason.NO_DATA
    assert judge(FORGIVING, failing(CARTS, of=open_question))[0].verdict is Verdict.FAILED


def test_a_threshold_that_the_missing_samples_decide_is_not_known_to_be_reached() -> None:
    judgement, _ = judge(FORGIVING, with_summary(whole(), CARTS, samples=18, numbers=18))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_DATA)


def test_a_step_that_was_cut_short_is_not_forgiven() -> None:
    cut = replace(whole().steps[0], reverted=START + seconds(1))
    evidence = replace(failing(CHECKOUT), steps=(cut, whole().steps[1]))
    assert judge(FORGIVING, evidence)[0].reason is Reason.NO_DATA


def test_the_score_of_a_fault_that_nobody_felt_is_nothing() -> None:
    assert judge(weighing(1, 1), replace(whole(), effects=()))[1] == 0


def test_a_probe_that_counts_only_afterwards_succeeds_with_the_recovery() -> None:
    spec = weighing(1, 1)
    probes = (PROBE, replace(OTHER, when=(Window.BEFORE, Window.AFTER)))
    spec = replace(spec, workflow=replace(spec.workflow, steady_state=probes))
    assert judge(spec, failing(CHECKOUT))[1] == 50
    late = replace(whole(), steps=(replace(whole().steps[0], recovery=None),))
    assert judge(spec, late)[1] == 0


@given(evidences(), NUMBERS)
def test_a_threshold_forgives_failures_alone(evidence: Evidence, index: int) -> None:
    """A run is never worse for it, and better only where a probe was beyond its tolerance, or may have been."""
    strict, forgiving = judge(PLAN, evidence)[0], judge(FORGIVING, evidence)[0]
    assert ORDER.index(forgiving.verdict) <= ORDER.index(strict.verdict)
    if forgiving.verdict is not strict.verdict:
        assert strict.reason in {Reason.PROBE_FAILED, Reason.NO_DATA}


@given(evidences(), st.integers(1, 99))
def test_a_higher_threshold_never_improves_a_verdict(evidence: Evidence, threshold: int) -> None:
    lower, higher = (
        replace(FORGIVING, workflow=replace(FORGIVING.workflow, threshold=each)) for each in (threshold, threshold + 1)
    )
    assert ORDER.index(verdict(evidence, higher)) >= ORDER.index(verdict(evidence, lower))


@given(st.sampled_from(PLANS), evidences(), st.lists(NUMBERS, max_size=12))
def test_however_many_samples_turn_bad_the_verdict_and_the_score_get_no_better(
    plan: RunSpec, evidence: Evidence, indexes: list[int]
) -> None:
    for index in indexes:
        worse = turn_bad(evidence, index)
        assert ORDER.index(verdict(worse, plan)) >= ORDER.index(verdict(evidence, plan))
        assert judge(plan, worse)[1] <= judge(plan, evidence)[1]
        evidence = worse


def test_a_probe_that_is_forgiven_is_watched_to_the_end_of_the_step() -> None:
    patient = replace(PROBE, name="patient", tolerate=Tolerance(failures=1), weight=9)
    spec = replace(FORGIVING, workflow=replace(FORGIVING.workflow, steady_state=(PROBE, patient), steps=(STEP,)))
    stage = Stage(Service(), spec=spec)
    status = stage.execute()
    (record,) = status.evidence.steps
    assert status.phase is RunPhase.EXECUTED
    assert record.injected is not None
    assert record.reverted is not None
    assert record.reverted - record.injected >= STEP.hold
    assert judge(spec, status.evidence) == (PASSED, 90)


def test_a_critical_probe_ends_the_fault_early() -> None:
    probes = (replace(PROBE, critical=True), replace(PROBE, name="patient", tolerate=Tolerance(failures=1), weight=9))
    spec = replace(FORGIVING, workflow=replace(FORGIVING.workflow, steady_state=probes, steps=(STEP,)))
    status = Stage(Service(), spec=spec).execute()
    (record,) = status.evidence.steps
    assert record.injected is not None
    assert record.reverted is not None
    assert record.reverted - record.injected < STEP.hold
    assert judge(spec, status.evidence)[0].verdict is Verdict.FAILED
