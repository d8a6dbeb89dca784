"""The verdict from plan and evidence: every reason can be reached, and no evidence less or failure more improves it."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import (
    ContainerImage,
    Evidence,
    Judgement,
    Probe,
    Reason,
    RunSpec,
    Summary,
    Verdict,
    Window,
    WorkloadKind,
    WorkloadName,
)
from gate.running.judge import judge
from gate.running.tolerance import broken, unknown
from tests.running.evidence import (
    NUMBERS,
    ONCE,
    ORDER,
    OTHER,
    PLAN,
    PLANS,
    evidences,
    fail_one_more,
    lose_bad,
    lose_good,
    recovering,
    turn_bad,
    unreverted,
    verdict,
    whole,
    with_summary,
    without,
)
from tests.running.simulation import PROBE, START, STEP, seconds


def test_a_run_in_which_everything_held_has_passed() -> None:
    assert judge(PLAN, whole()) == (Judgement(verdict=Verdict.PASSED), 100)


def test_no_evidence_at_all_is_never_a_pass() -> None:
    assert verdict(Evidence()) is Verdict.ERRORED


def test_a_failure_is_told_in_a_sentence_a_developer_wants_to_read() -> None:
    evidence = with_summary(
        whole(),
        2,
        failures=9,
        streak=seconds(2.3),
        first_failure=START + seconds(0.1),
        detail="HTTP 502",
    )
    judgement, score = judge(PLAN, evidence)
    assert judgement.reason is Reason.PROBE_FAILED
    assert judgement.message == (
        '"checkout answers" failed 9 of 40 samples during "lights out" (outage of Pod shop/pod-0, Pod shop/pod-1): '
        "first 0.1 s after the fault, at 12:00:00 UTC, HTTP 502, for 2.3 s on end; tolerated are 10% and 1s on end"
    )
    assert score == 75


def test_what_is_missing_is_said_with_its_reason() -> None:
    judgement, _ = judge(PLAN, with_summary(whole(), 2, samples=10, missing="the API server is away"))
    assert judgement.message == '"checkout answers" has too few samples during "lights out": the API server is away'


def test_what_was_slow_or_out_of_bounds_is_said_without_a_failure_that_there_was_not() -> None:
    slow, _ = judge(PLAN, with_summary(whole(), 3, slow=4))
    assert slow.message == (
        '"carts answer" had no good answer within 300ms in 4 of 20 samples during "lights out" '
        "(outage of Pod shop/pod-0, Pod shop/pod-1); tolerated are 10% and 1s on end and 5% without a good answer "
        "within 300ms and numbers from 2 up and numbers up to 8"
    )


@pytest.mark.parametrize(
    ("evidence", "expected", "reason"),
    [
        (with_summary(whole(), 2, failures=5), Verdict.FAILED, Reason.PROBE_FAILED),
        (with_summary(whole(), 2, streak=seconds(1.1)), Verdict.FAILED, Reason.PROBE_FAILED),
        (with_summary(whole(), 2, failures=4, streak=seconds(1)), Verdict.PASSED, None),
        (with_summary(whole(), 3, slow=2), Verdict.FAILED, Reason.PROBE_FAILED),
        (with_summary(whole(), 3, slow=1), Verdict.PASSED, None),
        (with_summary(whole(), 3, lowest=1.9), Verdict.FAILED, Reason.PROBE_FAILED),
        (with_summary(whole(), 3, highest=8.1), Verdict.FAILED, Reason.PROBE_FAILED),
        (with_summary(whole(), 1, lowest=1.9), Verdict.ERRORED, Reason.BASELINE_UNSTEADY),
        (with_summary(whole(), 0, failures=9), Verdict.ERRORED, Reason.BASELINE_UNSTEADY),
        (with_summary(whole(), 2, samples=10), Verdict.ERRORED, Reason.NO_DATA),
        (with_summary(whole(), 2, samples=0), Verdict.ERRORED, Reason.NO_DATA),
        (without(whole(), "summaries", 2), Verdict.ERRORED, Reason.NO_DATA),
        (without(whole(), "steps", 0), Verdict.ERRORED, Reason.NO_DATA),
        (without(whole(), "targets", 0), Verdict.ERRORED, Reason.NO_TARGETS),
        (without(whole(), "effects", 0), Verdict.ERRORED, Reason.NO_EFFECT),
        (unreverted(whole(), 0), Verdict.ERRORED, Reason.REVERT_FAILED),
        (replace(whole(), version_after="v2"), Verdict.ERRORED, Reason.VERSION_CHANGED),
        (replace(whole(), version_after=""), Verdict.ERRORED, Reason.VERSION_CHANGED),
    ],
)
def test_each_reason_is_reached_by_what_it_says(evidence: Evidence, expected: Verdict, reason: Reason | None) -> None:
    judgement, _ = judge(PLAN, evidence)
    assert (judgement.verdict, judgement.reason) == (expected, reason)


@pytest.mark.parametrize(
    ("recovery", "bad_until", "expected", "reason"),
    [
        (seconds(3), 3, Verdict.PASSED, None),
        (seconds(3.1), 3, Verdict.FAILED, Reason.RECOVERY_TOO_SLOW),
        (seconds(3.1), 2.8, Verdict.FAILED, Reason.RECOVERY_TOO_SLOW),
        (seconds(3.6), 1.5, Verdict.ERRORED, Reason.NO_DATA),
        (None, 3, Verdict.FAILED, Reason.RECOVERY_TOO_SLOW),
        (None, 1.5, Verdict.ERRORED, Reason.NO_DATA),
    ],
)
def test_too_slow_is_what_was_seen_to_be_unsteady_when_its_time_was_over(
    recovery: timedelta | None, bad_until: float, expected: Verdict, reason: Reason | None
) -> None:
    judgement, _ = judge(PLAN, recovering(whole(), recovery, bad_until=bad_until))
    assert (judgement.verdict, judgement.reason) == (expected, reason)


@pytest.mark.parametrize("recovery", [None, seconds(9)])
def test_a_recovery_that_was_late_although_nothing_was_bad_was_looked_at_too_late(recovery: timedelta | None) -> None:
    evidence = replace(whole(), steps=(replace(whole().steps[0], recovery=recovery), whole().steps[1]))
    judgement, _ = judge(PLAN, evidence)
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_DATA)
    assert judgement.message == ('nobody could see whether the service was steady again after "lights out" within 3s')


@pytest.mark.parametrize("stopped", [reason for reason in Reason if reason is not Reason.NOT_JUDGED_YET])
def test_why_a_run_was_stopped_is_its_reason(stopped: Reason) -> None:
    kind = Verdict.CANCELED if stopped in {Reason.SUPERSEDED, Reason.ABORTED} else Verdict.ERRORED
    why = Judgement(verdict=kind, reason=stopped, message="because")
    assert judge(PLAN, Evidence(stopped=why))[0] == why


def test_a_stopped_run_that_had_failed_before_has_failed() -> None:
    superseded = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message="v2 is out")
    assert verdict(replace(with_summary(whole(), 2, failures=30), stopped=superseded)) is Verdict.FAILED
    assert verdict(replace(unreverted(whole(), 0), stopped=superseded)) is Verdict.ERRORED


def test_a_few_bad_samples_at_the_beginning_of_a_step_that_was_cut_short_are_no_proof() -> None:
    evidence = with_summary(whole(), 2, due=8, samples=8, failures=3)
    cut = replace(evidence.steps[0], reverted=START + seconds(0.8))
    assert verdict(replace(evidence, steps=(cut, evidence.steps[1]))) is Verdict.ERRORED
    assert verdict(evidence) is Verdict.FAILED


@given(st.sampled_from(PLANS), evidences(), NUMBERS)
def test_one_more_bad_sample_never_improves_the_verdict(plan: RunSpec, evidence: Evidence, index: int) -> None:
    for worse in (turn_bad(evidence, index), lose_good(evidence, index)):
        assert ORDER.index(verdict(worse, plan)) >= ORDER.index(verdict(evidence, plan))
    if verdict(evidence, plan) is Verdict.FAILED:
        assert verdict(fail_one_more(evidence, index), plan) is Verdict.FAILED


@given(st.sampled_from(PLANS), evidences(), NUMBERS)
def test_what_is_missing_never_opens_the_gate(plan: RunSpec, evidence: Evidence, index: int) -> None:
    if verdict(evidence, plan) is Verdict.PASSED:
        return
    parts = [without(evidence, part, index) for part in ("summaries", "steps", "targets", "effects", "undo")]
    for less in (*parts, lose_bad(evidence, index), lose_good(evidence, index)):
        assert verdict(less, plan) is not Verdict.PASSED


@given(st.sampled_from(PLANS), evidences(), NUMBERS)
def test_a_dropped_revert_or_target_never_improves_the_verdict(plan: RunSpec, evidence: Evidence, index: int) -> None:
    assert ORDER.index(verdict(unreverted(evidence, index), plan)) >= ORDER.index(verdict(evidence, plan))
    assert verdict(without(evidence, "targets", index), plan) is not Verdict.PASSED


@given(st.sampled_from(PLANS), evidences(), st.randoms(use_true_random=False))
def test_the_order_in_which_evidence_arrived_does_not_matter(plan: RunSpec, evidence: Evidence, random: Any) -> None:
    parts = {}
    for part in ("targets", "undo", "effects", "steps", "summaries"):
        items = list(getattr(evidence, part))
        random.shuffle(items)
        parts[part] = tuple(items)
    shuffled, told = judge(plan, replace(evidence, **parts)), judge(plan, evidence)
    assert (shuffled[0].verdict, shuffled[0].reason, shuffled[1]) == (told[0].verdict, told[0].reason, told[1])


@given(st.sampled_from(ONCE), evidences())
def test_only_a_pass_has_every_check_held(plan: RunSpec, evidence: Evidence) -> None:
    judgement, score = judge(plan, evidence)
    assert 0 <= score <= 100
    if judgement.verdict is Verdict.PASSED:
        assert score >= (plan.workflow.threshold or 100)
    if judgement.verdict is Verdict.FAILED:
        assert score < 100


@given(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100))
def test_a_window_is_not_both_known_to_be_broken_and_fine(due: int, samples: int, failures: int) -> None:
    samples = min(samples, due)
    failures = min(failures, samples)
    window = Summary(probe=PROBE.name, window=Window.DURING, due=due, samples=samples, failures=failures)
    if not broken(PROBE, window) and not unknown(PROBE, window):
        all_missing_bad = replace(window, samples=due, failures=failures + due - samples)
        assert not broken(PROBE, all_missing_bad)


def everywhere_but(window: Window, *probes: Probe) -> RunSpec:
    """The plan, in which these probes do not count there."""
    when = tuple(each for each in Window if each is not window)
    known = tuple(replace(each, when=when) if each in probes else each for each in PLAN.workflow.steady_state)
    return replace(PLAN, workflow=replace(PLAN.workflow, steady_state=known))


@pytest.mark.parametrize("window", list(Window))
def test_where_a_probe_does_not_count_no_samples_are_expected_and_bad_ones_change_nothing(window: Window) -> None:
    there = [each for each in whole().summaries if (each.probe, each.window) == (OTHER.name, window)]
    others = tuple(each for each in whole().summaries if each not in there)
    dreadful = tuple(replace(each, failures=each.samples) for each in there)
    for summaries in (others, (*others, *dreadful)):
        evidence = replace(whole(), summaries=summaries)
        assert judge(everywhere_but(window, OTHER), evidence) == (Judgement(verdict=Verdict.PASSED), 100)
    assert judge(PLAN, replace(whole(), summaries=others))[0].reason is Reason.NO_DATA


@pytest.mark.parametrize("window", [Window.BEFORE, Window.AFTER])
def test_a_plan_in_which_no_probe_counts_before_or_after_proves_nothing(window: Window) -> None:
    judgement, _ = judge(everywhere_but(window, PROBE, OTHER), whole())
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_DATA)


NEW, OLD = ContainerImage("checkout", "sha256:new"), ContainerImage("checkout", "sha256:old")
SIDECAR = ContainerImage("proxy", "sha256:proxy")
OTHER_WORKLOAD = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="inventory")


def hitting(**target: Any) -> Evidence:
    """Whole evidence, in which the first step hit something else."""
    undo = [replace(each, target=replace(each.target, images=(NEW,))) for each in whole().undo]
    undo[0] = replace(undo[0], target=replace(undo[0].target, **target))
    return replace(whole(), undo=tuple(undo), targets=tuple(each.target for each in undo))


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"images": (NEW,)}, None),
        ({"images": (NEW, SIDECAR)}, None),
        ({"images": (OLD,)}, Reason.VERSION_CHANGED),
        ({"images": ()}, Reason.VERSION_CHANGED),
        ({"kind": "Node", "namespace": "", "name": "node-1"}, None),
        ({"kind": "Node", "namespace": "", "name": "node-1", "images": ()}, None),
    ],
)
def test_a_fault_on_the_judged_workload_must_have_hit_the_judged_version(
    target: dict[str, Any], reason: Reason | None
) -> None:
    judged = replace(PLAN, images=(NEW,))
    assert judge(judged, hitting(**target))[0].reason is reason
    steps = (replace(STEP, target=OTHER_WORKLOAD), *PLAN.workflow.steps[1:])
    elsewhere = replace(judged, workflow=replace(PLAN.workflow, steps=steps))
    assert judge(elsewhere, hitting(**target))[0].reason is None


def test_a_node_is_called_by_its_name_alone() -> None:
    node = {"kind": "Node", "namespace": "", "name": "node-1"}
    evidence = unreverted(hitting(**node), 0)
    assert judge(PLAN, evidence)[0].message == "outage of Node node-1 has not been taken back"


def test_what_a_person_took_back_is_never_a_pass() -> None:
    evidence = whole()
    assert judge(PLAN, evidence)[0].verdict is Verdict.PASSED
    undo = (*evidence.undo[:-1], replace(evidence.undo[-1], by_hand=True))
    judgement, _ = judge(PLAN, replace(evidence, undo=undo))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.REVERT_FAILED)
    assert "by hand" in judgement.message
