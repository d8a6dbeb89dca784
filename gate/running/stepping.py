"""One step of a run: choose and save, ask, inject, prove, hold, take back, and watch the service recover."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from gate.errors import Futile, GateError
from gate.model import Effect, Reason, Step, StepRecord, Undo, Window, WorkloadName
from gate.running.execution import PATIENCE, Execution, Stopped, errored
from gate.running.following import Replacements
from gate.running.reverting import faults, take_back, target_in_words
from gate.running.tolerance import had_good, too_long
from gate.running.turns import WAITING
from gate.running.wording import never_used

log = logging.getLogger(__name__)

LOOK_AGAIN = timedelta(seconds=1)
"""How often it is asked whether targets are still held by somebody else."""
GLANCE = timedelta(milliseconds=500)
"""How often the workload's pods are counted while an act waits for them."""


def play_step(run: Execution, step: Step) -> bool:
    """One step; False if the service did not become steady again, so that another fault would prove nothing."""
    undos = _plan(run, step)
    record = _inject(run, step, undos)
    record = _hold(run, step, record)
    return recover(run, step, record)


def _plan(run: Execution, step: Step) -> list[Undo]:
    """Choose the targets and save what it takes to undo the step. Nothing has been changed so far."""
    name = run.aim(step)
    _must_have_been_used(run, step)
    run.log.note(f'step "{step.name}": {step.fault} on {name}', activity=f"choosing targets for {step.name}")
    target = name if run.copy else step.target
    undos = choose(run, replace(step, settings=run.bound(step.settings), target=target), name)
    targets = tuple(undo.target for undo in undos)
    _permitted(run, step, undos)
    evidence = run.log.status.evidence
    known = tuple(target for target in targets if target not in evidence.targets)
    run.log.evidence(targets=evidence.targets + known, undo=evidence.undo + tuple(undos))
    run.patiently(run.log.save)
    return undos


def choose(run: Execution, step: Step, name: WorkloadName) -> list[Undo]:
    """The targets that nobody else holds. Whoever waits chooses anew: meanwhile there may be others."""
    world, fault, before = run.world, run.fault(step.fault), ""
    while True:
        pods = run.patiently(lambda: world.workloads.ready_pods(name))
        undos = run.patiently(partial(fault.plan, step, name, pods, run.spec.seed, world.cluster))
        if not undos:
            raise errored(Reason.NO_TARGETS, f'"{step.name}" found nothing to hit: {name} has {len(pods)} ready pods')
        holder = run.patiently(partial(world.locks, world.run, run.spec, step, undos))
        if not holder:
            run.bystanders = frozenset(pod.uid for pod in pods)
            return undos
        run.waiting = f"{WAITING}{holder}"
        if holder != before:
            run.log.note(f'"{step.name}" waits: its targets are held by {holder}', activity=run.waiting)
            before = holder
        run.wait_until(run.time.now() + LOOK_AGAIN)


def _must_have_been_used(run: Execution, step: Step) -> None:
    """What nobody uses is not broken: it would prove nothing."""
    summaries = run.log.status.evidence.summaries
    before = (each for each in summaries if (each.window, each.step) == (Window.BEFORE, run.stage))
    if step.used and not had_good(next((each for each in before if each.probe == step.used), None)):
        raise errored(Reason.NO_EFFECT, never_used(step, run.subject))


def _permitted(run: Execution, step: Step, undos: list[Undo]) -> None:
    refusal = run.world.permission(run.spec, step, [undo.target for undo in undos])
    if refusal is not None:
        raise Stopped(refusal)
    run.check()


def _inject(run: Execution, step: Step, undos: list[Undo]) -> StepRecord:
    """The step begins with the first act, not with the permission for it: that may be waited for."""
    record = StepRecord(step=step.name, attempt=run.log.status.attempt)
    whole = _ready(run, step) if any(undo.spacing for undo in undos) else 0
    for undo in undos:
        _await_turn(run, step, undo, whole)
        _permitted(run, step, undos)  # after a pause the whole step is asked about, not one act of it
        if record.injected is None:
            record = _first(run, undo, record)
        else:
            _act(run, undo)
        run.log.undo(replace(undo, injected=run.time.now()))
        run.log.note(f"injected {undo.fault} into {target_in_words(undo)}", activity=f"holding {step.name}")
    run.log.show()
    return record


