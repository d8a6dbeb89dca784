"""The verdict of a run, computed from its plan and its evidence alone. Pure; whoever executed the run has no say in it.

Each check yields findings; the worst one is the verdict. There is no way up: more findings can only make it worse.
A run without findings has passed, because everything that was planned is there, proven and within its bounds.
"""

from collections.abc import Iterator
from dataclasses import replace

from gate.documents.units import in_words
from gate.model import (
    Compared,
    Evidence,
    Isolation,
    Judgement,
    Probe,
    Reason,
    RunSpec,
    Step,
    StepRecord,
    Summary,
    Target,
    Targets,
    Undo,
    Verdict,
    Window,
)
from gate.running.case import Case
from gate.running.comparison import Comparison
from gate.running.observation import STEADY_SAMPLES
from gate.running.score import Standing, forgiven, recovered, score, share, standing, too_short, unwatched
from gate.running.tolerance import broken, had_good, unknown
from gate.running.wording import complaint, never_used, tolerated, too_few, unsteady

GIVEN_UP = (Verdict.ERRORED, Verdict.CANCELED)
"""The verdicts with which an executor may stop a run."""

LAST_LOOKS = 2
"""So many intervals of a probe before the end of the time to recover it may have been bad for the last time."""
NODE = "Node"
POSSIBLY = set(Standing) - {Standing.BROKEN}
"""What a probe may be that was not seen to break."""

Finding = Judgement


def judge(spec: RunSpec, evidence: Evidence) -> tuple[Judgement, int]:
    """The judgement, and the score; see `gate.running.score`."""
    case, stopped = Case(spec, evidence), _stopped(evidence)
    findings = [finding for finding in _findings(case, stopped) if _counts(finding, stopped)]
    verdict = Verdict.worst([Verdict.PASSED, *(finding.verdict for finding in findings)])
    order = list(Compared)
    worst = [finding for finding in findings if finding.verdict is verdict]
    first = min(worst, key=lambda each: order.index(each.compared) if each.compared else -1, default=None)
    return first or Judgement(verdict=Verdict.PASSED), score(case)


def _stopped(evidence: Evidence) -> Finding | None:
    """Why the run was stopped. Who executed it may say that nothing could be found out, and nothing else."""
    stopped = evidence.stopped
    if stopped is None or (stopped.verdict in GIVEN_UP and stopped.reason is not None):
        return stopped
    said = f"{stopped.verdict} without evidence" if stopped.reason else f"{stopped.verdict} for no reason"
    return _errored(Reason.INTERNAL_ERROR, f"the run was stopped, and its executor says {said}")


def _counts(finding: Finding, stopped: Finding | None) -> bool:
    """What is missing from a run that was stopped is missing because it was stopped; what is known remains known."""
    known = finding.verdict is Verdict.FAILED or finding.reason is Reason.REVERT_FAILED
    return stopped is None or finding == stopped or known


def _findings(case: Case, stopped: Finding | None) -> Iterator[Finding]:
    """Of two findings that are equally bad the first one speaks: what stopped the run explains what is missing."""
    if stopped is not None:
        yield stopped
    if not case.workflow.steps:
        yield _errored(Reason.NO_DATA, f'the workflow "{case.workflow.name}" has no step: nothing was done to anything')
    yield from _whole(case)
    yield from _repetitions(case)
    yield from _reverts(case)
    if not case.spec.version or case.evidence.version_after != case.spec.version:
        after = case.evidence.version_after or "none"
        before = case.spec.version or "none"
        message = f"the workload ran version {before} before, and {after} when the last step had ended"
        yield Finding(verdict=Verdict.ERRORED, reason=Reason.VERSION_CHANGED, message=message)


def _whole(case: Case) -> Iterator[Finding]:
    """What has to be so before any step means something."""
    yield from _copied(case)
    yield from _baseline(case)


def _repetitions(case: Case) -> Iterator[Finding]:
    """What was found in the steps. Where they are repeated, enough repetitions have to pass for certain; neither one
    that failed nor one of which too little is known is a pass.
    """
    repeat, found = case.workflow.repeat, _by_repetition(case)
    findings = [finding for each in found.values() for finding in each]
    if repeat is None:
        yield from findings
        return
    passed = sum(not each for each in found.values())
    failed = sum(any(finding.verdict is Verdict.FAILED for finding in each) for each in found.values())
    count = f"{passed} of {repeat.times} repetitions passed, {repeat.passes} are asked for"
    if failed > repeat.times - repeat.passes:
        known = (finding for finding in findings if finding.verdict is Verdict.FAILED)
        yield from (replace(finding, message=f"{finding.message}; {count}") for finding in known)
    elif passed < max(1, repeat.passes):
        yield from (finding for finding in findings if finding.verdict is not Verdict.FAILED)
        yield _errored(Reason.NO_DATA, count)


