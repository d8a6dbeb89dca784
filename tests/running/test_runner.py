"""A run from its beginning to its end, in simulated time."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gate.errors import Futile, Permanent, Temporary
from gate.model import Judgement, Reason, RunPhase, RunStatus, Verdict, Window
from gate.running.judge import judge
from gate.running.ports import LoadSummary
from gate.running.reverting import revert_all
from tests.running.simulation import (
    POD,
    PROBE,
    SPEC,
    START,
    STEP,
    Life,
    Service,
    Stage,
    Traffic,
    seconds,
    with_load,
    with_steps,
)

SUPERSEDED = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message="v2 is out")
LOST = Judgement(verdict=Verdict.ERRORED, reason=Reason.EXECUTOR_LOST, message="the gate was told to stop")


def verdict(stage: Stage, status: RunStatus) -> tuple[Verdict, Reason | None]:
    judgement, _ = judge(stage.spec, status.evidence)
    return judgement.verdict, judgement.reason


def test_a_service_that_does_not_suffer_passes_with_everything_proven() -> None:
    stage = Stage(Service(suffers=False))
    status = stage.execute()
    assert (status.phase, status.attempt) == (RunPhase.EXECUTED, 1)
    assert judge(SPEC, status.evidence) == (Judgement(verdict=Verdict.PASSED), 100)
    (record,) = status.evidence.steps
    assert record.detection is None
    assert record.recovery == timedelta(0)
    assert stage.journal.status == status
    assert not stage.journal.guarded


def test_a_service_that_suffers_fails_with_the_time_and_the_length_of_it() -> None:
    stage = Stage(Service(recovers_after=1.5))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.FAILED, Reason.PROBE_FAILED)
    (record,) = status.evidence.steps
    assert record.detection is not None
    assert record.detection <= seconds(0.1)
    assert record.recovery is not None
    assert seconds(1.5) <= record.recovery <= seconds(1.6)
    during = next(each for each in status.evidence.summaries if each.window is Window.DURING)
    assert during.detail == "HTTP 502"
    assert during.failures >= during.samples - 1  # one may have been put in the very moment before


def test_a_fault_that_is_not_stood_is_taken_back_before_its_time() -> None:
    status = Stage().execute()
    (record,) = status.evidence.steps
    assert record.injected is not None
    assert record.reverted is not None
    assert record.reverted - record.injected < seconds(1.5) < STEP.hold


def test_a_service_that_does_not_recover_is_watched_for_its_bound_and_not_hit_again() -> None:
    stage = Stage(Service(recovers_after=None), spec=with_steps(STEP, replace(STEP, name="again")))
    status = stage.execute()
    assert [record.step for record in status.evidence.steps] == ["lights out"]
    assert status.evidence.steps[0].recovery is None
    assert stage.service.injections == 1
    assert verdict(stage, status)[0] is Verdict.FAILED


def test_a_recovery_after_its_bound_is_too_slow() -> None:
    lenient = replace(SPEC.workflow.steady_state[0].tolerate, failures=1.0, streak=seconds(60))
    probe = replace(SPEC.workflow.steady_state[0], tolerate=lenient)
    spec = replace(SPEC, workflow=replace(SPEC.workflow, steady_state=(probe,)))
    quick = Stage(Service(recovers_after=2), spec=spec)
    assert verdict(quick, quick.execute()) == (Verdict.PASSED, None)
    slow = Stage(Service(recovers_after=3.2), spec=spec)
    assert verdict(slow, slow.execute()) == (Verdict.FAILED, Reason.RECOVERY_TOO_SLOW)


def test_a_probe_says_nothing_where_it_does_not_count() -> None:
    (probe,) = SPEC.workflow.steady_state
    probes = (probe, replace(probe, name="comes back", when=(Window.BEFORE, Window.AFTER)))
    stage = Stage(
        Service(recovers_after=1), spec=replace(SPEC, workflow=replace(SPEC.workflow, steady_state=probes[1:]))
    )
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.PASSED, None)
    assert [each.window for each in status.evidence.summaries] == [Window.BEFORE, Window.AFTER]
    (record,) = status.evidence.steps
    assert record.injected is not None
    assert record.reverted is not None
    assert record.reverted - record.injected >= STEP.hold
    strict = Stage(Service(recovers_after=1), spec=replace(SPEC, workflow=replace(SPEC.workflow, steady_state=probes)))
    assert verdict(strict, strict.execute()) == (Verdict.FAILED, Reason.PROBE_FAILED)


@pytest.mark.parametrize(
    ("proof", "suffers", "reason"),
    [
        (PROBE.name, True, Reason.PROBE_FAILED),
        (PROBE.name, False, Reason.NO_EFFECT),
        ("a probe that there is not", True, Reason.NO_EFFECT),
    ],
)
def test_an_act_that_only_a_probe_can_feel_is_proven_by_its_bad_answer(
    proof: str, suffers: bool, reason: Reason
) -> None:
    stage = Stage(Service(suffers=suffers, proof=proof, recovers_after=0.5))
    status = stage.execute()
    assert verdict(stage, status)[1] is reason
    said = [effect.what for effect in status.evidence.effects]
    assert said == ([f'the lights are out; "{PROBE.name}" says HTTP 502'] if reason is Reason.PROBE_FAILED else [])


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        (Service(pods=()), Reason.NO_TARGETS),
        (Service(felt=False), Reason.NO_EFFECT),
        (Service(unsteady=True), Reason.BASELINE_UNSTEADY),
        (Service(suffers=False, version="v2"), Reason.VERSION_CHANGED),
        (Service(suffers=False, version=""), Reason.VERSION_CHANGED),
    ],
)
def test_what_could_not_be_found_out_is_an_error_with_its_reason(service: Service, reason: Reason) -> None:
    stage = Stage(service)
    status = stage.execute()
    assert status.phase is RunPhase.EXECUTED
    assert verdict(stage, status) == (Verdict.ERRORED, reason)


def test_an_act_that_says_why_it_cannot_be_felt_ends_the_run_at_once_with_that() -> None:
    stage = Stage(Service(suffers=False, doubt=Futile("the Job ended with exit code 3")))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.ERRORED, Reason.NO_EFFECT)
    assert status.evidence.stopped is not None
    assert status.evidence.stopped.message == "the Job ended with exit code 3"
    assert stage.clock.monotonic() < STEP.hold.total_seconds()
    assert not stage.service.in_force


def test_what_is_not_felt_to_the_end_says_what_was_heard_last() -> None:
    stage = Stage(Service(suffers=False, doubt=Temporary("the Job has not ended")))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.ERRORED, Reason.NO_EFFECT)
    assert status.evidence.stopped is not None
    assert status.evidence.stopped.message.endswith("was felt; the Job has not ended")


def test_no_fault_is_injected_into_a_service_that_is_not_steady() -> None:
    stage = Stage(Service(unsteady=True))
    stage.execute()
    assert stage.service.injections == 0


def test_without_permission_nothing_is_changed_or_guarded() -> None:
    no = Judgement(verdict=Verdict.ERRORED, reason=Reason.POLICY_DENIED, message="not in kube-system")
    stage = Stage(refusal=no)
    status = stage.execute()
    assert status.evidence.stopped == no
    assert stage.service.injections == 0
    assert not any(each.evidence.undo for each in stage.journal.saves)


@pytest.mark.parametrize("after", [0.0, 1.0, 2.5, 4.0, 6.5])
def test_a_superseded_run_is_taken_back_at_once_and_says_so(after: float) -> None:
    stage = Stage(Service(suffers=False))
    stage.stop = lambda: SUPERSEDED if stage.clock.monotonic() >= after else None
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.CANCELED, Reason.SUPERSEDED)
    assert not stage.service.in_force
    assert stage.clock.monotonic() <= after + 0.2


def test_the_deadline_ends_the_run_and_takes_the_fault_back() -> None:
    stage = Stage(Service(suffers=False), spec=replace(SPEC, deadline=START + seconds(3)))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.ERRORED, Reason.DEADLINE_EXCEEDED)
    assert stage.service.injections == 1
    assert not stage.service.in_force


def test_an_executor_that_has_to_go_takes_the_fault_back_and_leaves_the_run_to_the_next() -> None:
    stage = Stage(Service(suffers=False))
    stage.stop = lambda: LOST if stage.clock.monotonic() >= 3 else None
    assert stage.execute().phase is RunPhase.RUNNING
    assert not stage.service.in_force
    stage.stop = lambda: None
    stage.restart()
    status = stage.execute()
    assert (status.phase, status.attempt) == (RunPhase.EXECUTED, 2)
    assert verdict(stage, status) == (Verdict.PASSED, None)


def test_what_cannot_be_taken_back_is_tried_for_a_while_stays_guarded_and_can_be_finished_by_another() -> None:
    stage = Stage(Service(suffers=False, stuck=True))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.ERRORED, Reason.REVERT_FAILED)
    assert status.evidence.undo[0].error == "the switch does not answer"
    assert stage.journal.guarded
    assert stage.clock.monotonic() > 30
    stage.service.stuck = False
    after = revert_all(status, stage.world(), stage.journal)
    assert after.evidence.undo[0].reverted
    assert not stage.journal.guarded
    assert not stage.service.in_force


def test_what_takes_long_to_take_back_is_waited_for_as_long_as_its_author_says() -> None:
    stage = Stage(Service(suffers=False, stuck=True, patience=seconds(300)))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.ERRORED, Reason.REVERT_FAILED)
    assert 300 < stage.clock.monotonic() < 320


def test_a_run_that_was_executed_is_never_begun_again_only_taken_back() -> None:
    stage = Stage(Service(suffers=False, stuck=True))
    stage.execute()
    stage.service.stuck = False
    injections = stage.service.injections
    stage.stop = lambda: SUPERSEDED
    status = stage.execute()
    assert status.phase is RunPhase.EXECUTED
    assert stage.service.injections == injections
    assert not stage.service.in_force
    assert not stage.journal.guarded


def test_nothing_is_injected_while_the_undo_cannot_be_saved() -> None:
    stage = Stage(Service(suffers=False))
    stage.journal.refusals = 3
    assert verdict(stage, stage.execute()) == (Verdict.PASSED, None)  # the fault itself asserts that it was saved
    away = Stage(Service(suffers=False))

    def stop() -> None:
        away.journal.refusals = int(1.9 <= away.clock.monotonic() < 40)

    away.stop = stop
    status = away.execute()
    assert verdict(away, status) == (Verdict.ERRORED, Reason.INTERNAL_ERROR)
    assert away.service.injections == 0
    assert away.journal.status == status, "the end was written down when the API server was back"


def test_a_load_that_did_not_deliver_proves_nothing() -> None:
    stage = Stage(Service(suffers=False), spec=with_load())
    stage.load.summary = LoadSummary(due=100, sent=89, failed=0)
    assert verdict(stage, stage.execute()) == (Verdict.ERRORED, Reason.LOAD_TOO_WEAK)


@pytest.mark.parametrize(
    "load",
    [
        Traffic(summary=LoadSummary(due=0, sent=0, failed=0, problem="ended before the run did")),
        Traffic(refusal=Permanent("there is no such image")),
    ],
    ids=["ended", "never began"],
)
def test_a_load_that_did_not_last_or_never_began_says_why(load: Traffic) -> None:
    stage = Stage(Service(suffers=False), spec=with_load(SPEC), load=load)
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.ERRORED, Reason.LOAD_TOO_WEAK)
    assert status.evidence.stopped is not None
    assert status.evidence.stopped.message in {
        'the load "shoppers" ended before the run did',
        'the load "shoppers" did not begin: there is no such image',
    }
    assert stage.service.injections == (0 if load.refusal else 1)


def test_a_probe_that_cannot_be_asked_at_all_is_no_data_and_says_why() -> None:
    stage = Stage(Service(suffers=False), refuses_probes=Permanent("there is no such image"))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.ERRORED, Reason.NO_DATA)
    assert status.evidence.stopped is not None
    assert status.evidence.stopped.message == f'the probe "{PROBE.name}" cannot be asked: there is no such image'
    assert stage.service.injections == 0


def test_what_sends_a_load_is_taken_away_when_the_run_ends_and_not_with_the_first_fault() -> None:
    steps = tuple(replace(STEP, name=name) for name in ("first", "second"))
    stage = Stage(Service(suffers=False), spec=with_load(with_steps(*steps)), load=Traffic(apart=True))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.PASSED, None)
    reverted = {undo.id: undo.reverted for undo in status.evidence.undo}
    ended = [step.ended for step in status.evidence.steps]
    assert len(reverted) == 3
    assert reverted["load shoppers"] is not None
    assert all(end is not None and reverted["load shoppers"] >= end for end in ended)
    assert not stage.journal.guarded


def test_without_permission_nothing_that_sends_a_load_is_made() -> None:
    no = Judgement(verdict=Verdict.ERRORED, reason=Reason.POLICY_DENIED, message="not in kube-system")
    stage = Stage(spec=with_load(SPEC), load=Traffic(apart=True), refusal=no)
    status = stage.execute()
    assert status.evidence.stopped == no
    assert not any(each.evidence.undo for each in stage.journal.saves)


def test_two_steps_are_told_apart() -> None:
    stage = Stage(Service(suffers=False), spec=with_steps(STEP, replace(STEP, name="again")))
    status = stage.execute()
    assert verdict(stage, status) == (Verdict.PASSED, None)
    seen = {(each.step, each.window) for each in status.evidence.summaries}
    during_and_after = {(step, window) for step in ("lights out", "again") for window in (Window.DURING, Window.AFTER)}
    assert seen == {("", Window.BEFORE)} | during_and_after


def test_who_watches_the_run_sees_it_move_every_second() -> None:
    stage = Stage(Service(suffers=False))
    stage.execute()
    held = [each for each in stage.journal.saves if each.activity == "holding lights out"]
    counts = [sum(one.samples for one in each.evidence.summaries if one.window is Window.DURING) for each in held]
    assert counts == sorted(counts)
    assert len(set(counts)) >= 4


def test_a_mistake_in_the_engine_is_an_error_not_a_pass() -> None:
    stage = Stage(Service(suffers=False), spec=with_steps(replace(STEP, fault="no-such-fault")))
    assert verdict(stage, stage.execute()) == (Verdict.ERRORED, Reason.BAD_DOCUMENT)


def test_too_many_lost_executors_are_an_error() -> None:
    stage = Stage(Service(suffers=False))
    stage.journal.status = RunStatus(phase=RunPhase.RUNNING, attempt=3)
    assert verdict(stage, stage.execute(Life())) == (Verdict.ERRORED, Reason.EXECUTOR_LOST)
    assert POD in stage.service.pods
