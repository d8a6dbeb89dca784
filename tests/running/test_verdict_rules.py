"""The rules of the verdict, whatever the evidence: without it no pass, with more steps none sooner, and never mute."""

import re
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.model import Evidence, Judgement, Probe, Reason, RunSpec, Step, Verdict, Window
from gate.running.judge import judge
from tests.running.evidence import (
    AGAIN,
    NUMBERS,
    ONCE,
    ORDER,
    PLAN,
    evidences,
    unreverted,
    verdict,
    whole,
    with_summary,
    without,
)
from tests.running.simulation import STEP

AUTHORS = Path(__file__).parents[2] / "docs" / "authors.md"
PARTS = ("summaries", "steps", "targets", "effects", "undo")
VERSIONS = ("", "v1", "v2")


def only(*steps: Step, of: RunSpec = PLAN) -> RunSpec:
    """The plan with these steps alone."""
    return replace(of, workflow=replace(of.workflow, steps=steps))


def lost(evidence: Evidence, part: str, number: int) -> Evidence:
    return without(evidence, part, number) if getattr(evidence, part) else evidence


def told_twice(evidence: Evidence, part: str, number: int) -> Evidence:
    items = getattr(evidence, part)
    return replace(evidence, **{part: (*items, items[number % len(items)])}) if items else evidence


def mixed_up(evidence: Evidence, part: str, number: int) -> Evidence:
    """What belonged to one step is said to belong to another one."""
    items = list(getattr(evidence, part))
    if not items or part == "targets":
        return evidence
    items[number % len(items)] = replace(items[number % len(items)], step="nobody planned this")
    return replace(evidence, **{part: tuple(items)})


def not_taken_back(evidence: Evidence, part: str, number: int) -> Evidence:
    return unreverted(evidence, number) if evidence.undo else evidence


def of_version(evidence: Evidence, part: str, number: int) -> Evidence:
    return replace(evidence, version_after=VERSIONS[number % len(VERSIONS)])


def unwatched(evidence: Evidence, part: str, number: int) -> Evidence:
    """A window in which hardly anything was asked; what was, was good."""
    if not evidence.summaries:
        return evidence
    return with_summary(evidence, number % len(evidence.summaries), due=number, samples=number, numbers=number)


@st.composite
def spoilt(draw: st.DrawFn) -> Evidence:
    """Whole evidence, of which up to three things were lost, told twice, mixed up, or are not as they should be."""
    evidence = draw(st.one_of(st.just(whole()), evidences()))
    ways = st.sampled_from([lost, told_twice, mixed_up, not_taken_back, of_version, unwatched])
    for _ in range(draw(st.integers(0, 3))):
        evidence = draw(ways)(evidence, draw(st.sampled_from(PARTS)), draw(NUMBERS))
    return evidence


def watched(evidence: Evidence, probe: Probe, window: Window, step: str, least: int) -> bool:
    """There is one account of that window, and it has so many samples."""
    found = [each for each in evidence.summaries if (each.probe, each.window, each.step) == (probe.name, window, step)]
    return len(found) == 1 and found[0].samples >= least


def shows_all(evidence: Evidence) -> bool:
    """What a pass needs, said in the simplest words: hit, felt, watched, taken back, and still the same version."""
    felt = {(each.step, each.undo) for each in evidence.effects}
    hit = {each.uid for each in evidence.targets}
    for step in PLAN.workflow.steps:
        undos = [each for each in evidence.undo if each.step == step.name]
        if not undos or not all((step.name, each.id) in felt and each.target.uid in hit for each in undos):
            return False
        for probe in PLAN.workflow.steady_state:
            asked = int(step.hold / probe.every)
            if not watched(evidence, probe, Window.DURING, step.name, asked // 2):
                return False
            if not watched(evidence, probe, Window.AFTER, step.name, 2):
                return False
    return evidence.version_after == PLAN.version and all(each.reverted for each in evidence.undo)


# ------------------------------------------------------------------------------------------------- no evidence, no pass


@settings(max_examples=5 * settings().max_examples)
@given(st.sampled_from(ONCE), spoilt())
def test_a_pass_was_hit_felt_watched_and_taken_back(plan: RunSpec, evidence: Evidence) -> None:
    if verdict(evidence, plan) is Verdict.PASSED:
        assert shows_all(evidence)


@given(spoilt(), st.sampled_from(Verdict), st.sampled_from([None, *Reason]))
def test_who_executed_a_run_cannot_say_that_it_passed_nor_that_the_service_failed(
    evidence: Evidence, said: Verdict, reason: Reason | None
) -> None:
    told = replace(evidence, stopped=Judgement(verdict=said, reason=reason, message="take my word for it"))
    assert verdict(told) is not Verdict.PASSED
    if verdict(told) is Verdict.FAILED:
        assert verdict(evidence) is Verdict.FAILED


@pytest.mark.parametrize("said", [Verdict.PASSED, Verdict.FAILED])
def test_a_verdict_of_the_executor_is_a_mistake_and_is_told_as_one(said: Verdict) -> None:
    stopped = Judgement(verdict=said, reason=Reason.PROBE_FAILED, message="take my word for it")
    judgement, _ = judge(PLAN, replace(whole(), stopped=stopped))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.INTERNAL_ERROR)
    assert judgement.message == f"the run was stopped, and its executor says {said} without evidence"


