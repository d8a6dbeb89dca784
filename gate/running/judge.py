"""The verdict of a run, computed from its plan and its evidence alone. Pure; whoever executed the run has no say in it.

Each check yields findings; the worst one is the verdict. There is no way up: more findings can only make it worse.
A run without findings has passed, because everything that was planned is there, proven and within its bounds.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import TypeVar

from gate.documents.units import in_words
from gate.model import (
    Evidence,
    Judgement,
    Probe,
    Reason,
    RunSpec,
    Step,
    StepRecord,
    Summary,
    Target,
    Undo,
    Verdict,
    Window,
)
from gate.running.observation import STEADY_SAMPLES
from gate.running.tolerance import ENOUGH, broken, planned, unknown
from gate.running.wording import complaint, tolerated, too_few, unsteady

GIVEN_UP = (Verdict.ERRORED, Verdict.CANCELED)
"""The verdicts with which an executor may stop a run."""

NODE = "Node"

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)

Finding = Judgement


class _Case:
    """The plan and the evidence, with what is looked up all the time: a workflow may have a thousand steps."""

    def __init__(self, spec: RunSpec, evidence: Evidence) -> None:
        self.spec, self.evidence, self.workflow = spec, evidence, spec.workflow
        self.stopped = _stopped(evidence)
        self.hit = {(each.kind, each.uid) for each in evidence.targets}
        self._felt = {(each.step, each.undo) for each in evidence.effects}
        self._summaries = _grouped(evidence.summaries, lambda each: (each.probe, each.window, each.step))
        self._records = _grouped(evidence.steps, lambda each: each.step)
        self._undos = _grouped(evidence.undo, lambda each: each.step)

    def summary(self, probe: Probe, window: Window, step: str = "") -> Summary | None:
        """The one summary there should be; two would be one too many to know which is true."""
        return _only(self._summaries.get((probe.name, window, step), []))

    def probes(self, window: Window) -> list[Probe]:
        """The probes that count there."""
        return [probe for probe in self.workflow.steady_state if window in probe.when]

    def record(self, step: Step) -> StepRecord | None:
        return _only(self._records.get(step.name, []))

    def undos(self, step: Step) -> list[Undo]:
        return self._undos.get(step.name, [])

    def proven(self, step: Step) -> bool:
        """Every act of the step was felt."""
        undos = self.undos(step)
        return bool(undos) and all((step.name, undo.id) in self._felt for undo in undos)


def _stopped(evidence: Evidence) -> Finding | None:
    """Why the run was stopped. Who executed it may say that nothing could be found out, and nothing else."""
    stopped = evidence.stopped
    if stopped is None or (stopped.verdict in GIVEN_UP and stopped.reason is not None):
        return stopped
    said = f"{stopped.verdict} without evidence" if stopped.reason else f"{stopped.verdict} for no reason"
    return _errored(Reason.INTERNAL_ERROR, f"the run was stopped, and its executor says {said}")


def _grouped(items: Iterable[T], key: Callable[[T], K]) -> dict[K, list[T]]:
    groups: dict[K, list[T]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return groups


def _only(found: Sequence[T]) -> T | None:
    return found[0] if len(found) == 1 else None


def judge(spec: RunSpec, evidence: Evidence) -> tuple[Judgement, int]:
    """The judgement, and the score: the share of the checks that held, in percent, rounded down."""
    case = _Case(spec, evidence)
    findings = [finding for finding in _findings(case) if _counts(finding, case)]
    verdict = Verdict.worst([Verdict.PASSED, *(finding.verdict for finding in findings)])
    first = next((finding for finding in findings if finding.verdict is verdict), None)
    return first or Judgement(verdict=Verdict.PASSED), _score(case)


def _counts(finding: Finding, case: _Case) -> bool:
    """What is missing from a run that was stopped is missing because it was stopped; what is known remains known."""
    known = finding.verdict is Verdict.FAILED or finding.reason is Reason.REVERT_FAILED
    return case.stopped is None or finding == case.stopped or known


def _findings(case: _Case) -> Iterator[Finding]:
    """Of two findings that are equally bad the first one speaks: what stopped the run explains what is missing."""
    if case.stopped is not None:
        yield case.stopped
    if not case.workflow.steps:
        yield _errored(Reason.NO_DATA, f'the workflow "{case.workflow.name}" has no step: nothing was done to anything')
    yield from _baseline(case)
    for step in case.workflow.steps:
        yield from _step(case, step)
    yield from _reverts(case)
    if not case.spec.version or case.evidence.version_after != case.spec.version:
        after = case.evidence.version_after or "none"
        before = case.spec.version or "none"
        message = f"the workload ran version {before} before, and {after} when the last step had ended"
        yield Finding(verdict=Verdict.ERRORED, reason=Reason.VERSION_CHANGED, message=message)


def _baseline(case: _Case) -> Iterator[Finding]:
    if not case.probes(Window.BEFORE):
        yield _errored(
            Reason.NO_DATA, "no probe counts before the first step: nothing shows that the service was steady"
        )
    for probe in case.probes(Window.BEFORE):
        summary = case.summary(probe, Window.BEFORE)
        if summary is None or _too_few(probe, summary, case.workflow.baseline):
            yield _no_data(probe, summary, "before the first step")
        elif broken(probe, summary):
            yield _errored(Reason.BASELINE_UNSTEADY, unsteady(probe, summary))


def _step(case: _Case, step: Step) -> Iterator[Finding]:
    record, undos = case.record(step), case.undos(step)
    if record is None or record.injected is None or not undos:
        yield _errored(Reason.NO_DATA, f'the step "{step.name}" was not executed')
        return
    if any((undo.target.kind, undo.target.uid) not in case.hit for undo in undos):
        yield _errored(Reason.NO_TARGETS, f'the targets of "{step.name}" are not on record')
        return
    if not case.proven(step):
        yield _errored(Reason.NO_EFFECT, f'nothing shows that {_fault(undos)} in "{step.name}" was felt')
        return
    if record.reverted is None or record.ended is None:
        yield _errored(Reason.NO_DATA, f'the step "{step.name}" did not come to its end')
    for probe in case.probes(Window.DURING):
        yield from _during(case, step, record, probe)
    for probe in case.probes(Window.AFTER):
        yield from _after(case, step, record, probe)
    yield from _recovery(case, step, record)
    yield from _wrong_version(case, step, undos)


def _during(case: _Case, step: Step, record: StepRecord, probe: Probe) -> Iterator[Finding]:
    summary = case.summary(probe, Window.DURING, step.name)
    if summary is None:
        yield _no_data(probe, None, f'during "{step.name}"')
        return
    if broken(probe, summary, planned(probe, step.hold) if _cut_short(step, record) else 0):
        yield Finding(
            verdict=Verdict.FAILED,
            reason=Reason.PROBE_FAILED,
            message=f'"{probe.name}" {complaint(probe, summary)} during "{step.name}" ({_fault(case.undos(step))})'
            f"{_when(summary, record)}; {tolerated(probe)}",
        )
    elif _cut_short(step, record) or _too_few(probe, summary, step.hold):
        yield _no_data(probe, summary, f'during "{step.name}"')


def _after(case: _Case, step: Step, record: StepRecord, probe: Probe) -> Iterator[Finding]:
    after = case.summary(probe, Window.AFTER, step.name)
    if after is None or after.samples == 0 or after.due > 2 * after.samples or _unseen(record, after):
        yield _no_data(probe, after, f'after "{step.name}"')


def _unseen(record: StepRecord, after: Summary) -> bool:
    """The service is said to be steady again, and the good samples are too few for it, also without one at the edge."""
    return record.recovery is not None and after.samples - after.failures < STEADY_SAMPLES - 1


def _cut_short(step: Step, record: StepRecord) -> bool:
    """The fault did not stay as long as planned: nothing that held meanwhile is known to hold for longer."""
    if record.injected is None or record.reverted is None:
        return True
    return record.reverted - record.injected < step.hold


def _recovery(case: _Case, step: Step, record: StepRecord) -> Iterator[Finding]:
    """Not to have seen the service steady again is one thing, to have seen it unsteady another."""
    if not case.probes(Window.AFTER):
        yield _errored(Reason.NO_DATA, f'no probe counts after "{step.name}": nobody could see the service recover')
        return
    if record.ended is None or (record.recovery is not None and record.recovery <= step.recover):
        return
    undos = case.undos(step)
    after = [case.summary(probe, Window.AFTER, step.name) for probe in case.probes(Window.AFTER)]
    if record.recovery is None and not any(summary and summary.failures for summary in after):
        yield _errored(Reason.NO_DATA, f'nobody could see whether the service was steady again after "{step.name}"')
        return
    took = "not" if record.recovery is None else f"only after {record.recovery.total_seconds():.1f} s"
    allowed = in_words(step.recover)
    message = f'after "{step.name}" ({_fault(undos)}) the service was {took} steady again; {allowed} are allowed'
    yield Finding(verdict=Verdict.FAILED, reason=Reason.RECOVERY_TOO_SLOW, message=message)


def _wrong_version(case: _Case, step: Step, undos: list[Undo]) -> Iterator[Finding]:
    """A fault that was to hit the judged workload must have hit pods of the judged version, or what they depend on.

    A node runs no version: it was hit because pods of the workload are on it.
    """
    if step.target not in {None, case.spec.workload.name}:
        return
    images = set(case.spec.images)
    for undo in undos:
        if undo.target.kind != NODE and not images <= set(undo.target.images):
            message = f'{_named(undo.target)}, hit in "{step.name}", did not run version {case.spec.version}'
            yield _errored(Reason.VERSION_CHANGED, message)


def _reverts(case: _Case) -> Iterator[Finding]:
    for undo in case.evidence.undo:
        if undo.reverted is None:
            why = f": {undo.error}" if undo.error else ""
            message = f"{undo.fault} of {_named(undo.target)} has not been taken back{why}"
            yield _errored(Reason.REVERT_FAILED, message)


def _score(case: _Case) -> int:
    """Checks are each probe during each step, and each recovery. One that was not made did not hold."""
    checks = [
        _holds(case.summary(probe, Window.DURING, step.name), probe, step) and case.proven(step)
        for step in case.workflow.steps
        for probe in case.probes(Window.DURING)
    ]
    checks += [_recovered(case.record(step), step) for step in case.workflow.steps]
    return 100 * sum(checks) // len(checks) if checks else 0


def _holds(summary: Summary | None, probe: Probe, step: Step) -> bool:
    return summary is not None and not _too_few(probe, summary, step.hold) and not broken(probe, summary)


def _recovered(record: StepRecord | None, step: Step) -> bool:
    return record is not None and record.recovery is not None and record.recovery <= step.recover


def _too_few(probe: Probe, summary: Summary, span: timedelta) -> bool:
    """A window must have been watched for as long as it was to be, but for one question at its edge.

    What was due is what the executor counted; a sampler that fell asleep must not look like one that had little to do.
    """
    wanted = planned(probe, span)
    return unknown(probe, summary) or summary.due < min(wanted, max(1, wanted - 1)) * ENOUGH


def _errored(reason: Reason, message: str) -> Finding:
    return Finding(verdict=Verdict.ERRORED, reason=reason, message=message)


def _no_data(probe: Probe, summary: Summary | None, when: str) -> Finding:
    return _errored(Reason.NO_DATA, too_few(probe, summary, when))


def _when(summary: Summary, record: StepRecord) -> str:
    """When the first bad sample came, and for how long they did."""
    if not summary.failures:
        return ""
    first = ""
    if summary.first_failure and record.injected:
        after = max(0.0, (summary.first_failure - record.injected).total_seconds())
        first = f"first {after:.1f} s after the fault, at {summary.first_failure:%H:%M:%S} UTC, "
    return f": {first}{summary.detail or 'no answer'}, for {summary.streak.total_seconds():.1f} s on end"


def _fault(undos: list[Undo]) -> str:
    return f"{undos[0].fault} of {', '.join(_named(undo.target) for undo in undos)}" if undos else "the fault"


def _named(target: Target) -> str:
    return f"{target.kind} {target.namespace}/{target.name}" if target.namespace else f"{target.kind} {target.name}"
