"""Questions keep their rhythm: on real threads, however slow the answers are."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from gate.model import Probe, Tolerance, Window
from gate.running.background import Threads
from gate.running.ports import Answer, Asker, Background, Clock, NoSample
from gate.running.sampling import BELATED, MISSED, STOOD_STILL, Sampler
from gate.running.tally import summarise
from gate.running.time import SystemClock, Timekeeper
from gate.running.tolerance import broken, unknown
from tests.running.simulation import PROBE, START, Simulation, seconds

Eventually = Callable[[Callable[[], object]], None]
QUICK = replace(PROBE, every=seconds(0.02))


@pytest.fixture
def threads() -> Iterator[Threads]:
    background = Threads(SystemClock())
    yield background
    background.close()


def good() -> Answer:
    return Answer(ok=True)


@dataclass
class Waiting:
    """A background whose hands are all busy until somebody does what waits."""

    clock: Simulation
    work: list[Callable[[], None]]

    def beat(self, tick: Callable[[], float]) -> Callable[[], None]:
        return self.clock.beat(tick)

    def do(self, work: Callable[[], None]) -> None:
        self.work.append(work)


def sampler(asker: Asker, background: Background, probe: Probe = QUICK, clock: Clock | None = None) -> Sampler:
    clock = clock or (background if isinstance(background, Simulation) else SystemClock())
    return Sampler([probe], {probe.name: asker}, Timekeeper(clock), background)


def test_a_probe_that_hangs_is_asked_as_often_as_one_that_answers(threads: Threads, eventually: Eventually) -> None:
    release = threading.Event()

    def hang() -> Answer:
        release.wait(30)
        return Answer(ok=False, detail="timed out")

    hanging = sampler(hang, threads)
    eventually(lambda: len(hanging.questions(QUICK.name)) >= 10)
    hanging.stop()
    put = hanging.questions(QUICK.name)
    assert all(question.sample is None and question.open for question in put)
    release.set()
    eventually(lambda: not any(question.open for question in put))
    asked_at = [question.sample.at for question in put if question.sample]
    assert len(asked_at) == len(put)
    assert asked_at == [question.at for question in put], "an answer that comes late keeps the time of its question"
    assert all(question.sample and question.sample.latency > seconds(0) for question in put)


def test_questions_are_put_at_multiples_of_the_interval() -> None:
    simulation = Simulation()
    running = sampler(good, simulation, PROBE)
    simulation.wait(threading.Event(), 10)
    times = [(question.at - START).total_seconds() for question in running.questions(PROBE.name)]
    assert times == pytest.approx([number / 10 for number in range(len(times))], abs=1e-3)
    assert len(times) in {100, 101}


def test_after_a_short_standstill_the_questions_are_caught_up_and_after_a_long_one_counted_as_missed() -> None:
    simulation = Simulation()
    running = sampler(good, simulation, PROBE)
    simulation.stand_still(0.85)
    simulation.wait(threading.Event(), 0.01)
    assert all(question.good for question in running.questions(PROBE.name))
    simulation.stand_still(4.19)
    simulation.wait(threading.Event(), 0.01)
    questions = running.questions(PROBE.name)
    missed = [question for question in questions if question.sample is None]
    assert 30 <= len(missed) <= 33
    assert not any(question.open for question in missed)
    assert len(questions) == 51


def test_questions_that_wait_for_a_hand_too_long_are_missed_and_never_put() -> None:
    """One service that hangs takes all hands; when they are free again, nobody asks for how it was then."""
    clock, waiting = Simulation(), list[Callable[[], None]]()
    running = sampler(good, Waiting(clock, waiting), PROBE, clock)
    clock.wait(threading.Event(), 2.95)
    for work in waiting:
        work()
    questions = running.questions(PROBE.name)
    missed = [question for question in questions if question.why == MISSED]
    assert len(questions) == 30
    assert [question.at for question in missed] == [START + number * PROBE.every for number in range(20)]
    assert all(question.good for question in questions if question not in missed)


def test_a_question_for_which_there_is_no_thread_is_missed_and_not_waited_for() -> None:
    class Crowded(Simulation):
        def do(self, work: Callable[[], None]) -> None:
            raise RuntimeError("can't start new thread")

    simulation = Crowded()
    running = sampler(good, simulation, PROBE)
    simulation.wait(threading.Event(), 0.45)
    questions = running.questions(PROBE.name)
    assert [(question.why, question.open) for question in questions] == [(MISSED, False)] * 5


def test_a_bad_answer_counts_once_for_the_moment_at_which_it_was_given() -> None:
    """Of questions that were put at the same moment, because all but the last were late, one tells of that moment."""
    clock, waiting = Simulation(), list[Callable[[], None]]()
    running = sampler(lambda: Answer(ok=False, detail="HTTP 502"), Waiting(clock, waiting), PROBE, clock)
    clock.wait(threading.Event(), 0.45)
    for work in waiting:
        work()
    questions = running.questions(PROBE.name)
    assert [question.why for question in questions] == [BELATED] * 4 + [""]
    summary = summarise(PROBE, Window.DURING, "s", questions)
    assert (summary.due, summary.samples, summary.failures, summary.missing) == (5, 1, 1, BELATED)
    assert not broken(replace(PROBE, tolerate=Tolerance(failures=0.2)), summary)
    assert unknown(replace(PROBE, tolerate=Tolerance(failures=0.2)), summary), "nor is it taken for good"


class Passing(Simulation):
    """Time passes also while a question is asked."""

    passed = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.passed


@pytest.mark.parametrize(
    ("ok", "p95", "still", "counts"),
    [
        (False, None, 0.2, False),
        (False, None, 0.1, True),
        (False, None, 0.0, True),
        (True, None, 0.3, True),
        (True, 0.2, 0.2, False),
        (True, 0.4, 0.2, True),
    ],
)
def test_what_was_bad_or_slow_because_the_gate_stood_still_is_no_sample(
    ok: bool, p95: float | None, still: float, counts: bool
) -> None:
    """An answer takes 0.3 s here, for some of which the gate stood still."""
    simulation, since = Passing(), list[float]()
    probe = replace(PROBE, every=seconds(1), tolerate=Tolerance(p95=None if p95 is None else seconds(p95)))

    def ask() -> Answer:
        simulation.passed += 0.3
        return Answer(ok=ok)

    def stood_still(began: float) -> float:
        since.append(began)
        return still

    running = Sampler([probe], {probe.name: ask}, Timekeeper(simulation), simulation, stood_still)
    simulation.wait(threading.Event(), 2.5)
    questions = running.questions(probe.name)
    assert len(questions) >= 3
    assert all(question.counts is counts for question in questions)
    assert {question.why for question in questions} == ({""} if counts else {STOOD_STILL})
    assert since == pytest.approx([(question.at - START).total_seconds() for question in questions])
    assert not any(question.open for question in questions)


def test_a_good_answer_counts_also_if_the_question_was_late() -> None:
    clock, waiting = Simulation(), list[Callable[[], None]]()
    running = sampler(good, Waiting(clock, waiting), PROBE, clock)
    clock.wait(threading.Event(), 0.45)
    for work in waiting:
        work()
    assert summarise(PROBE, Window.DURING, "s", running.questions(PROBE.name)).samples == 5


def test_a_question_that_could_not_be_put_has_no_sample_and_says_why() -> None:
    simulation = Simulation()
    running = sampler(lambda: NoSample(why="the API server is away"), simulation, PROBE)
    simulation.wait(threading.Event(), 1)
    questions = running.questions(PROBE.name)
    assert questions
    assert all(question.sample is None and not question.open for question in questions)
    assert {question.why for question in questions} == {"the API server is away"}


def test_the_number_that_a_probe_gives_is_part_of_its_sample() -> None:
    simulation = Simulation()
    running = sampler(lambda: Answer(ok=True, value=0.25), simulation, PROBE)
    simulation.wait(threading.Event(), 1)
    assert {question.sample and question.sample.value for question in running.questions(PROBE.name)} == {0.25}


def test_nothing_is_asked_after_the_end(threads: Threads, eventually: Eventually) -> None:
    running = sampler(good, threads)
    eventually(lambda: running.questions(QUICK.name))
    running.stop()
    count = len(running.questions(QUICK.name))
    assert len(running.questions(QUICK.name)) == count


def test_what_is_forgotten_is_gone_and_the_rest_stays() -> None:
    simulation = Simulation()
    running = sampler(good, simulation, PROBE)
    simulation.wait(threading.Event(), 2)
    asked = running.questions(PROBE.name)
    running.forget(PROBE.name, asked[:5])
    assert running.questions(PROBE.name) == asked[5:]
