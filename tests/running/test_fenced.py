"""An executor whose run was taken by another one does nothing more to it, wherever that finds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from gate.model import RunPhase, Verdict
from gate.running.execution import Fenced
from gate.running.judge import judge
from gate.running.ports import LoadSummary, Surroundings
from tests.running.simulation import Life, Stage, Traffic, with_load


@dataclass
class Taken(Life):
    """From the n-th point on the run is somebody else's."""

    def point(self) -> None:
        self.points += 1
        if self.ends_at is not None and self.points > self.ends_at:
            raise Fenced("the run belongs to another executor now")


@dataclass
class Counted(Traffic):
    """Load that counts how often it was begun and ended."""

    begun: int = 0
    ended: int = 0

    def start(self, settings: Mapping[str, Any], surroundings: Surroundings) -> Traffic:
        self.begun += 1
        return self

    def stop(self) -> LoadSummary:
        self.ended += 1
        return self.summary


def test_it_takes_nothing_back_that_its_successor_has_done() -> None:
    point = 0
    while True:
        stage = Stage(spec=with_load(), load=Counted())
        life = Taken(ends_at=point)
        try:
            stage.execute(life)
            break
        except Fenced:
            pass
        saves, in_force = len(stage.journal.saves), stage.service.in_force
        began = stage.clock.monotonic()
        with pytest.raises(Fenced):
            stage.execute(life)
        assert (len(stage.journal.saves), stage.service.in_force) == (saves, in_force), point
        assert stage.clock.monotonic() - began < 10, "it does not go on trying"
        point += 1
    assert point > 20


def test_its_load_ends_and_its_successor_finds_everything_as_it_was() -> None:
    point, with_traffic = 0, 0
    while True:
        load = Counted()
        stage = Stage(spec=with_load(), load=load)
        try:
            stage.execute(Taken(ends_at=point))
            break
        except Fenced:
            pass
        assert load.ended == load.begun, point
        with_traffic += load.ended
        stage.restart()
        status = stage.execute()
        assert status.phase is RunPhase.EXECUTED, point
        assert judge(stage.spec, status.evidence)[0].verdict in {Verdict.PASSED, Verdict.FAILED}, point
        assert not stage.service.in_force
        point += 1
    assert with_traffic > 10
