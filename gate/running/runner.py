"""Executes one run: watches the baseline, then for each step saves the undo, injects, proves, holds, reverts.

It gathers evidence and gives no verdict. Whatever happens, what was done is taken back before it returns.
"""

import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from gate.errors import GateError
from gate.model import (
    Effect,
    Evidence,
    Judgement,
    Reason,
    RunPhase,
    RunSpec,
    RunStatus,
    Step,
    StepRecord,
    Undo,
    Verdict,
    Window,
    WorkloadName,
)
from gate.running.execution import PATIENCE, Execution, HandedOver, Stopped, errored, why_stopped
from gate.running.judge import judge
from gate.running.logbook import Logbook
from gate.running.observation import Observation
from gate.running.ports import Journal, Surroundings, World
from gate.running.record import UNRECORDED, Record
from gate.running.reverting import revert_all, take_back, target_in_words
from gate.running.sampling import Sampler
from gate.running.time import Timekeeper
from gate.running.tolerance import broken, had_good, too_long, unknown
from gate.running.wording import never_used, too_few, unsteady

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
"""So many executors may begin the same run."""
DELIVERED = 0.9
"""The share of its requests that a load must have sent to have been the load that was asked for."""
GLANCE = timedelta(milliseconds=500)
"""How often the workload's pods are counted while an act waits for them."""


def execute(
    spec: RunSpec,
    status: RunStatus,
    world: World,
    journal: Journal,
    stop: Callable[[], Judgement | None],
    record: Record = UNRECORDED,
) -> RunStatus:
    """Execute the run from where its status says it is; returns the status that was saved last.

    Of a run that was executed before, only what is still in force is taken back.

    `stop` is asked all the time; a judgement with the reason ExecutorLost hands the run over to another executor, any
    other one ends it. Raises what the journal raises when even the end cannot be written down.
    """
    if status.phase in {RunPhase.EXECUTED, RunPhase.JUDGED}:
        return revert_all(status, world, journal)
    time = Timekeeper(world.clock)
    book = Logbook(status, journal, time, record)
    run = Execution(spec=spec, world=world, log=book, time=time, stop=stop, record=record)
    record.begin(spec, status)
    stopped: Judgement | None = None
    handed_over = False
    try:
        if status.phase is not RunPhase.RUNNING or _resume(run):
            _attempt(run)
    except HandedOver as error:
        handed_over = True
        run.log.note(f"handed over: {error.judgement.message}")
    except Exception as error:  # the one place where any error becomes a value with a reason
        stopped = why_stopped(error)
        if stopped.reason is Reason.INTERNAL_ERROR:
            log.exception("run.error workflow=%s", spec.workflow.name)
    return _end(run, stopped, handed_over=handed_over)


def _end(run: Execution, stopped: Judgement | None, *, handed_over: bool) -> RunStatus:
    """Take everything back, and write down how it ended."""
    try:
        take_back(run.log, run.world, run.time)
    except Stopped as error:
        stopped = error.judgement
    finally:
        weak = _stop_watching(run)
    if run.observation:
        run.observation.finish()
    run.write_summaries()
    if handed_over:
        run.log.save()
        return run.log.status
    if stopped := stopped or weak:
        run.log.evidence(stopped=stopped)
    what = f"stopped: {stopped.message}" if stopped else "every step is done"
    run.log.note(what, phase=RunPhase.EXECUTED, activity="", finished=run.time.now())
    _file(run)
    _insist(run, run.log.save)
    return run.log.status


def _file(run: Execution) -> None:
    """Finish the record of the run. Its verdict there is the one that the gate will come to, from the same evidence."""
    evidence = run.log.status.evidence
    if where := run.record.finish(evidence, *judge(run.spec, evidence)):
        run.log.note(where)


def _insist(run: Execution, save: Callable[[], None]) -> None:
    """The end of a run is written down even when the run itself may not go on."""
    run.stop = lambda: None
    run.spec = replace(run.spec, deadline=run.time.now() + timedelta(seconds=2 * PATIENCE))
    run.patiently(save)


# ---------------------------------------------------------------------------------------------------------- one attempt


