"""Runs whom the policy holds wait beside the line: they are shown what holds them, and others pass."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from gate.errors import Denied, Temporary
from gate.model import Run, RunPhase, RunSpec
from gate.running.admission import AGAIN, Admission
from gate.running.line import Line
from gate.running.mode import Mode
from gate.running.turns import CAPS, turns
from tests.clocks import START, HandClock
from tests.runs import spec

Eventually = Callable[[Callable[[], object]], None]
HOURS = "the policy: it is night"


class Store:
    """Runs, and what they were shown."""

    def __init__(self, *runs: Run) -> None:
        self.runs, self.shown = list(runs), dict[str, str]()

    def all(self) -> Sequence[Run]:
        return self.runs

    def around(self, _run: Run, *, everywhere: bool) -> Sequence[Run]:
        return () if everywhere else self.runs

    def show(self, run: Run, activity: str) -> None:
        self.shown[run.name] = activity


class Policy:
    """Says of each workload what was said here; asked from threads of the admission."""

    def __init__(self) -> None:
        self.asked, self.against = list[str](), dict[str, str | Exception]()
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, of: RunSpec) -> str:
        name = of.workload.name.name
        self.asked.append(name)
        assert self.may_answer.wait(30)
        said = self.against.get(name, "")
        if isinstance(said, Exception):
            raise said
        return said


def waiting(name: str, *, later: int = 0, namespace: str = "shop") -> Run:
    made = replace(spec(namespace, name), deadline=START + timedelta(minutes=5))
    return Run(namespace=namespace, name=name, uid=name, created=START + timedelta(seconds=later), spec=made)


class Scene:
    """A line with a policy."""

    def __init__(self, *runs: Run) -> None:
        self.clock, self.policy, self.store = HandClock(), Policy(), Store(*runs)
        self.told = threading.Event()
        self.admission = Admission(self.policy, self.clock.monotonic, self.told.set)
        self.line = Line(self.store, self.clock, admission=self.admission)

    def goes(self) -> list[str]:
        return [run.name for run in self.line.next(Mode.RUN, ())]


@pytest.fixture
def scene() -> Iterator[Callable[..., Scene]]:
    made: list[Scene] = []

    def make(*runs: Run) -> Scene:
        made.append(Scene(*runs))
        return made[-1]

    yield make
    for each in made:
        each.policy.may_answer.set()
        each.admission.close()


def test_who_is_held_by_the_policy_lets_others_of_the_namespace_pass(
    scene: Callable[..., Scene], eventually: Eventually
) -> None:
    there = scene(waiting("night"), waiting("day", later=1))
    there.policy.against["night"] = HOURS
    eventually(lambda: there.goes() == ["day"])
    assert there.store.shown["night"] == f"Waiting: held by {HOURS}"


def test_nobody_goes_before_the_policy_has_answered_and_the_loop_does_not_wait(
    scene: Callable[..., Scene], eventually: Eventually
) -> None:
    there = scene(waiting("slow"))
    there.policy.may_answer.clear()
    assert there.goes() == []
    assert there.store.shown == {}
    assert not there.told.is_set()
    there.policy.may_answer.set()
    assert there.told.wait(30)
    eventually(lambda: there.goes() == ["slow"])


def test_it_is_asked_again_after_a_while_and_only_then(scene: Callable[..., Scene], eventually: Eventually) -> None:
    there = scene(waiting("night"))
    there.policy.against["night"] = HOURS
    eventually(lambda: there.goes() == [] and there.store.shown)
    assert (there.policy.asked, there.line.rests(Mode.RUN)) == (["night"], True)
    there.policy.against.clear()
    assert there.goes() == []
    there.clock.advance(AGAIN)
    assert not there.line.rests(Mode.RUN)
    eventually(lambda: there.goes() == ["night"])
    assert there.policy.asked == ["night", "night"]


def test_what_the_policy_forbids_goes_to_be_ended_by_its_executor(
    scene: Callable[..., Scene], eventually: Eventually
) -> None:
    there = scene(waiting("bad"))
    there.policy.against["bad"] = Denied("never")
    eventually(lambda: there.goes() == ["bad"])
    assert there.admission.refused(there.store.runs[0]) == "never"


def test_an_answer_counts_only_until_it_is_time_to_ask_again(
    scene: Callable[..., Scene], eventually: Eventually
) -> None:
    """What waited for others since it was admitted, and has its turn now, begins in no freeze that began meanwhile."""
    there = scene(waiting("day"))
    eventually(lambda: there.goes() == ["day"])
    there.clock.advance(timedelta(minutes=4))
    there.policy.against["day"] = HOURS
    there.policy.may_answer.clear()
    assert there.goes() == []
    there.policy.may_answer.set()
    eventually(lambda: there.goes() == [] and there.store.shown.get("day") == f"Waiting: held by {HOURS}")


def test_whoever_heard_that_it_is_not_known_is_told_when_it_is_although_the_answer_is_the_same(
    scene: Callable[..., Scene], eventually: Eventually
) -> None:
    there = scene(waiting("day"))
    eventually(lambda: there.goes() == ["day"])
    there.clock.advance(AGAIN)
    there.told.clear()
    assert there.goes() == []
    assert there.told.wait(30)
    eventually(lambda: there.goes() == ["day"])


def test_runs_that_are_over_make_nobody_wait_longer_for_an_answer(
    scene: Callable[..., Scene], eventually: Eventually
) -> None:
    names = [f"run-{number}" for number in range(80)]
    there = scene(*(waiting(name, namespace=name) for name in names))
    eventually(lambda: len(there.goes()) == len(names))
    over = [replace(run, status=replace(run.status, phase=RunPhase.JUDGED)) for run in there.store.runs]
    there.store.runs = [*over, waiting("night")]
    there.policy.against["night"] = HOURS
    eventually(lambda: there.goes() == [] and there.store.shown.get("night"))
    asked = there.policy.asked.count("night")
    there.clock.advance(AGAIN)
    eventually(lambda: there.goes() == [] and there.policy.asked.count("night") > asked)


def test_many_who_are_held_cost_one_pass(scene: Callable[..., Scene], eventually: Eventually) -> None:
    names = [f"run-{number}" for number in range(200)]
    there = scene(*(waiting(name) for name in names))
    there.policy.against.update(dict.fromkeys(names, HOURS))
    eventually(lambda: there.goes() == [] and len(there.store.shown) == len(names))
    asked = list[str]()
    now = there.clock.now()

    def held(run: Run) -> str:
        asked.append(run.name)
        return HOURS

    assert len(turns(there.store.runs, Mode.RUN, CAPS, now, held=held).held) == len(names)
    assert sorted(asked) == sorted(names)


def test_while_the_policy_cannot_be_asked_a_run_waits_and_says_so(
    scene: Callable[..., Scene], eventually: Eventually
) -> None:
    there = scene(waiting("lost"))
    there.policy.against["lost"] = Temporary("nobody answers")
    eventually(lambda: there.goes() == [] and "cannot be asked now: nobody answers" in str(there.store.shown))


def test_what_has_begun_or_is_too_late_is_not_asked_about(scene: Callable[..., Scene]) -> None:
    begun = waiting("begun")
    there = scene(
        replace(begun, status=replace(begun.status, phase=RunPhase.RUNNING)),
        waiting("late", later=1, namespace="bank"),
    )
    there.clock.advance(timedelta(minutes=5))
    assert sorted(there.goes()) == ["begun", "late"]
    assert there.policy.asked == []
