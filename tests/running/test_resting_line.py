"""When it is nobody's turn, nobody is asked about it again before something can have changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gate.errors import Temporary
from gate.model import Run, RunPhase
from gate.running.line import Line
from gate.running.mode import Mode
from tests.clocks import START, HandClock
from tests.runs import spec


class Store:
    """Runs, and whether what they wait for can be written."""

    def __init__(self, *runs: Run) -> None:
        self.runs, self.refuses = runs, False

    def all(self) -> Sequence[Run]:
        return self.runs

    def around(self, _run: Run, *, everywhere: bool) -> Sequence[Run]:
        return () if everywhere else self.runs

    def show(self, _run: Run, _activity: str) -> None:
        if self.refuses:
            raise Temporary("the server is away")


def waiting(name: str) -> Run:
    made = replace(spec("shop", name), deadline=START + timedelta(minutes=1))
    return Run(namespace="shop", name=name, uid=name, created=START, spec=made)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def rests(store: Store, clock: HandClock, mode: Mode = Mode.PAUSE) -> bool:
    line = Line(store, clock)
    list(line.next(mode, ()))
    return line.rests(mode)


def test_while_the_mode_holds_all_of_them_the_line_rests(clock: HandClock) -> None:
    assert rests(Store(waiting("a"), waiting("b")), clock)


def test_a_line_of_nobody_rests(clock: HandClock) -> None:
    assert rests(Store(), clock, Mode.RUN)


def test_as_long_as_somebody_may_go_the_line_does_not_rest(clock: HandClock) -> None:
    assert not rests(Store(waiting("a")), clock, Mode.RUN)
    begun = waiting("a")
    assert not rests(Store(replace(begun, status=replace(begun.status, phase=RunPhase.RUNNING))), clock)


def test_another_mode_ends_the_rest(clock: HandClock) -> None:
    line = Line(Store(waiting("a")), clock)
    list(line.next(Mode.PAUSE, ()))
    assert not line.rests(Mode.RUN)


def test_the_deadline_of_one_that_waits_ends_the_rest(clock: HandClock) -> None:
    line = Line(Store(waiting("a")), clock)
    list(line.next(Mode.PAUSE, ()))
    clock.advance(timedelta(seconds=61))
    assert not line.rests(Mode.PAUSE)


def test_a_run_that_could_not_be_told_what_it_waits_for_is_told_again(clock: HandClock) -> None:
    store = Store(waiting("a"))
    store.refuses = True
    assert not rests(store, clock)