def _attempt(run: Execution) -> None:
    """From the baseline to the last step. Raises `Stopped` and whatever else keeps it from its end."""
    number = run.log.status.attempt + 1
    if number > MOST_ATTEMPTS:
        raise errored(Reason.EXECUTOR_LOST, f"{MOST_ATTEMPTS} executors were lost on this run")
    run.log.note(
        f"attempt {number} begins" if number > 1 else "begins",
        phase=RunPhase.RUNNING,
        attempt=number,
        started=run.log.status.started or run.time.now(),
        activity="watching the baseline",
        evidence=Evidence(),
    )
    run.record.attempt(number)
    run.check()
    run.patiently(run.log.save)
    _watch(run)
    _baseline(run)
    for step in run.spec.workflow.steps:
        if not _step(run, step):
            break
    _finish(run)


def _watch(run: Execution) -> None:
    """Start the load and the probes."""
    world, workflow = run.world, run.spec.workflow
    around = Surroundings(
        cluster=world.cluster,
        clock=world.clock,
        namespace=run.spec.workload.name.namespace,
        resolve=world.resolve,
        run=world.run,
        credentials=partial(world.credentials, run.spec.workload.name.namespace),
    )
    for load in workflow.load:
        if load.kind not in world.loads:
            raise errored(Reason.BAD_DOCUMENT, f'there is no load "{load.kind}"')
        run.loads[load.name] = world.loads[load.kind].start(load.settings, around)
    askers = {}
    for probe in workflow.steady_state:
        if probe.kind not in world.probes:
            raise errored(Reason.BAD_DOCUMENT, f'there is no probe "{probe.kind}"')
        askers[probe.name] = world.probes[probe.kind].prepare(probe.settings, probe.expect, around)
    run.sampler = Sampler(workflow.steady_state, askers, run.time, world.background)
    past = run.log.status.evidence.summaries
    run.observation = Observation(workflow.steady_state, run.sampler, past, run.record.window)


def _stop_watching(run: Execution) -> Judgement | None:
    """End probes and load; says so if the load was too weak to count."""
    if run.sampler:
        run.sampler.stop()
    weak = None
    for name, load in run.loads.items():
        sent = load.stop()
        if sent.sent < DELIVERED * sent.due:
            message = f'the load "{name}" sent {sent.sent} of {sent.due} requests that were due'
            weak = errored(Reason.LOAD_TOO_WEAK, message).judgement
    run.loads.clear()
    return weak


def _baseline(run: Execution) -> None:
    """No fault is injected into a service that is not steady by itself."""
    end = run.time.now() + run.spec.workflow.baseline
    run.wait_until(end)
    _await_answers(run, end)
    run.write_summaries()
    summaries = {summary.probe: summary for summary in run.seen.baseline(run.time.now())}
    for probe in run.spec.workflow.steady_state:
        if Window.BEFORE not in probe.when:
            continue
        summary = summaries.get(probe.name)
        if summary is None or (unknown(probe, summary) and not broken(probe, summary)):
            raise errored(Reason.NO_DATA, too_few(probe, summary, "before the first step"))
        if broken(probe, summary):
            raise errored(Reason.BASELINE_UNSTEADY, unsteady(probe, summary))
    run.log.note("the baseline is steady")


def _step(run: Execution, step: Step) -> bool:
    """One step; False if the service did not become steady again, so that another fault would prove nothing."""
    undos = _plan(run, step)
    record = _inject(run, step, undos)
    record = _hold(run, step, record)
    return _recover(run, step, record)


def _plan(run: Execution, step: Step) -> list[Undo]:
    """Choose the targets and save what it takes to undo the step. Nothing has been changed so far."""
    world, name = run.world, step.target or run.spec.workload.name
    fault = run.fault(step.fault)
    _must_have_been_used(run, step)
    run.log.note(f'step "{step.name}": {step.fault} on {name}', activity=f"choosing targets for {step.name}")
    pods = run.patiently(lambda: world.workloads.ready_pods(name))
    undos = run.patiently(lambda: fault.plan(step, name, pods, run.spec.seed, world.cluster))
    if not undos:
        raise errored(Reason.NO_TARGETS, f'"{step.name}" found nothing to hit: {name} has {len(pods)} ready pods')
    targets = tuple(undo.target for undo in undos)
    _permitted(run, step, undos)
    evidence = run.log.status.evidence
    known = tuple(target for target in targets if target not in evidence.targets)
    run.log.evidence(targets=evidence.targets + known, undo=evidence.undo + tuple(undos))
    run.patiently(run.log.save)
    return undos


