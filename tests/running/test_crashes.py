"""The executor is killed between any two effects on the outside world, and the verdict is the same as without."""

from typing import Any

import pytest

from gate.model import RunPhase, Verdict
from gate.running.judge import judge
from gate.running.reverting import revert_all
from tests.running.simulation import SPEC, Killed, Life, Service, Stage, Traffic, with_load

SOUND = {"suffers": False}
WEAK = {"recovers_after": 0.5}
BROKEN = {"recovers_after": None}


def killed_at(point: int, *, with_a_load: bool = False, **service: Any) -> Stage | None:
    """The stage after a kill at that point; None if the run ended before. The load is sent by something apart."""
    stage = Stage(Service(**service))
    if with_a_load:
        stage.spec, stage.load = with_load(SPEC), Traffic(apart=True)
    try:
        stage.execute(Life(ends_at=point))
    except Killed:
        return stage
    return None


@pytest.mark.parametrize(
    ("service", "expected"), [(SOUND, Verdict.PASSED), (WEAK, Verdict.FAILED), (BROKEN, Verdict.FAILED)]
)
def test_the_verdict_is_the_same_wherever_the_executor_was_killed(service: dict[str, Any], expected: Verdict) -> None:
    point = 0
    while stage := killed_at(point, **service):
        stage.restart()
        status = stage.execute()
        judgement, _ = judge(SPEC, status.evidence)
        assert judgement.verdict is expected, (point, judgement, status.timeline)
        assert status.phase is RunPhase.EXECUTED
        assert not stage.service.in_force
        assert not stage.journal.guarded
        point += 1
    assert point > 20


def test_what_sends_a_load_is_taken_away_wherever_the_executor_was_killed() -> None:
    point = 0
    while stage := killed_at(point, with_a_load=True, **SOUND):
        stage.restart()
        status = stage.execute()
        assert judge(stage.spec, status.evidence)[0].verdict is Verdict.PASSED, point
        assert not stage.journal.guarded, point
        assert any(undo.id.startswith("load") for undo in status.evidence.undo), point
        point += 1
    assert point > 20


def test_a_reaper_alone_brings_everything_back_wherever_the_executor_was_killed() -> None:
    point = 0
    while stage := killed_at(point, **SOUND):
        stage.journal.life = Life()
        revert_all(stage.journal.status, stage.world(), stage.journal)
        assert not stage.service.in_force, point
        assert not stage.journal.guarded, point
        point += 1
    assert point > 20


def test_a_failure_that_was_written_down_is_not_tried_away() -> None:
    point, failures = 0, 0
    while stage := killed_at(point, only_once=True):
        failed = judge(SPEC, stage.journal.status.evidence)[0].verdict is Verdict.FAILED
        stage.restart()
        again = judge(SPEC, stage.execute().evidence)[0].verdict
        assert again is Verdict.FAILED or not failed, point
        failures += failed
        point += 1
    assert failures > 3


def test_an_executor_killed_twice_changes_nothing() -> None:
    for first in range(6, 30, 5):
        for second in range(0, 30, 5):
            stage = killed_at(first, **BROKEN)
            assert stage
            stage.restart()
            try:
                stage.execute(Life(ends_at=second))
            except Killed:
                stage.restart()
                stage.execute()
            assert judge(SPEC, stage.journal.status.evidence)[0].verdict is Verdict.FAILED, (first, second)
            assert not stage.service.in_force