def _first(run: Execution, undo: Undo, record: StepRecord) -> StepRecord:
    """The first act, which is on record before it is tried. The step begins with the try that did it."""
    record = replace(record, injected=run.time.now())
    run.log.step(record)
    try:
        record = replace(record, injected=_act(run, undo))
    finally:
        run.seen.begin(record.step, record.injected or run.time.now())
    run.log.step(record)
    return record


def _act(run: Execution, undo: Undo) -> datetime:
    """Do it, and say when that was begun which did it: what was tried before only prepared it."""
    fault, begun = run.fault(undo.fault), run.time.now()

    def attempt() -> None:
        nonlocal begun
        begun = run.time.now()
        fault.inject(undo, run.world.cluster)

    run.patiently(attempt)
    return begun


def _await_turn(run: Execution, step: Step, undo: Undo, whole: int) -> None:
    """An act that keeps its distance waits until the workload has as many ready pods again, at most for its spacing."""
    end = run.time.now() + undo.spacing
    while run.time.now() < end and _ready(run, step) < whole:
        run.wait_until(min(end, run.time.now() + GLANCE))


def _ready(run: Execution, step: Step) -> int:
    name = run.aim(step)
    return len(run.patiently(lambda: run.world.workloads.ready_pods(name)))


def _hold(run: Execution, step: Step, record: StepRecord) -> StepRecord:
    """Keep the fault for its time, but no longer than the service can be said to stand it; then take it back."""
    begun = _in_force(run, step, record)
    end = begun + step.hold
    proven, replacements = False, Replacements(run, step, begun)
    while (left := (end - run.time.now()).total_seconds()) > 0:
        proven = proven or prove(run, step)
        proven = not replacements.look() and proven
        if proven and (probe := _given_up(run)):
            run.log.note(f'"{probe}" is beyond what is tolerated: the fault is taken back early')
            break
        run.pause(left)
    if not (proven or prove(run, step)):
        why = "".join(f"; {each}" for each in dict.fromkeys(run.doubts.values()))
        raise errored(Reason.NO_EFFECT, f'nothing shows that {step.fault} in "{step.name}" was felt{why}')
    take_back(run.log, run.world, run.time, faults)
    record = replace(record, reverted=run.time.now())
    run.seen.mark(reverted=record.reverted)
    run.log.step(record)
    run.log.show()
    return record


def _in_force(run: Execution, step: Step, record: StepRecord) -> datetime:
    """From when on the hold counts: from the first act where they keep their distance, else from the last one."""
    undos = [undo for undo in run.log.status.evidence.undo if undo.step == step.name]
    first = record.injected or run.time.now()
    if any(undo.spacing for undo in undos):
        return first
    return max((undo.injected for undo in undos if undo.injected), default=first)


def prove(run: Execution, step: Step) -> bool:
    """Look for what shows that each act was felt; True when there is something for all of them.

    Raises `Futile` when one of them has shown that it will not be.
    """
    effects = run.log.status.evidence.effects
    felt = {effect.undo for effect in effects}
    undos = [undo for undo in run.log.status.evidence.undo if undo.step == step.name]
    for undo in undos:
        if undo.id in felt:
            continue
        why = run.doubts.pop(undo.id, "")
        try:
            what = _proof(run, undo)
        except Futile:
            raise
        except GateError as error:
            run.doubts[undo.id] = str(error)
            if why != str(error):
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


def recover(run: Execution, step: Step, record: StepRecord) -> bool:
    """Watch until the service is steady again, or has had its time."""
    reverted = record.reverted or run.time.now()
    run.log.status = replace(run.log.status, activity=f"watching the recovery from {step.name}")
    steady: datetime | None = None
    last = reverted + step.recover + run.seen.stretch()
    while steady is None and run.time.now() < last:
        run.pause()
        steady = run.seen.steady(reverted)
    ended = run.time.now()
    run.seen.mark(ended=ended)
    await_answers(run, ended)
    steady = steady or run.seen.steady(reverted)  # an answer that is waited for may be a good one
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


def await_answers(run: Execution, before: datetime) -> None:
    """Answers to questions that are out belong to the step. One that does not come in all that time is missing."""
    give_up = before + timedelta(seconds=PATIENCE)
    while run.seen.waiting(before) and run.time.now() < give_up:
        run.pause()


def _tenths(time: timedelta) -> timedelta:
    return timedelta(seconds=max(0.0, round(time.total_seconds(), 1)))
