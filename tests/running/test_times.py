"""Detection and recovery to a tenth of a second: also while questions are late, and while somebody sets the clock."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gate.model import Probe, RunSpec, Verdict, Window
from gate.running.judge import judge
from tests.running.simulation import PROBE, SPEC, STEP, Service, Simulation, Stage, seconds

LATEST = 0.05
"""Seconds by which one question in a hundred may be late when fifty runs are on, as `make bench-engine` asks."""
RESOLUTION = PROBE.every + seconds(LATEST) + seconds(0.05)
"""Between two questions, the later one as late as may be, rounded to a tenth."""
FORGIVING = replace(PROBE, tolerate=replace(PROBE.tolerate, failures=1.0, streak=None))


class Busy(Simulation):
    """A machine on which each question waits for its turn, now shorter and now longer."""

    put = 0

    def do(self, work: Callable[[], None]) -> None:
        self.put += 1
        self.later(LATEST * (7 * self.put % 11) / 10, work)


class Unruly(Simulation):
    """A machine whose clock somebody sets while the run is on; nobody can set the other one."""

    def __init__(self, sets: timedelta) -> None:
        super().__init__()
        self.sets = sets

    def now(self) -> datetime:
        return super().now() + self.sets * (self.monotonic() > 3)


def with_probe(probe: Probe) -> RunSpec:
    return replace(SPEC, workflow=replace(SPEC.workflow, steady_state=(probe,)))


@pytest.mark.parametrize("recovers_after", [0.3, 0.75, 1.2, 2.1, 2.85])
def test_detection_and_recovery_are_right_to_a_tenth_although_questions_are_late(recovers_after: float) -> None:
    stage = Stage(Service(recovers_after=recovers_after), clock=Busy(), spec=with_probe(FORGIVING))
    status = stage.execute()
    (record,) = status.evidence.steps
    assert judge(stage.spec, status.evidence)[0].verdict is Verdict.PASSED
    assert record.detection is not None
    assert record.recovery is not None
    assert timedelta(0) <= record.detection <= RESOLUTION, "the service was bad at once"
    assert abs(record.recovery - seconds(recovers_after)) <= RESOLUTION
    assert record.recovery <= STEP.recover


@pytest.mark.parametrize("sets", [timedelta(days=-1), timedelta(seconds=-3), timedelta(seconds=3), timedelta(days=400)])
def test_a_clock_that_is_set_while_a_run_is_on_changes_nothing_of_it(sets: timedelta) -> None:
    status = Stage(Service(suffers=False), clock=Unruly(sets)).execute()
    assert status == Stage(Service(suffers=False)).execute()
    assert judge(SPEC, status.evidence)[0].verdict is Verdict.PASSED


def test_a_gate_that_stood_still_while_the_service_recovered_does_not_say_that_it_recovered_too_late() -> None:
    """The service answers half a second after the revert. The gate sleeps through that, and through all of its time."""
    stage = Stage(Service(recovers_after=0.5), spec=with_probe(FORGIVING))
    slept = [False]

    def stop() -> None:
        if stage.service.taken_back is not None and not slept[0]:
            slept[0] = True
            stage.clock.stand_still(10)

    stage.stop = stop
    status = stage.execute()
    judgement, _ = judge(stage.spec, status.evidence)
    assert slept == [True]
    assert judgement.verdict is not Verdict.FAILED, judgement.message
    after = next(each for each in status.evidence.summaries if each.window is Window.AFTER)
    assert after.missing == "the gate was too busy to ask in time"


def test_a_gate_that_stood_still_between_two_bad_answers_does_not_say_that_all_was_bad_in_between() -> None:
    """Only the streak is bounded. The service is bad when the fault comes and before it goes; nobody asks meanwhile."""
    streaky = replace(PROBE, tolerate=replace(PROBE.tolerate, failures=1.0, streak=seconds(2)))
    stage = Stage(Service(), spec=with_probe(streaky))
    slept = [False]

    def stop() -> None:
        if stage.service.in_force and stage.clock.monotonic() > 2.5 and not slept[0]:
            slept[0] = True
            stage.clock.stand_still(3)

    stage.stop = stop
    judgement, _ = judge(stage.spec, stage.execute().evidence)
    assert slept == [True]
    assert judgement.verdict is Verdict.ERRORED, judgement.message
