"""What a run may leave behind: a plan of two steps and two probes, whole evidence of it, and ways to spoil that."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import strategies as st

from gate.model import Effect, Evidence, Repeat, RunSpec, StepRecord, Summary, Target, Undo, Verdict, Window
from gate.running.judge import judge
from tests.running.simulation import PROBE, SPEC, START, STEP, WORKFLOW, seconds

OTHER = replace(
    PROBE,
    name="carts answer",
    every=seconds(0.2),
    tolerate=replace(PROBE.tolerate, p95=seconds(0.3), at_least=2.0, at_most=8.0),
)
AGAIN = replace(STEP, name="lights out again")
PLAN = replace(SPEC, workflow=replace(WORKFLOW, steady_state=(PROBE, OTHER), steps=(STEP, AGAIN)))
FORGIVING = replace(PLAN, workflow=replace(PLAN.workflow, steady_state=(PROBE, replace(OTHER, weight=2)), threshold=60))
"""The same, but what the carts say is enough."""
CRITICAL = replace(
    FORGIVING,
    workflow=replace(FORGIVING.workflow, steady_state=(replace(PROBE, critical=True), OTHER), threshold=40),
)
"""The same, but what the checkout says is a must."""
REPEATED = replace(
    PLAN,
    workflow=replace(PLAN.workflow, steps=(STEP, replace(AGAIN, repetition=2)), repeat=Repeat(times=2, passes=1)),
)
"""The same, but the second step is a repetition of the first one, and one of them is enough."""
WITNESSED = replace(
    PLAN, workflow=replace(PLAN.workflow, steps=(replace(STEP, used=OTHER.name), replace(AGAIN, used=PROBE.name)))
)
"""The same, but what is hit must have been used."""
ONCE = (PLAN, FORGIVING, CRITICAL, WITNESSED)
PLANS = (*ONCE, REPEATED)
ORDER = list(Verdict)


def undo_of(step: str, number: int) -> Undo:
    target = Target(kind="Pod", namespace="shop", name=f"pod-{number}", uid=f"uid-{step}-{number}")
    return Undo(id=f"{step}/{number}", step=step, fault="outage", target=target, injected=START, reverted=START)


def whole(spec: RunSpec = PLAN) -> Evidence:
    """The evidence of a run in which everything held."""
    steps = spec.workflow.steps
    undo = tuple(undo_of(step.name, number) for step in steps for number in range(2))
    windows = [("", Window.BEFORE, spec.workflow.baseline)]
    for step in steps:
        windows += [(step.name, Window.DURING, step.hold), (step.name, Window.AFTER, seconds(1.2))]
    summaries = []
    for step_name, window, span in windows:
        for probe in spec.workflow.steady_state:
            due = int(span / probe.every)
            summary = Summary(probe=probe.name, window=window, step=step_name, due=due, samples=due)
            summaries.append(replace(summary, numbers=due, lowest=3.0, highest=5.0))
    return Evidence(
        targets=tuple(each.target for each in undo),
        undo=undo,
        effects=tuple(Effect(undo=each.id, step=each.step, what="gone", seen=START) for each in undo),
        steps=tuple(
            StepRecord(
                step=step.name,
                injected=START,
                reverted=START + step.hold,
                ended=START + step.hold + seconds(1.2),
                recovery=timedelta(0),
            )
            for step in steps
        ),
        summaries=tuple(summaries),
        version_after=spec.version,
    )


def verdict(evidence: Evidence, plan: RunSpec = PLAN) -> Verdict:
    return judge(plan, evidence)[0].verdict


def with_summary(evidence: Evidence, index: int, **changes: Any) -> Evidence:
    summaries = list(evidence.summaries)
    summaries[index] = replace(summaries[index], **changes)
    return replace(evidence, summaries=tuple(summaries))


def fail_one_more(evidence: Evidence, index: int) -> Evidence:
    """One more bad sample than there was."""
    old = evidence.summaries[index]
    return with_summary(
        evidence, index, due=old.due + 1, samples=old.samples + 1, failures=old.failures + 1, slow=old.slow + 1
    )


def turn_bad(evidence: Evidence, index: int) -> Evidence:
    """A sample that was good is bad."""
    old = evidence.summaries[index]
    bad = {"failures": min(old.samples, old.failures + 1), "slow": min(old.samples, old.slow + 1)}
    return with_summary(evidence, index, **bad, numbers=max(0, old.numbers - 1))


def lose_good(evidence: Evidence, index: int) -> Evidence:
    """A good sample is missing, one that had a number."""
    old = evidence.summaries[index]
    without_number = old.samples - old.numbers
    samples = max(old.failures, old.slow, without_number, old.samples - 1)
    return with_summary(evidence, index, samples=samples, numbers=samples - without_number)


def lose_bad(evidence: Evidence, index: int) -> Evidence:
    """A bad sample is missing."""
    old = evidence.summaries[index]
    lost = min(1, old.failures)
    return with_summary(
        evidence, index, samples=old.samples - lost, failures=old.failures - lost, slow=max(0, old.slow - lost)
    )


def recovering(evidence: Evidence, recovery: timedelta | None, step: int = 0, bad_until: float = 3.0) -> Evidence:
    """The service was steady again so long after that step, and every probe was bad until so many seconds after it."""
    record = replace(evidence.steps[step], recovery=recovery)
    bad = {"failures": 2, "last_failure": START + STEP.hold + seconds(bad_until)}
    summaries = tuple(
        replace(each, **bad) if (each.step, each.window) == (record.step, Window.AFTER) else each
        for each in evidence.summaries
    )
    steps = tuple(record if each.step == record.step else each for each in evidence.steps)
    return replace(evidence, summaries=summaries, steps=steps)


def without(evidence: Evidence, part: str, number: int) -> Evidence:
    items = getattr(evidence, part)
    return replace(evidence, **{part: tuple(each for place, each in enumerate(items) if place != number % len(items))})


def unreverted(evidence: Evidence, number: int) -> Evidence:
    undo = list(evidence.undo)
    undo[number % len(undo)] = replace(undo[number % len(undo)], reverted=None)
    return replace(evidence, undo=tuple(undo))


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    """Evidence in which some things went wrong."""
    evidence = whole()
    summaries = []
    for summary in evidence.summaries:
        samples = draw(st.integers(min_value=summary.due * 3 // 4, max_value=summary.due))
        failures = draw(st.integers(min_value=0, max_value=min(samples, 1 + summary.due // 9)))
        streak = seconds(draw(st.sampled_from([0.0, 0.5, 1.0, 1.1])))
        last = START + STEP.hold + seconds(draw(st.sampled_from([1.0, 2.9, 3.1])))
        summaries.append(
            replace(
                summary,
                samples=samples,
                failures=failures,
                last_failure=last if failures else None,
                slow=min(samples, failures + draw(st.integers(0, 2))),
                numbers=samples - draw(st.sampled_from([0, 0, 0, 1])),
                lowest=draw(st.sampled_from([3.0, 3.0, 3.0, 1.0])),
                highest=draw(st.sampled_from([5.0, 5.0, 5.0, 9.0])),
                streak=streak,
                streak_at_worst=streak,
            )
        )
    recoveries = st.sampled_from([None, seconds(0), seconds(3), seconds(3.1)])
    steps = tuple(replace(record, recovery=draw(recoveries)) for record in evidence.steps)
    return replace(evidence, summaries=tuple(summaries), steps=steps)


NUMBERS = st.integers(min_value=0, max_value=9)