def test_a_sampler_that_fell_asleep_is_no_quiet_one() -> None:
    asleep = with_summary(whole(), 2, due=3, samples=3)
    judgement, score = judge(PLAN, asleep)
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_DATA)
    assert score < 100
    at_the_edge = with_summary(whole(), 2, due=39, samples=39)
    assert verdict(at_the_edge) is Verdict.PASSED


def test_a_recovery_that_no_good_sample_shows_was_not_seen() -> None:
    claimed = with_summary(whole(), 4, due=12, samples=12, failures=11)
    judgement, _ = judge(PLAN, claimed)
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_DATA)


def test_a_workflow_without_a_step_proves_nothing() -> None:
    judgement, score = judge(only(), whole(only()))
    assert (judgement.verdict, judgement.reason, score) == (Verdict.ERRORED, Reason.NO_DATA, 0)


def test_no_version_before_and_none_after_are_not_the_same_version() -> None:
    judgement, _ = judge(replace(PLAN, version=""), replace(whole(), version_after=""))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.VERSION_CHANGED)


def test_a_thousand_steps_are_judged_while_one_waits() -> None:
    plan = only(*(replace(STEP, name=f"step {number}") for number in range(1000)))
    evidence = whole(plan)
    began = process_time()
    assert judge(plan, evidence) == (Judgement(verdict=Verdict.PASSED), 100)
    assert process_time() - began < 1, "each step is looked up, not searched for"


# ------------------------------------------------------------------------------------------- more steps, no better news


@given(st.sampled_from(ONCE), spoilt())
def test_a_run_of_two_steps_is_as_bad_as_the_worse_of_them(plan: RunSpec, evidence: Evidence) -> None:
    apart = [judge(only(step, of=plan), evidence)[0].verdict for step in (STEP, AGAIN)]
    assert verdict(evidence, plan) is Verdict.worst(apart)


@given(st.sampled_from(ONCE), spoilt(), spoilt())
def test_one_more_step_never_improves_a_verdict(plan: RunSpec, before: Evidence, other: Evidence) -> None:
    """The evidence of the second step is from another run: whatever came of it, it is no help."""
    mine = part_of(before, AGAIN, theirs=False)
    more = {part: (*getattr(mine, part), *getattr(part_of(other, AGAIN, theirs=True), part)) for part in PARTS}
    alone, both = judge(only(STEP, of=plan), mine)[0], judge(plan, replace(mine, **more))[0]
    assert ORDER.index(both.verdict) >= ORDER.index(alone.verdict)


def part_of(evidence: Evidence, step: Step, *, theirs: bool) -> Evidence:
    """What belongs to the step, or what does not."""
    uids = {each.target.uid for each in evidence.undo if each.step == step.name}
    parts: dict[str, Any] = {
        part: tuple(each for each in getattr(evidence, part) if (each.step == step.name) is theirs)
        for part in PARTS
        if part != "targets"
    }
    targets = tuple(each for each in evidence.targets if (each.uid in uids) is theirs)
    return replace(evidence, **parts, targets=targets)


@given(spoilt(), spoilt())
def test_the_worst_of_several_runs_counts_in_whatever_order_they_come(one: Evidence, other: Evidence) -> None:
    first, second = verdict(one), verdict(other)
    assert Verdict.worst([first, second]) is Verdict.worst([second, first])
    assert ORDER.index(Verdict.worst([first, second])) >= max(ORDER.index(first), ORDER.index(second))


# --------------------------------------------------------------------------------------------------------- none is mute


@given(st.sampled_from(ONCE), spoilt())
def test_a_verdict_that_is_no_pass_says_which_reason_and_where(plan: RunSpec, evidence: Evidence) -> None:
    judgement, score = judge(plan, evidence)
    if judgement.verdict is Verdict.PASSED:
        assert (judgement.reason, judgement.message) == (None, "")
        assert score >= (plan.workflow.threshold or 100)
        return
    assert judgement.reason in OF[judgement.verdict]
    places = [*(each.name for each in (*PLAN.workflow.steps, *PLAN.workflow.steady_state)), "Pod shop/pod-", "version"]
    assert any(place in judgement.message for place in places), judgement.message


FAILURES = {Reason.PROBE_FAILED, Reason.RECOVERY_TOO_SLOW}
CANCELLATIONS = {Reason.SUPERSEDED, Reason.ABORTED}
OF = {
    Verdict.FAILED: FAILURES,
    Verdict.CANCELED: CANCELLATIONS,
    Verdict.ERRORED: set(Reason) - FAILURES - CANCELLATIONS - {Reason.NOT_JUDGED_YET},
}


def table() -> dict[str, tuple[str, str]]:
    """Reason -> its verdict and what to do, as authors are told."""
    row = re.compile(r"^\| (?:`(\w+)`|none) \| `(\w+)` \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
    rows = [(reason, (said, todo.strip())) for said, reason, todo in row.findall(AUTHORS.read_text())]
    assert len(rows) == len(dict(rows)), "no reason stands in the table twice"
    return dict(rows)


@pytest.mark.parametrize("reason", Reason)
def test_the_table_of_reasons_has_the_right_verdict_and_a_remedy_for_each(reason: Reason) -> None:
    said, todo = table()[reason]
    assert said == next((verdict for verdict, reasons in OF.items() if reason in reasons), "")
    assert todo


def test_a_window_of_which_there_are_two_accounts_has_none() -> None:
    summaries = whole().summaries
    better = replace(summaries[2], samples=40, failures=0)
    evidence = replace(with_summary(whole(), 2, failures=30), summaries=(*summaries, better))
    assert judge(PLAN, evidence)[0].reason is Reason.NO_DATA