def _by_repetition(case: Case) -> dict[int, list[Finding]]:
    found: dict[int, list[Finding]] = {step.repetition: [] for step in case.workflow.steps}
    gone: Finding | None = None
    before = Comparison(case, _whole, _step) if case.workflow.compare else None
    for step in case.workflow.steps:
        findings = list(_step(case, step))
        if before:
            findings = [before.told(step, each) if each.verdict is Verdict.FAILED else each for each in findings]
        if gone and case.workflow.repeat and case.record(step) is None:  # it was not done to a service that was away
            findings = [gone]
        found[step.repetition] += findings
        gone = gone or next((finding for finding in findings if _never_steady(case, step, finding)), None)
    return found


def _never_steady(case: Case, step: Step, finding: Finding) -> bool:
    record = case.record(step)
    return finding.reason is Reason.RECOVERY_TOO_SLOW and record is not None and record.recovery is None


def _copied(case: Case) -> Iterator[Finding]:
    """Where a copy is to be hit, there was one, and all of its pods ran the version."""
    if case.workflow.isolation is not Isolation.COPY:
        return
    copy, version = case.copy, case.spec.version
    if copy is None or not copy.pods:
        yield _errored(Reason.NO_COPY, f"nothing shows that there was a copy of version {version}")
        return
    for pod in copy.pods:
        if not set(case.spec.images) <= set(pod.images):
            yield _errored(Reason.VERSION_CHANGED, f"{_named(pod)}, of the copy, did not run version {version}")


def _baseline(case: Case) -> Iterator[Finding]:
    if not case.probes(Window.BEFORE):
        yield _errored(
            Reason.NO_DATA, "no probe counts before the first step: nothing shows that the service was steady"
        )
    for probe in case.probes(Window.BEFORE):
        summary = case.summary(probe, Window.BEFORE)
        if summary is None or unknown(probe, summary) or too_short(probe, summary, case.workflow.baseline):
            yield _no_data(probe, summary, "before the first step")
        elif broken(probe, summary):
            yield _errored(Reason.BASELINE_UNSTEADY, unsteady(probe, summary))


def _step(case: Case, step: Step) -> Iterator[Finding]:
    record, undos = case.record(step), case.undos(step)
    if record is None or record.injected is None or not undos:
        yield _errored(Reason.NO_DATA, f'the step "{step.name}" was not executed')
        return
    if any((undo.target.kind, undo.target.uid) not in case.hit for undo in undos):
        yield _errored(Reason.NO_TARGETS, f'the targets of "{step.name}" are not on record')
        return
    if step.targets is not Targets.FOLLOW and (strays := [undo for undo in undos if undo.follows]):
        named = ", ".join(_named(undo.target) for undo in strays)
        yield _errored(Reason.INTERNAL_ERROR, f'{named} was hit in "{step.name}", whose targets are fixed')
        return
    if not case.proven(step):
        yield _errored(Reason.NO_EFFECT, f'nothing shows that {_fault(undos)} in "{step.name}" was felt')
        return
    if not _was_used(case, step):
        yield _errored(Reason.NO_EFFECT, never_used(step, case.spec.workload.name))
    if record.reverted is None or record.ended is None:
        yield _errored(Reason.NO_DATA, f'the step "{step.name}" did not come to its end')
    for probe in case.probes(Window.DURING):
        yield from _during(case, step, record, probe)
    for probe in case.probes(Window.AFTER):
        yield from _after(case, step, record, probe)
    yield from _recovery(case, step, record)
    yield from _wrong_version(case, step, undos)
    yield from _not_copied(case, step, undos)


def _was_used(case: Case, step: Step) -> bool:
    """Somebody had needed what was hit, as far as the workflow says what would show it."""
    if not step.used:
        return True
    probe = next((each for each in case.probes(Window.BEFORE) if each.name == step.used), None)
    return probe is not None and had_good(case.summary(probe, Window.BEFORE))


