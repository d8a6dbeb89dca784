"""The time is the API server's, whatever the clock of this machine says, and as exact as its answers allow."""

from datetime import datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.api import Api
from gate.cluster.clock import ServerClock
from gate.running.time import SystemClock, since_boot
from tests.clocks import START, HandClock


class Server:
    """An API server whose clock is off, as seen from here; its answers take their time."""

    def __init__(self, off: timedelta) -> None:
        self.machine, self.off = HandClock(), off
        self.clock = ServerClock(self.machine, self.machine.monotonic)

    def now(self) -> datetime:
        return START + timedelta(seconds=self.machine.seconds) + self.off

    def answer(self, there: float = 0.0, back: float = 0.0, pause: float = 0.0) -> None:
        self.machine.advance(timedelta(seconds=pause))
        asked = self.machine.seconds
        self.machine.advance(timedelta(seconds=there))
        date = format_datetime(self.now(), usegmt=True)
        self.machine.advance(timedelta(seconds=back))
        self.clock.heard(date, asked)

    @property
    def ahead(self) -> timedelta:
        """By how much the clock is later than the server's; it may not be earlier."""
        return self.clock.now() - self.now()


TIMES = st.floats(0, 3, allow_nan=False)


@given(st.integers(-4000, 4000), st.lists(st.tuples(TIMES, TIMES, TIMES), min_size=1, max_size=30))
def test_it_is_never_early_and_late_by_what_one_answer_leaves_open_at_most(
    off: int, answers: list[tuple[float, float, float]]
) -> None:
    server = Server(timedelta(seconds=off))
    for there, back, pause in answers:
        server.answer(there, back, pause)
        slack = timedelta(milliseconds=1)
        assert -slack <= server.ahead <= timedelta(seconds=1 + there + back) + slack


def test_a_few_answers_make_it_exact() -> None:
    server = Server(timedelta(hours=-3))
    for _ in range(40):
        server.answer(there=0.002, back=0.003, pause=0.173)
    assert server.ahead < timedelta(milliseconds=50)


def test_the_clock_of_this_machine_may_be_set_without_anybody_noticing() -> None:
    server = Server(timedelta(0))
    server.answer()
    before = server.clock.now()
    server.machine.jump(timedelta(hours=7))
    assert server.clock.now() == before


def test_a_server_whose_clock_was_set_is_believed() -> None:
    server = Server(timedelta(0))
    for _ in range(5):
        server.answer(pause=0.3)
    server.off = timedelta(hours=-1)
    server.answer()
    assert timedelta(0) <= server.ahead <= timedelta(seconds=1)


@pytest.mark.parametrize("date", ["", "yesterday", "Mon, 99 Nov 2026 12:00:00 GMT"])
def test_until_an_answer_can_be_read_it_is_the_time_of_this_machine(date: str) -> None:
    machine = HandClock()
    clock = ServerClock(machine, machine.monotonic)
    clock.heard(date, 0.0)
    assert clock.now() == machine.now()


def test_the_servers_answers_are_heard(api: Api) -> None:
    clock = ServerClock(HandClock(), since_boot)
    api.timing(clock).get("namespaces", "", "default")
    assert abs(clock.now() - SystemClock().now()) < timedelta(seconds=30)
