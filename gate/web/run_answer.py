"""What one run has to say to those who wait: its verdict, and what a developer needs to find out why. Pure."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gate.documents.units import in_words
from gate.model import Probe, Reason, Run, RunEntry, Summary, Undo, Verdict, Window
from gate.running.reverting import target_in_words
from gate.running.wording import tolerated

MOST_TARGETS = 3
"""So many are named of what a fault hit; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedProbe:
    """A probe that had bad answers in one window of a run."""

    probe: str
    window: Window
    step: str
    samples: int
    failures: int
    streak: timedelta
    first_failure: datetime | None
    detail: str
    expected: str = ""
    """What is a good answer, and how many bad ones are tolerated, in words."""
    fault: str = ""
    """What was done to what in that step; empty before the first one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAnswer:
    """How one step went by. What is None did not come."""

    step: str
    detection: timedelta | None = None
    """From the fault to the first bad answer."""
    recovery: timedelta | None = None
    """From the end of the fault until the service was steady again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAnswer:
    """One run, as far as those who wait want to know it."""

    name: str
    workload: str
    workflow: str
    subscriptions: tuple[str, ...] = ()
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    score: int | None = None
    activity: str = ""
    """What it is doing right now."""
    failed: tuple[FailedProbe, ...] = ()
    steps: tuple[StepAnswer, ...] = ()
    reproduce: str = ""
    """The command that does the same once more; empty once the run itself is gone."""


def of_entry(workload: str, entry: RunEntry, live: Run | None) -> RunAnswer:
    """The gate's memory of a run, with what only the run itself knows while it is still there."""
    return RunAnswer(
        name=entry.name,
        workload=workload,
        workflow=entry.workflow,
        subscriptions=entry.subscriptions,
        verdict=entry.verdict,
        reason=entry.reason,
        message=entry.message,
        score=entry.score,
        activity=live.status.activity if live is not None and entry.verdict is None else "",
        failed=tuple(_failed(live)) if live is not None else (),
        steps=tuple(_steps(live)) if live is not None else (),
        reproduce=reproduce(live) if live is not None else "",
    )


def of_run(run: Run) -> RunAnswer:
    """The same of a run that no gate remembers."""
    status = run.status
    entry = RunEntry(
        name=run.name,
        workflow=run.spec.workflow.name,
        subscriptions=run.spec.subscriptions,
        uid=run.uid,
        verdict=status.verdict,
        reason=status.reason,
        message=status.message,
        score=status.score,
    )
    return of_entry(str(run.spec.workload.name), entry, run)


def reproduce(run: Run) -> str:
    """The command by which a person does the same to the version that runs then: same workflow, parameters, seed."""
    name = run.spec.workload.name
    workload = f"{name.namespace}/{name.kind.lower()}/{name.name}"
    like = f"{run.namespace}/{run.name}"
    command = ["chaos-gate", "run", run.spec.workflow.name, "--like", like, "--workload", workload]
    return shlex.join([*command, "--seed", run.spec.seed])


def _failed(run: Run) -> Iterator[FailedProbe]:
    probes = {probe.name: probe for probe in run.spec.workflow.steady_state}
    for summary in run.status.evidence.summaries:
        if summary.failures:
            probe = probes.get(summary.probe)
            yield FailedProbe(
                probe=summary.probe,
                window=summary.window,
                step=summary.step,
                samples=summary.samples,
                failures=summary.failures,
                streak=summary.streak,
                first_failure=summary.first_failure,
                detail=summary.detail,
                expected=_expected(probe) if probe else "",
                fault=_fault(run, summary),
            )


def _expected(probe: Probe) -> str:
    wanted = ", ".join(f"{name} {_said(value)}" for name, value in probe.expect.items())
    return f"{wanted}; {tolerated(probe)}" if wanted else tolerated(probe)


def _said(value: object) -> str:
    return in_words(value) if isinstance(value, timedelta) else str(value)


def _fault(run: Run, summary: Summary) -> str:
    undos: Sequence[Undo] = [each for each in run.status.evidence.undo if summary.step and each.step == summary.step]
    if not undos:
        return ""
    named = [target_in_words(each) for each in undos[:MOST_TARGETS]]
    more = f" and {len(undos) - MOST_TARGETS} more" if len(undos) > MOST_TARGETS else ""
    return f"{undos[0].fault} of {', '.join(named)}{more}"


def _steps(run: Run) -> Iterator[StepAnswer]:
    for record in run.status.evidence.steps:
        yield StepAnswer(step=record.step, detection=record.detection, recovery=record.recovery)
