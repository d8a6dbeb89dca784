"""Who is executed, who waits, and who may not go on."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from gate.cluster.leases import LASTS
from gate.errors import Temporary
from gate.model import (
    Evidence,
    Judgement,
    Load,
    Reason,
    Run,
    RunPhase,
    RunSpec,
    RunStatus,
    Step,
    Verdict,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.running.execution import Fenced
from gate.running.executor import APART, SILENCE, Executor, _Active
from gate.running.mode import Mode
from gate.running.ports import LoadSummary, Surroundings, World
from gate.running.record import UNRECORDED, Record, Unrecorded
from gate.running.time import SystemClock

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
Eventually = Callable[[Callable[[], object]], None]


def run(name: str, phase: RunPhase = RunPhase.PENDING, namespace: str = "shop", **changes: Any) -> Run:
    workload = Workload(
        name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="checkout"), uid="uid"
    )
    step = Step(name="it breaks", fault="none", settings={}, hold=SECOND, recover=SECOND)
    spec = RunSpec(
        workload=workload,
        version="v",
        images=(),
        workflow=Workflow(name=name, baseline=SECOND, steady_state=(), steps=(step,)),
        subscriptions=("checkout",),
        revision="r",
        seed="s",
        deadline=datetime.now(UTC) + timedelta(minutes=5),
    )
    made = Run(
        namespace=namespace, name=name, uid=f"uid of {name}", created=NOW, spec=spec, status=RunStatus(phase=phase)
    )
    return replace(made, **changes)


class Cluster:
    """The runs as they were seen and as they are, their leases and their journals."""

    def __init__(self, seen: Run, now: Run | None) -> None:
        self.seen, self.now = seen, now
        self.ours: bool | None = True
        self.saved: list[RunStatus] = []
        self.released = self.watched = self.beats = 0
        self.others: list[Run] = []
        self.shown: list[str] = []
        self.leads = True

    def all(self) -> list[Run]:
        return [self.seen]

    def latest(self, run: Run) -> Run | None:
        return self.seen if self.seen.uid == run.uid else None

    def read(self, run: Run) -> Run | None:
        return self.now

    def around(self, run: Run, *, everywhere: bool) -> list[Run]:
        return [run, *self.others]

    def show(self, run: Run, activity: str) -> None:
        self.shown.append(activity)

    def journal(self, run: Run, insist: Callable[[], None]) -> "Cluster":
        self.insist = insist
        return self

    def save(self, status: RunStatus, *, guarded: bool) -> None:
        self.insist()
        self.saved.append(status)
        if self.now:
            self.seen = self.now = replace(self.now, status=status)

    def hold(self, run: Run, now: datetime) -> bool:
        self.beats += 1
        if self.ours is None:
            raise Temporary("the API server is away")
        return self.ours

    def watch(self, run: Run) -> bool:
        self.watched += 1
        return False

    def release(self, run: Run) -> None:
        self.released += 1


def executor(cluster: Cluster, record: Callable[[Run], Record], **world_of: Any) -> Executor:
    nobody: Any = None
    world = World(
        cluster=nobody,
        workloads=nobody,
        permission=lambda *_: None,
        clock=SystemClock(),
        background=nobody,
        resolve=str,
        faults={},
        probes={},
        loads={},
    )
    world = replace(world, **world_of)
    return Executor(
        store=cluster,
        leases=cluster,
        world=world,
        mode=lambda: Mode.RUN,
        permit=lambda _: nobody,
        fence=lambda _: nobody,
        leads=lambda: cluster.leads,
        record=record,
    )


def played(
    cluster: Cluster,
    until: Callable[[], object],
    eventually: Eventually,
    record: Callable[[Run], Record] = lambda _: UNRECORDED,
    **world_of: Any,
) -> None:
    made, stop = executor(cluster, record, **world_of), threading.Event()
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        eventually(until)
    finally:
        stop.set()
        made.poke()
        thread.join(10)


def test_a_pending_run_is_executed_to_its_end(eventually: Eventually) -> None:
    cluster = Cluster(run("a"), run("a"))
    played(cluster, lambda: cluster.released, eventually)
    assert cluster.saved[-1].phase is RunPhase.EXECUTED


def test_an_answer_that_nobody_expected_does_not_end_the_executor(eventually: Eventually) -> None:
    class Odd(Cluster):
        asked = 0

        def all(self) -> list[Run]:
            self.asked += 1
            if self.asked == 1:
                raise KeyError("metadata")
            return super().all()

    cluster = Odd(run("a"), run("a"))
    played(cluster, lambda: cluster.released, eventually)
    assert cluster.saved[-1].phase is RunPhase.EXECUTED


def has_no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


class Slip(Unrecorded):
    """A record that notes what became of it."""

    def __init__(self) -> None:
        self.became: list[str] = []

    def begin(self, spec: RunSpec, status: RunStatus) -> None:
        self.became.append("begun")

    def finish(self, evidence: Evidence, judgement: Judgement, score: int) -> str:
        self.became.append(f"finished as {judgement.verdict}")
        return "it is in the drawer"

    def close(self) -> None:
        self.became.append("closed")


def test_each_execution_has_a_record_that_is_finished_before_the_run_says_that_it_ended(eventually: Eventually) -> None:
    cluster, slip = Cluster(run("a"), run("a")), Slip()
    played(cluster, lambda: cluster.released, eventually, record=lambda _: slip)
    assert slip.became == ["begun", "finished as ERRORED", "closed"]
    assert cluster.saved[-1].timeline[-1].what == "it is in the drawer"


def test_a_record_is_let_go_of_also_when_the_run_was_lost(eventually: Eventually) -> None:
    cluster, slip = Cluster(run("a"), run("a")), Slip()

    def save(status: RunStatus, *, guarded: bool) -> None:
        raise Fenced("the run belongs to another executor now")

    cluster.save = save  # type: ignore[method-assign]
    played(cluster, lambda: cluster.released, eventually, record=lambda _: slip)
    assert slip.became[-1] == "closed"


def test_a_mistake_in_an_execution_is_told_and_the_run_is_taken_up_again(
    eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    class Odd(Cluster):
        opened = 0

        def journal(self, run: Run, insist: Callable[[], None]) -> Cluster:
            self.opened += 1
            if self.opened == 1:
                raise ValueError("not in list")
            return super().journal(run, insist)

    cluster = Odd(run("a"), run("a"))
    played(cluster, lambda: cluster.released == 2, eventually)
    assert cluster.saved[-1].phase is RunPhase.EXECUTED
    assert "run.lost run=a" in caplog.text


def test_a_record_that_cannot_be_opened_holds_no_run_for_ever(
    eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    opened: list[Run] = []

    def open_one(run: Run) -> Record:
        opened.append(run)
        if len(opened) == 1:
            raise OSError("no space left on device")
        return UNRECORDED

    cluster = Cluster(run("a"), run("a"))
    played(cluster, lambda: cluster.released == 2, eventually, record=open_one)
    assert cluster.saved[-1].phase is RunPhase.EXECUTED
    assert "no space left on device" in caplog.text


def test_a_run_on_which_the_same_mistake_is_made_each_time_is_taken_up_less_and_less_often(
    eventually: Eventually,
) -> None:
    cluster, clock, opened = Cluster(run("a", RunPhase.RUNNING), run("a", RunPhase.RUNNING)), Time(), list[float]()

    def never(made: Run) -> Record:
        opened.append(clock.monotonic())
        raise ValueError("not in list")

    made = executor(cluster, never, clock=clock)
    for _ in range(40):
        made.consider()
        eventually(lambda: cluster.released == len(opened))
        clock.now_is += 0.5
    assert opened == [100.0, 101.0, 103.0, 107.0, 111.0, 115.0, 119.0]


class Noting:
    """A load that sends nothing, and notes what it was told."""

    def __init__(self) -> None:
        self.told: list[Surroundings] = []

    def start(self, settings: Any, surroundings: Surroundings) -> "Noting":
        self.told.append(surroundings)
        return self

    def stop(self) -> LoadSummary:
        return LoadSummary(due=0, sent=0, failed=0)


def test_a_load_learns_for_which_run_it_is_and_gets_secrets_of_its_namespace_only(eventually: Eventually) -> None:
    pending, load = run("a"), Noting()
    loads = (Load(name="shoppers", kind="noting", settings={}),)
    pending = replace(pending, spec=replace(pending.spec, workflow=replace(pending.spec.workflow, load=loads)))
    cluster = Cluster(pending, pending)
    keyring = {"loads": {"noting": load}, "credentials": lambda namespace, name: f"{namespace}/{name}"}
    played(cluster, lambda: cluster.released, eventually, **keyring)
    (told,) = load.told
    assert (told.run, told.namespace, told.credentials("token")) == ("a", "shop", "shop/token")


class Slow(Noting):
    """A load that takes its time to end."""

    def __init__(self) -> None:
        super().__init__()
        self.told_to_end, self.may_end = threading.Event(), threading.Event()

    def stop(self) -> LoadSummary:
        self.told_to_end.set()
        assert self.may_end.wait(60)
        return super().stop()


def test_an_executor_that_is_told_to_end_beats_until_everything_is_taken_back(eventually: Eventually) -> None:
    """Or it could not write any more: four seconds without a beat, and somebody else may have the run."""
    pending, load = run("a"), Slow()
    loads = (Load(name="shoppers", kind="slow", settings={}),)
    pending = replace(pending, spec=replace(pending.spec, workflow=replace(pending.spec.workflow, load=loads)))
    cluster, stop = Cluster(pending, pending), threading.Event()
    made = executor(cluster, lambda _: UNRECORDED, loads={"slow": load})
    thread = threading.Thread(target=made.run, args=(stop,))
    thread.start()
    try:
        eventually(load.told_to_end.is_set)
        stop.set()
        made.poke()
        beats = cluster.beats
        eventually(lambda: cluster.beats > beats + 2)
        assert thread.is_alive()
    finally:
        stop.set()
        load.may_end.set()
        thread.join(60)
    assert (thread.is_alive(), cluster.released) == (False, 1)


def test_a_run_that_has_ended_since_it_was_seen_is_left_alone(eventually: Eventually) -> None:
    cluster = Cluster(run("a", RunPhase.RUNNING), run("a", RunPhase.JUDGED))
    played(cluster, lambda: cluster.released, eventually)
    assert cluster.saved == []


def test_a_run_that_was_told_to_stop_since_it_was_seen_ends_without_an_act(eventually: Eventually) -> None:
    cluster = Cluster(run("a"), run("a", abort=Reason.SUPERSEDED))
    played(cluster, lambda: cluster.released, eventually)
    assert cluster.saved[-1].evidence.stopped is not None
    assert cluster.saved[-1].evidence.stopped.reason is Reason.SUPERSEDED
    assert cluster.saved[-1].evidence.undo == ()


def test_a_run_whose_lease_somebody_else_holds_is_left_alone(eventually: Eventually) -> None:
    cluster = Cluster(run("a"), run("a"))
    cluster.ours = False
    looked: list[int] = []
    cluster.all = lambda: looked.append(1) or [cluster.seen]  # type: ignore[method-assign,func-returns-value]
    played(cluster, lambda: len(looked) > 1, eventually)
    assert cluster.saved == []


def test_a_replica_that_does_not_lead_starts_nothing_but_watches_those_who_do(eventually: Eventually) -> None:
    cluster = Cluster(run("a", RunPhase.RUNNING), run("a", RunPhase.RUNNING))
    cluster.leads = False
    played(cluster, lambda: cluster.watched, eventually)
    assert (cluster.saved, cluster.released) == ([], 0)


class SlowLeases(Cluster):
    """Nobody hears of a beat before the test says so."""

    def __init__(self, *runs: Run) -> None:
        super().__init__(runs[0], runs[0])
        self.runs, self.held = runs, dict[str, float]()
        self.answer, self.under_way, self.lock = threading.Event(), list[str](), threading.Lock()

    def all(self) -> list[Run]:
        return list(self.runs)

    def latest(self, run: Run) -> Run | None:
        return next((each for each in self.runs if each.uid == run.uid), None)

    def read(self, run: Run) -> Run | None:
        return self.latest(run)

    def save(self, status: RunStatus, *, guarded: bool) -> None:
        """Nobody writes anything down."""

    def hold(self, run: Run, now: datetime) -> bool:
        with self.lock:
            first = run.name not in self.held
            self.held.setdefault(run.name, monotonic())
            self.under_way.append(run.name)
            assert len(set(self.under_way)) == len(self.under_way), "one beat of each at a time"
        if not first:
            self.answer.wait(30)
        with self.lock:
            self.under_way.remove(run.name)
        return True


def lasting(name: str) -> Run:
    """A run that is on for as long as the test is."""
    made = run(name, namespace=name)
    workflow = replace(made.spec.workflow, baseline=timedelta(minutes=4))
    return replace(made, spec=replace(made.spec, workflow=workflow))


def test_a_slow_beat_of_one_run_does_not_hold_up_those_of_the_others(eventually: Eventually) -> None:
    cluster = SlowLeases(*(lasting(name) for name in ("a", "b", "c")))

    def all_at_once() -> bool:
        if len(cluster.under_way) == 3:
            cluster.answer.set()
        return cluster.answer.is_set()

    try:
        played(cluster, all_at_once, eventually)
    finally:
        cluster.answer.set()
    assert cluster.released == 3, "what runs is handed over when the gate stops"


def test_runs_do_not_all_begin_at_once_but_what_may_have_left_a_fault_behind_does_not_wait(
    eventually: Eventually,
) -> None:
    begun = [replace(lasting(name), status=RunStatus(phase=RunPhase.RUNNING)) for name in ("x", "y", "z")]
    cluster = SlowLeases(*(lasting(name) for name in ("a", "b", "c")), *begun)
    cluster.answer.set()
    played(cluster, lambda: len(cluster.held) == 6, eventually)
    assert set(list(cluster.held)[:3]) == {"x", "y", "z"}
    a, b, c = (cluster.held[name] for name in ("a", "b", "c"))
    assert b - a >= APART
    assert c - b >= APART


def test_a_run_whose_beat_found_no_thread_is_beaten_for_again(
    monkeypatch: pytest.MonkeyPatch, eventually: Eventually
) -> None:
    cluster = Cluster(run("a"), run("a"))
    made, active = executor(cluster, lambda _: UNRECORDED), _Active(run=run("a"), clock=SystemClock(), last_beat=0.0)
    made._active["a"] = active
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", has_no_thread)
        made._beat()
    assert cluster.beats == 0
    made._beat()
    eventually(lambda: cluster.beats == 1)


class Time:
    """A clock that is set by the test."""

    now_is = 100.0

    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return self.now_is

    def wait(self, event: threading.Event, seconds: float) -> bool:
        return False


def test_who_could_not_beat_for_four_seconds_may_write_again_only_after_a_beat() -> None:
    active = _Active(run=run("a"), clock=Time(), last_beat=100.0)
    active.clock.now_is = 104.0
    active.insist()
    active.clock.now_is = 104.1
    with pytest.raises(Temporary, match="not renewed in time"):
        active.insist()
    active.last_beat = 104.1
    active.insist()


def test_a_run_waits_for_one_that_another_gate_executes_and_says_so_until_its_deadline(eventually: Eventually) -> None:
    waits = run("a")
    cluster = Cluster(waits, waits)
    cluster.others = [run("far", RunPhase.RUNNING)]
    played(cluster, lambda: cluster.shown, eventually)
    assert cluster.shown[0] == "Waiting: held by run shop/far, which has Deployment shop/checkout"
    assert cluster.saved == []
    late = replace(waits.spec, deadline=datetime.now(UTC))
    cluster.seen = cluster.now = replace(waits, spec=late, status=RunStatus(activity=cluster.shown[0]))
    played(cluster, lambda: cluster.released, eventually)
    stopped = cluster.saved[-1].evidence.stopped
    assert stopped is not None
    assert (stopped.verdict, stopped.reason) == (Verdict.ERRORED, Reason.DEADLINE_EXCEEDED)
    assert stopped.message.endswith(cluster.shown[0])


def test_whose_lease_was_taken_may_never_write_again() -> None:
    active = _Active(run=run("a"), clock=Time(), last_beat=100.0, taken=True)
    with pytest.raises(Fenced, match="another executor"):
        active.insist()


def test_an_executor_falls_silent_before_another_one_begins() -> None:
    assert SILENCE < LASTS