def _must_have_been_used(run: Execution, step: Step) -> None:
    """What nobody uses is not broken: it would prove nothing."""
    summaries = run.log.status.evidence.summaries
    shown = (each for each in summaries if each.window is Window.BEFORE and each.probe == step.used)
    if step.used and not had_good(next(shown, None)):
        raise errored(Reason.NO_EFFECT, never_used(step, run.spec.workload.name))


def _permitted(run: Execution, step: Step, undos: list[Undo]) -> None:
    refusal = run.world.permission(run.spec, step, [undo.target for undo in undos])
    if refusal is not None:
        raise Stopped(refusal)
    run.check()


def _inject(run: Execution, step: Step, undos: list[Undo]) -> StepRecord:
    """The step begins with the first act, not with the permission for it: that may be waited for."""
    fault, record = run.fault(step.fault), StepRecord(step=step.name, attempt=run.log.status.attempt)
    whole = _ready(run, step) if any(undo.spacing for undo in undos) else 0
    for undo in undos:
        _await_turn(run, step, undo, whole)
        _permitted(run, step, [undo])
        if record.injected is None:
            record = replace(record, injected=run.time.now())
            run.log.step(record)
            run.seen.begin(step.name, record.injected or run.time.now())
        run.patiently(partial(fault.inject, undo, run.world.cluster))
        run.log.undo(replace(undo, injected=run.time.now()))
        run.log.note(f"injected {undo.fault} into {target_in_words(undo)}", activity=f"holding {step.name}")
    run.log.show()
    return record


def _await_turn(run: Execution, step: Step, undo: Undo, whole: int) -> None:
    """An act that keeps its distance waits until the workload has as many ready pods again, at most for its spacing."""
    end = run.time.now() + undo.spacing
    while run.time.now() < end and _ready(run, step) < whole:
        run.wait_until(min(end, run.time.now() + GLANCE))


def _ready(run: Execution, step: Step) -> int:
    name = step.target or run.spec.workload.name
    return len(run.patiently(lambda: run.world.workloads.ready_pods(name)))


def _hold(run: Execution, step: Step, record: StepRecord) -> StepRecord:
    """Keep the fault for its time, but no longer than the service can be said to stand it; then take it back."""
    end = (record.injected or run.time.now()) + step.hold
    proven = False
    while (left := (end - run.time.now()).total_seconds()) > 0:
        proven = proven or _prove(run, step)
        if proven and (probe := _given_up(run)):
            run.log.note(f'"{probe}" is beyond what is tolerated: the fault is taken back early')
            break
        run.pause(left)
    if not (proven or _prove(run, step)):
        raise errored(Reason.NO_EFFECT, f'nothing shows that {step.fault} in "{step.name}" was felt')
    take_back(run.log, run.world, run.time)
    record = replace(record, reverted=run.time.now())
    run.seen.mark(reverted=record.reverted)
    run.log.step(record)
    run.log.show()
    return record


def _prove(run: Execution, step: Step) -> bool:
    """Look for what shows that each act was felt; True when there is something for all of them."""
    effects = run.log.status.evidence.effects
    felt = {effect.undo for effect in effects}
    undos = [undo for undo in run.log.status.evidence.undo if undo.step == step.name]
    for undo in undos:
        if undo.id in felt:
            continue
        try:
            what = _proof(run, undo)
        except GateError as error:
            log.warning("run.prove undo=%s why=%r", undo.id, str(error))
            continue
        if what:
            effects = (*effects, Effect(undo=undo.id, step=step.name, what=what, seen=run.time.now()))
            run.log.note(f"effect: {what}")
    run.log.evidence(effects=effects)
    return {undo.id for undo in undos} <= {effect.undo for effect in effects}


def _proof(run: Execution, undo: Undo) -> str:
    """What shows that the act was felt; empty while nothing does. Some acts only a probe can feel."""
    what = run.fault(undo.fault).prove(undo, run.world.cluster) or ""
    if not what or not undo.proof:
        return what
    complaint = run.seen.complaint(undo.proof) if run.observation else ""
    return f"{what}; {complaint}" if complaint else ""


def _given_up(run: Execution) -> str:
    """The probe whose streak is already longer than tolerated; empty while there is none.

    Where the others may make up for it, they have to be watched to the end.
    """
    workflow = run.spec.workflow
    for probe in workflow.steady_state:
        if (probe.critical or workflow.threshold is None) and too_long(probe, run.seen.longest_now(probe)):
            return probe.name
    return ""


