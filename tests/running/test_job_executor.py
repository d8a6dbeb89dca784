"""What is to be done about a run whose executor is a Job, from what is there and what is heard."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from gate.errors import Denied
from gate.model import Judgement, Reason, Run, RunPhase, RunSpec, RunStatus, Verdict
from gate.running.admission import AGAIN, Admission
from gate.running.job_executor import MOST_JOBS, ExecutorJob, Heard, JobExecutor, Next, number_after, what_next
from gate.running.mode import Mode
from gate.running.runner import MOST_ATTEMPTS
from tests.clocks import HandClock
from tests.running.test_executor import run

BEGINS = timedelta(seconds=30)
PENDING = run("a")
RUNNING = run("a", RunPhase.RUNNING)
LEFT = run("a", RunPhase.JUDGED, guarded=True)


def job(number: int = 1, *, over: bool = False, said: str = "") -> ExecutorJob:
    return ExecutorJob(name=f"a-{number}", uid=f"uid of a-{number}", number=number, over=over, said=said)


@pytest.mark.parametrize(
    ("about", "latest", "heard", "late", "what"),
    [
        (PENDING, None, Heard.NOBODY, False, Next.MAKE),
        (PENDING, job(), Heard.NOBODY, False, Next.WAIT),
        (PENDING, job(), Heard.NOBODY, True, Next.END),
        (PENDING, job(over=True), Heard.NOBODY, False, Next.END),
        (RUNNING, job(), Heard.NOBODY, False, Next.WAIT),
        (RUNNING, job(), Heard.NOBODY, True, Next.MAKE),
        (RUNNING, job(), Heard.SILENT, False, Next.MAKE),
        (RUNNING, job(over=True), Heard.NOBODY, False, Next.MAKE),
        (RUNNING, None, Heard.NOBODY, False, Next.MAKE),
        (RUNNING, job(MOST_ATTEMPTS, over=True), Heard.NOBODY, False, Next.MAKE),
        (RUNNING, job(MOST_JOBS, over=True), Heard.NOBODY, False, Next.END),
        (LEFT, job(MOST_JOBS, over=True), Heard.NOBODY, False, Next.MAKE),
    ],
)
def test_a_run_has_one_executor_and_another_one_only_when_that_is_lost(
    about: Run, latest: ExecutorJob | None, heard: Heard, late: bool, what: Next
) -> None:
    assert what_next(about, latest, heard, late=late) is what


def test_while_somebody_is_heard_nothing_is_done_whatever_else_there_is() -> None:
    for about, latest, late in product((PENDING, RUNNING, LEFT), (None, job(), job(9, over=True)), (False, True)):
        assert what_next(about, latest, Heard.BEATS, late=late) is Next.WAIT


def test_attempts_count_also_where_somebody_has_deleted_their_jobs() -> None:
    third = replace(RUNNING, status=RunStatus(phase=RunPhase.RUNNING, attempt=3))
    assert number_after(third, None) == 4
    assert number_after(third, job(5)) == 6


@dataclass
class Stage:
    """A cluster with one run, whose Jobs do what the test says."""

    about: Run
    clock: HandClock = field(default_factory=HandClock)
    jobs: list[ExecutorJob] = field(default_factory=list)
    says: Heard = Heard.NOBODY
    mode: Mode = Mode.RUN
    leads: bool = True
    refuses: bool = False
    is_held: bool = False
    ends: list[Judgement] = field(default_factory=list)
    admission: Admission | None = None

    def all(self) -> Sequence[Run]:
        return [self.about]

    def around(self, about: Run, *, everywhere: bool) -> Sequence[Run]:
        return [self.about]

    def show(self, about: Run, activity: str) -> None:
        """It waits, and people are told for what."""

    def read(self, about: Run) -> Run:
        return self.about

    def heard(self, about: Run) -> Heard:
        return self.says

    def hold(self, about: Run, now: datetime) -> bool:
        self.is_held = self.says is not Heard.BEATS
        return self.is_held

    def release(self, about: Run) -> None:
        self.is_held, self.says = False, Heard.NOBODY

    def of(self, about: Run) -> Sequence[ExecutorJob]:
        return list(self.jobs)

    def make(self, about: Run, number: int) -> None:
        assert self.is_held, "nobody else executes it meanwhile"
        if self.refuses:
            raise Denied("jobs.batch is forbidden")
        self.jobs.append(job(number))

    def remove(self, about: Run, gone: ExecutorJob) -> None:
        self.jobs.remove(gone)

    def end(self, about: Run, judgement: Judgement) -> RunStatus:
        assert self.is_held, "nobody else executes it meanwhile"
        self.ends.append(judgement)
        self.about = replace(about, status=replace(about.status, phase=RunPhase.EXECUTED))
        return self.about.status

    def executor(self) -> JobExecutor:
        return JobExecutor(
            store=self,
            leases=self,
            jobs=self,
            clock=self.clock,
            mode=lambda: self.mode,
            leads=lambda: self.leads,
            end=self.end,
            begins=BEGINS,
            admission=self.admission,
        )

    def numbers(self) -> list[int]:
        return [each.number for each in self.jobs]


def reasons(stage: Stage) -> list[Reason | None]:
    return [each.reason for each in stage.ends]


def pending(**changes: object) -> Run:
    """As `PENDING`, with a deadline on the clock of the test."""
    deadline = HandClock().now() + timedelta(minutes=5)
    return replace(PENDING, spec=replace(PENDING.spec, deadline=deadline), **changes)  # type: ignore[arg-type]


def test_one_job_is_made_however_often_one_looks() -> None:
    stage = Stage(pending())
    executor = stage.executor()
    for _ in range(3):
        executor.consider()
    assert stage.numbers() == [1]
    assert not stage.is_held


def test_a_job_that_does_not_begin_in_its_time_ends_the_run_and_goes() -> None:
    stage = Stage(pending())
    executor = stage.executor()
    executor.consider()
    executor.consider()
    stage.clock.advance(BEGINS)
    executor.consider()
    assert reasons(stage) == [Reason.EXECUTOR_LOST]
    assert "did not begin within 30s" in stage.ends[0].message
    assert stage.jobs == []


@pytest.fixture
def policed() -> Iterator[Callable[[Stage, Callable[[RunSpec], str]], Callable[[], None]]]:
    """Lets a stage be asked by a policy; returns what looks and waits for the answer of a policy that was asked."""
    made: list[Admission] = []

    def police(stage: Stage, admits: Callable[[RunSpec], str]) -> Callable[[], None]:
        told = threading.Event()
        stage.admission = Admission(admits, stage.clock.monotonic, told.set)
        made.append(stage.admission)
        executor = stage.executor()

        def look() -> None:
            told.clear()
            executor.consider()
            assert told.wait(30), "the policy is asked"
            executor.consider()

        return look

    yield police
    for each in made:
        each.close()


Police = Callable[[Stage, Callable[[RunSpec], str]], Callable[[], None]]


def never(_spec: RunSpec) -> str:
    raise Denied("the policy forbids it: the team bank may not do so")


def test_a_run_that_the_policy_forbids_ends_without_a_job(policed: Police) -> None:
    stage = Stage(pending())
    policed(stage, never)()
    assert (reasons(stage), stage.jobs) == ([Reason.POLICY_DENIED], [])
    assert "the team bank may not do so" in stage.ends[0].message


def test_after_a_lost_executor_another_one_is_made_when_the_policy_lets_it(policed: Police) -> None:
    stage, holders = Stage(pending(status=RunStatus(phase=RunPhase.RUNNING, attempt=1))), ["frozen"]
    stage.jobs.append(job(1, over=True))
    look = policed(stage, lambda _: holders[0])
    look()
    assert (stage.numbers(), stage.ends) == ([1], [])
    holders[0] = ""
    stage.clock.advance(AGAIN)
    look()
    assert stage.numbers() == [1, 2]


def test_what_is_in_force_is_taken_back_by_another_executor_whatever_the_policy_says(policed: Police) -> None:
    stage = Stage(pending(status=RunStatus(phase=RunPhase.RUNNING, attempt=1), guarded=True))
    stage.jobs.append(job(1, over=True))
    stage.admission = Admission(never, stage.clock.monotonic)
    stage.executor().consider()
    stage.admission.close()
    assert (stage.numbers(), stage.ends) == ([1, 2], [])


def test_whoever_leads_next_gives_a_job_its_time_anew() -> None:
    stage = Stage(pending())
    stage.executor().consider()
    stage.clock.advance(BEGINS)
    stage.executor().consider()
    assert (stage.ends, stage.numbers()) == ([], [1])


def test_under_pause_a_job_that_waits_for_its_mode_does_not_run_out_of_time() -> None:
    stage = Stage(pending())
    executor = stage.executor()
    executor.consider()
    stage.mode = Mode.PAUSE
    stage.clock.advance(BEGINS)
    executor.consider()
    stage.mode = Mode.RUN
    executor.consider()
    assert (stage.ends, stage.numbers()) == ([], [1])


def test_who_may_make_no_jobs_ends_the_run_with_that() -> None:
    stage = Stage(pending(), refuses=True)
    stage.executor().consider()
    assert reasons(stage) == [Reason.EXECUTOR_LOST]
    assert "jobs.batch is forbidden" in stage.ends[0].message


@pytest.mark.parametrize(
    ("changes", "mode", "verdict", "reason"),
    [
        ({"abort": Reason.SUPERSEDED}, Mode.PAUSE, Verdict.CANCELED, Reason.SUPERSEDED),
        ({"deleting": True}, Mode.PAUSE, Verdict.CANCELED, Reason.ABORTED),
        ({}, Mode.ABORT, Verdict.CANCELED, Reason.ABORTED),
    ],
)
def test_a_run_that_only_has_to_be_ended_needs_no_job(
    changes: dict[str, object], mode: Mode, verdict: Verdict, reason: Reason
) -> None:
    stage = Stage(pending(**changes), mode=mode)
    stage.executor().consider()
    assert [(each.verdict, each.reason) for each in stage.ends] == [(verdict, reason)]
    assert stage.jobs == []


def test_a_run_that_is_taken_up_after_its_deadline_needs_no_job() -> None:
    stage = Stage(replace(PENDING, spec=replace(PENDING.spec, deadline=datetime(2000, 1, 1, tzinfo=UTC))))
    stage.executor().consider()
    assert reasons(stage) == [Reason.DEADLINE_EXCEEDED]
    assert stage.jobs == []


def test_who_does_not_lead_does_nothing() -> None:
    stage = Stage(pending(), leads=False)
    stage.executor().consider()
    assert (stage.jobs, stage.ends) == ([], [])


def test_of_lost_jobs_only_the_last_that_ended_is_kept_to_be_read() -> None:
    stage = Stage(RUNNING, jobs=[job(1, over=True), job(2, over=True)])
    stage.executor().consider()
    assert stage.numbers() == [2, 3]


def test_an_executor_that_is_silent_is_removed_before_another_one_is_made() -> None:
    stage = Stage(RUNNING, jobs=[job(1)], says=Heard.SILENT)
    stage.executor().consider()
    assert stage.numbers() == [2]


def test_what_could_not_be_taken_back_is_tried_by_another_job_at_growing_pauses() -> None:
    stage = Stage(LEFT)
    executor, made = stage.executor(), []
    for _ in range(40):
        executor.consider()
        made.append(stage.numbers()[-1])
        stage.jobs = [replace(each, over=True) for each in stage.jobs]
        stage.clock.advance(timedelta(seconds=1))
    assert made[0] == 1
    assert made.count(1) == 5
    assert made.count(2) == 10
    assert made[-1] == 4