def _during(case: Case, step: Step, record: StepRecord, probe: Probe) -> Iterator[Finding]:
    """Without a threshold each probe has to stay within its tolerance, and so has a critical one with it. Of the others
    it is enough that those which certainly did are enough; too few samples are too few in any case.
    """
    summary, known = case.summary(probe, Window.DURING, step.name), standing(case, step, probe)
    counts = probe.critical or not forgiven(case, step, {Standing.KEPT})
    if summary is not None and known is Standing.BROKEN and (probe.critical or not forgiven(case, step, POSSIBLY)):
        yield Finding(
            verdict=Verdict.FAILED,
            reason=Reason.PROBE_FAILED,
            message=f'"{probe.name}" {complaint(probe, summary)} during "{step.name}" ({_fault(case.undos(step))})'
            f"{_when(summary, record)}; {tolerated(probe)}{_below(case, step, probe)}",
        )
    elif unwatched(case, step, probe) or (counts and known is Standing.OPEN):
        yield _no_data(probe, summary, f'during "{step.name}"')


def _below(case: Case, step: Step, probe: Probe) -> str:
    """What a threshold has to do with it."""
    if case.workflow.threshold is None:
        return ""
    if probe.critical:
        return "; it is critical"
    kept = share(case, step, POSSIBLY)
    return f"; the probes that held have {kept}% of the weight, {case.workflow.threshold}% are asked for"


def _after(case: Case, step: Step, record: StepRecord, probe: Probe) -> Iterator[Finding]:
    after = case.summary(probe, Window.AFTER, step.name)
    if after is None or after.samples == 0 or after.due > 2 * after.samples or _unseen(record, after):
        yield _no_data(probe, after, f'after "{step.name}"')


def _unseen(record: StepRecord, after: Summary) -> bool:
    """The service is said to be steady again, and the good samples are too few for it, also without one at the edge."""
    return record.recovery is not None and after.samples - after.failures < STEADY_SAMPLES - 1


def _recovery(case: Case, step: Step, record: StepRecord) -> Iterator[Finding]:
    """Not to have seen the service steady is one thing, to have seen it unsteady when its time was over another."""
    if not case.probes(Window.AFTER):
        yield _errored(Reason.NO_DATA, f'no probe counts after "{step.name}": nobody could see the service recover')
        return
    if record.ended is None or recovered(record, step):
        return
    undos = case.undos(step)
    if not any(_still_bad(case, step, record, probe) for probe in case.probes(Window.AFTER)):
        allowed, late = (
            in_words(step.recover),
            f'nobody could see whether the service was steady again after "{step.name}"',
        )
        yield _errored(Reason.NO_DATA, f"{late} within {allowed}")
        return
    took = "not" if record.recovery is None else f"only after {record.recovery.total_seconds():.1f} s"
    allowed = in_words(step.recover)
    message = f'after "{step.name}" ({_fault(undos)}) the service was {took} steady again; {allowed} are allowed'
    yield Finding(verdict=Verdict.FAILED, reason=Reason.RECOVERY_TOO_SLOW, message=message)


def _still_bad(case: Case, step: Step, record: StepRecord, probe: Probe) -> bool:
    """The probe had a bad answer when the service's time to recover was over, or so shortly before that no question was
    missing in between. A bad answer long before, and then none for a while, is no proof: it may have been steady since.
    """
    after = case.summary(probe, Window.AFTER, step.name)
    if record.reverted is None or after is None or after.last_failure is None:
        return False
    return after.last_failure >= record.reverted + step.recover - LAST_LOOKS * probe.every


def _wrong_version(case: Case, step: Step, undos: list[Undo]) -> Iterator[Finding]:
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


def _not_copied(case: Case, step: Step, undos: list[Undo]) -> Iterator[Finding]:
    """With a copy, nothing else may be hit."""
    name = case.copy.name if case.copy else ""
    if case.workflow.isolation is Isolation.COPY and step.target in {None, case.spec.workload.name}:
        for undo in undos:
            if undo.target.name != name and not undo.target.name.startswith(f"{name}-"):
                message = f'{_named(undo.target)}, hit in "{step.name}", is not of the copy {name or "that was to be"}'
                yield _errored(Reason.NO_COPY, message)


def _reverts(case: Case) -> Iterator[Finding]:
    for undo in case.evidence.undo:
        if undo.reverted is None:
            why = f": {undo.error}" if undo.error else ""
            message = f"{undo.fault} of {_named(undo.target)} has not been taken back{why}"
            yield _errored(Reason.REVERT_FAILED, message)
        elif undo.by_hand:
            message = f"{undo.fault} of {_named(undo.target)} had to be taken back by hand"
            yield _errored(Reason.REVERT_FAILED, message)


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
