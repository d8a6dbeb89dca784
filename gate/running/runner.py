"""Executes one run: watches the baseline, then for each step saves the undo, injects, proves, holds, reverts.

It gathers evidence and gives no verdict. Whatever happens, what was done is taken back before it returns.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from gate.documents.isolation import VERSION_BEFORE
from gate.errors import Denied, GateError, Permanent
from gate.model import (
    Evidence,
    Isolation,
    Judgement,
    Load,
    Probe,
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
from gate.running.comparison import has_begun, steps_before, without_version_before
from gate.running.copying import copy_of, standing_copy
from gate.running.execution import PATIENCE, Execution, HandedOver, Stopped, errored, why_stopped
from gate.running.judge import judge
from gate.running.logbook import Logbook
from gate.running.observation import Observation
from gate.running.ports import Asker, Journal, Surroundings, World
from gate.running.record import UNRECORDED, Record
from gate.running.reverting import all_but_copies, beside, faults, revert_all, take_back
from gate.running.sampling import Sampler
from gate.running.stepping import await_answers, play_step, prove, recover
from gate.running.time import Timekeeper
from gate.running.tolerance import broken, unknown
from gate.running.turns import WAITING
from gate.running.wording import too_few, unsteady

log = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
"""So many executors may begin the same run."""
ADMISSION = timedelta(seconds=5)
"""How often it is asked whether the policy lets the run begin by now."""
DELIVERED = 0.9
"""The share of its requests that a load must have sent to have been the load that was asked for."""


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
    waited = status.activity if status.activity.startswith(WAITING) else ""
    run = Execution(spec=spec, world=world, log=book, time=time, stop=stop, record=record, waiting=waited)
    record.begin(spec, status)
    stopped: Judgement | None = None
    handed_over = False
    try:
        if status.phase is not RunPhase.RUNNING or _resume(run):
            _attempt(run)
        if _asks_for_comparison(run):
            _compare(run)
    except HandedOver as error:
        handed_over = True
        run.log.note(f"handed over: {error.judgement.message}")
    except Exception as error:  # the one place where any error becomes a value with a reason
        stopped = why_stopped(error)
        if stopped.reason is Reason.INTERNAL_ERROR:
            log.exception("run.error workflow=%s", spec.workflow.name)
        if run.stage and stopped.verdict is Verdict.ERRORED:  # what the version before does changes no verdict
            run.log.note(f"the comparison ended: {stopped.message}")
            run.log.evidence(uncompared=stopped.message)
            stopped = None
    return _end(run, stopped, handed_over=handed_over)


def _end(run: Execution, stopped: Judgement | None, *, handed_over: bool) -> RunStatus:
    """Take everything back, unless that has been tried to the end, and write down how it ended."""
    try:
        if stopped is None or stopped.reason is not Reason.REVERT_FAILED:
            stopped = _take_back(run, faults) or stopped
    finally:
        weak = _stop_watching(run)
    stopped = _take_back(run, beside) or stopped  # now that nobody asks them any more
    if handed_over:  # what the load said then is for the next one to find out anew
        run.log.save()
        return run.log.status
    if run.stage and weak:
        run.log.evidence(uncompared=weak.message)
        weak = None
    if stopped := stopped or weak:
        run.log.evidence(stopped=stopped)
    what = f"stopped: {stopped.message}" if stopped else "every step is done"
    run.log.note(what, phase=RunPhase.EXECUTED, activity="", finished=run.time.now())
    _file(run)
    _insist(run, run.log.save)
    return run.log.status


def _take_back(run: Execution, which: Callable[[Undo], bool]) -> Judgement | None:
    """What is to be said of it, if not all could be taken back."""
    try:
        take_back(run.log, run.world, run.time, which)
    except Stopped as error:
        return error.judgement
    return None


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
    take_back(run.log, run.world, run.time)
    _be_admitted(run)
    number = _next_attempt(run)
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
    if run.spec.workflow.isolation is Isolation.COPY:
        run.copy = copy_of(run, run.spec.images, pinned=False)
    _play(run, run.spec.workflow.steps)
    _finish(run)


def _be_admitted(run: Execution) -> None:
    """Wait, visibly, until the policy lets it begin. Whoever is lost meanwhile has begun no attempt."""
    before = ""
    while holder := run.patiently(lambda: run.world.admits(run.spec)):
        run.waiting = f"{WAITING}{holder}"
        if holder != before:
            run.log.note(f"waits: held by {holder}", activity=run.waiting)
            run.log.show()
            before = holder
        run.wait_until(run.time.now() + ADMISSION)


def _next_attempt(run: Execution) -> int:
    """Its number. Raises `Stopped` if there were enough."""
    number = run.log.status.attempt + 1
    if number > MOST_ATTEMPTS:
        raise errored(Reason.EXECUTOR_LOST, f"{MOST_ATTEMPTS} executors were lost on this run")
    return number


def _play(run: Execution, steps: Sequence[Step]) -> None:
    _watch(run)
    _baseline(run)
    for step in steps:
        if not play_step(run, step):
            break


def _asks_for_comparison(run: Execution) -> bool:
    """The version has failed, and nothing has ended the comparison yet."""
    evidence = run.log.status.evidence
    failed = judge(run.spec, evidence)[0].verdict is Verdict.FAILED
    return failed and run.spec.workflow.compare is not None and not evidence.uncompared


def _compare(run: Execution) -> None:
    """Do the same to the version before, to know since when it is so. The verdict stays what it is."""
    if weak := _stop_watching(run):
        raise Stopped(weak)
    take_back(run.log, run.world, run.time)
    run.stage, run.copy = VERSION_BEFORE, None
    if has_begun(run.log.status.evidence):
        _compare_anew(run)
    if not run.spec.previous:
        raise errored(Reason.NO_COPY, "nobody knows which version ran before")
    run.copy = copy_of(run, run.spec.previous, pinned=True)
    _play(run, steps_before(run.spec.workflow))


def _compare_anew(run: Execution) -> None:
    """The executor that did so was lost: what it saw is too little to say that the version before had held."""
    number = _next_attempt(run)
    without = without_version_before(run.log.status.evidence)
    run.log.note(f"attempt {number}: the comparison begins anew", attempt=number, evidence=without)
    run.patiently(run.log.save)


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
        keep=partial(_keep, run),
        rest=run.pause,
        deadline=run.spec.deadline,
    )
    for load in workflow.load:
        _start(run, load, around)
    askers = {probe.name: _prepare(run, probe, around) for probe in workflow.steady_state}
    run.sampler = Sampler(workflow.steady_state, askers, run.time, world.background, world.stood_still)
    past = run.log.status.evidence.summaries
    run.observation = Observation(workflow.steady_state, run.sampler, past, run.record.samples, run.stage)


def _start(run: Execution, load: Load, around: Surroundings) -> None:
    if load.kind not in run.world.loads:
        raise errored(Reason.BAD_DOCUMENT, f'there is no load "{load.kind}"')
    around = replace(around, what=f"load {load.name}")
    try:
        run.loads[load.name] = run.world.loads[load.kind].start(run.bound(load.settings), around)
    except (Denied, Permanent) as error:
        raise errored(Reason.LOAD_TOO_WEAK, f'the load "{load.name}" did not begin: {error}') from error


def _prepare(run: Execution, probe: Probe, around: Surroundings) -> Asker:
    if probe.kind not in run.world.probes:
        raise errored(Reason.BAD_DOCUMENT, f'there is no probe "{probe.kind}"')
    around = replace(around, what=f"probe {probe.name}")
    kind, settings, expect = run.world.probes[probe.kind], run.bound(probe.settings), run.bound(probe.expect)
    try:
        return kind.prepare(settings, expect, around)
    except (Denied, Permanent) as error:
        raise errored(Reason.NO_DATA, f'the probe "{probe.name}" cannot be asked: {error}') from error


def _keep(run: Execution, undo: Undo) -> None:
    """Something of ours is about to be made beside the run: may it, and what takes it away again?"""
    known = run.log.status.evidence.undo
    number = sum(each.id.startswith(undo.id) for each in known)
    undo = replace(undo, id=f"{undo.id} {number + 1}" if number else undo.id)
    nothing = timedelta(0)
    act = Step(name=undo.id, fault=undo.fault, settings={}, hold=nothing, recover=nothing)
    if refusal := run.world.permission(run.spec, act, [undo.target]):
        raise Stopped(refusal)
    run.log.evidence(undo=(*known, undo))
    run.patiently(run.log.save)


def _stop_watching(run: Execution) -> Judgement | None:
    """End probes and load, and write down what was seen; says so if the load was too weak to count."""
    if run.sampler:
        run.sampler.stop()
        run.sampler = None
    if run.observation:
        run.observation.finish()
    run.write_summaries()
    weak = None
    for name, load in run.loads.items():
        sent = load.stop()
        if sent.problem:
            weak = errored(Reason.LOAD_TOO_WEAK, f'the load "{name}" {sent.problem}').judgement
        elif sent.sent < DELIVERED * sent.due:
            message = f'the load "{name}" sent {sent.sent} of {sent.due} requests that were due'
            weak = errored(Reason.LOAD_TOO_WEAK, message).judgement
    run.loads.clear()
    return weak


def _baseline(run: Execution) -> None:
    """No fault is injected into a service that is not steady by itself."""
    end = run.time.now() + run.spec.workflow.baseline
    run.wait_until(end)
    await_answers(run, end)
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


def _finish(run: Execution) -> None:
    """The version must be the same as at the beginning. A pod that is just being replaced is waited for."""
    end = run.time.now() + timedelta(seconds=PATIENCE)
    while True:
        version = run.patiently(lambda: run.world.workloads.version(run.spec.workload))
        if version or run.time.now() >= end:
            break
        run.pause()
    run.log.evidence(version_after=version)
    names = [run.spec.workload.name, run.subject, *(each.target for each in run.spec.workflow.steps)]
    for name in dict.fromkeys(names):
        _record_pods(run, name)


def _record_pods(run: Execution, name: WorkloadName | None) -> None:
    """For the record only: what runs now in the place of what was hit."""
    try:
        if name is not None:
            run.record.after(run.world.workloads.ready_pods(name))
    except GateError as error:
        log.warning("run.after workload=%s why=%r", name, str(error))


# ------------------------------------------------------------------------------------------- after an executor was lost


def _resume(run: Execution) -> bool:
    """Take over a run that another executor began; True if it is to be begun again.

    A fault that was felt and is taken back must let the service recover, whoever took it back. If it does not, or broke
    its tolerance before already, that is the answer. If it does, what was seen is too little to pass on, and the run
    begins again.
    """
    run.log.note("the executor was lost; another one takes over", activity="taking back what was left")
    step = _left_behind(run)
    proven = step is not None and prove(run, step)
    failed = judge(run.spec, run.log.status.evidence)[0].verdict is Verdict.FAILED
    take_back(run.log, run.world, run.time, all_but_copies)
    run.log.show()
    run.copy = standing_copy(run)
    if step is None or not proven or (run.copy is None and run.spec.workflow.isolation is Isolation.COPY):
        return not failed  # also where the copy is gone that could have recovered
    reverted = run.time.now()
    saved = next((each for each in run.log.status.evidence.steps if each.step == step.name), None)
    record = replace(saved or StepRecord(step=step.name, injected=_injected(run, step)), reverted=reverted)
    _watch(run)
    run.seen.resume(step.name, record.injected or reverted, reverted)
    recovered = recover(run, step, record)
    if recovered and not failed:
        _stop_watching(run)
        run.observation = None
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