def _recover(run: Execution, step: Step, record: StepRecord) -> bool:
    """Watch until the service is steady again, or has had its time."""
    reverted = record.reverted or run.time.now()
    run.log.status = replace(run.log.status, activity=f"watching the recovery from {step.name}")
    steady: datetime | None = None
    last = reverted + step.recover + run.seen.stretch()
    while steady is None and run.time.now() < last:
        run.pause()
        steady = run.seen.steady(reverted)
    ended = run.time.now()
    _await_answers(run, ended)
    run.seen.mark(ended=ended)
    first_bad = run.seen.first_bad()
    run.log.step(
        replace(
            record,
            ended=ended,
            detection=_tenths(first_bad - record.injected) if first_bad and record.injected else None,
            recovery=_tenths(steady - reverted) if steady else None,
        )
    )
    took = f"steady again after {(steady - reverted).total_seconds():.1f} s" if steady else "not steady again"
    run.log.note(f'step "{step.name}" is over: {took}')
    run.seen.close()
    run.write_summaries()
    run.patiently(run.log.save)
    return steady is not None


def _await_answers(run: Execution, before: datetime) -> None:
    """Answers to questions that are out belong to the step. One that does not come in all that time is missing."""
    give_up = before + timedelta(seconds=PATIENCE)
    while run.seen.waiting(before) and run.time.now() < give_up:
        run.pause()


def _finish(run: Execution) -> None:
    """The version must be the same as at the beginning. A pod that is just being replaced is waited for."""
    end = run.time.now() + timedelta(seconds=PATIENCE)
    while True:
        version = run.patiently(lambda: run.world.workloads.version(run.spec.workload))
        if version or run.time.now() >= end:
            break
        run.pause()
    run.log.evidence(version_after=version)
    for name in dict.fromkeys([run.spec.workload.name, *(each.target for each in run.spec.workflow.steps)]):
        _record_pods(run, name)


def _record_pods(run: Execution, name: WorkloadName | None) -> None:
    """For the record only: what runs now in the place of what was hit."""
    try:
        if name is not None:
            run.record.after(run.world.workloads.ready_pods(name))
    except GateError as error:
        log.warning("run.after workload=%s why=%r", name, str(error))


def _tenths(time: timedelta) -> timedelta:
    return timedelta(seconds=max(0.0, round(time.total_seconds(), 1)))


# ------------------------------------------------------------------------------------------- after an executor was lost


def _resume(run: Execution) -> bool:
    """Take over a run that another executor began; True if it is to be begun again.

    A fault that was felt and is taken back must let the service recover, whoever took it back. If it does not, or broke
    its tolerance before already, that is the answer. If it does, what was seen is too little to pass on, and the run
    begins again.
    """
    run.log.note("the executor was lost; another one takes over", activity="taking back what was left")
    step = _left_behind(run)
    proven = step is not None and _prove(run, step)
    failed = judge(run.spec, run.log.status.evidence)[0].verdict is Verdict.FAILED
    take_back(run.log, run.world, run.time)
    run.log.show()
    if step is None or not proven:
        return not failed
    reverted = run.time.now()
    saved = next((each for each in run.log.status.evidence.steps if each.step == step.name), None)
    record = replace(saved or StepRecord(step=step.name, injected=_injected(run, step)), reverted=reverted)
    _watch(run)
    run.seen.resume(step.name, record.injected or reverted, reverted)
    recovered = _recover(run, step, record)
    if recovered and not failed:
        _stop_watching(run)
        run.sampler = run.observation = None
        return True
    _finish(run)
    return False


def _left_behind(run: Execution) -> Step | None:
    """The step that was under way: it has undos, and no end."""
    evidence = run.log.status.evidence
    ended = {record.step for record in evidence.steps if record.ended}
    begun = {undo.step for undo in evidence.undo} - ended
    return next((step for step in run.spec.workflow.steps if step.name in begun), None)


def _injected(run: Execution, step: Step) -> datetime | None:
    """When the step's fault came; if that was not written down any more, when it was first seen to be there."""
    evidence = run.log.status.evidence
    known = [undo.injected for undo in evidence.undo if undo.step == step.name and undo.injected]
    seen = [effect.seen for effect in evidence.effects if effect.step == step.name]
    return min(known or seen, default=None)
