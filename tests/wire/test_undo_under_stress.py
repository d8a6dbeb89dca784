"""Whatever ends a run in the middle, and whoever takes it back at the same time: nothing stays broken."""

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest

from gate.cluster.leases import Leases
from gate.cluster.mode import read_mode
from gate.cluster.runs import RunJournal, Runs
from gate.cluster.workloads import Workloads
from gate.errors import GateError
from gate.faults import FAULTS
from gate.model import Judgement, Reason, Run, RunPhase, RunStatus, Targets, Verdict
from gate.policy.rules import Policy
from gate.probes import PROBES
from gate.running.background import Threads
from gate.running.executor import Executor
from gate.running.judge import judge
from gate.running.mode import Mode
from gate.running.permit import Permit
from gate.running.ports import World
from gate.running.runner import execute
from gate.running.time import SystemClock
from gate.sandbox.kubernetes.faults.port import Fault
from gate.sandbox.kubernetes.registry.routes import Request
from gate.wire.identity import identity
from gate.wire.reaping import reap
from gate.wire.ties import RunLeases
from tests import grounds
from tests.grounds import Ground
from tests.running.simulation import Question, Service, Simulation, Stage
from tests.wire.job_world import PODS, Eventually, Shop, Watching, looked_after

log = logging.getLogger(__name__)

LONG = timedelta(minutes=4)
OUTAGE = 120.0
"""Seconds for which the API refuses."""


class Store(Watching):
    """The runs of one namespace, with their journals."""

    def latest(self, run: Run) -> Run | None:
        return next((each for each in self.all() if each.uid == run.uid), None)

    def journal(self, run: Run, insist: Callable[[], None]) -> RunJournal:
        return RunJournal(Runs(self._api.fenced(insist)), run)


@dataclass
class Gate:
    """An executor of one namespace in this process."""

    shop: Shop
    leads: bool = True
    stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        api, clock = self.shop.api, SystemClock()
        self._background = Threads(clock)
        world = World(
            cluster=api,
            workloads=Workloads(api),
            permission=lambda *_: None,
            clock=clock,
            background=self._background,
            resolve=str,
            faults=FAULTS,
            probes=PROBES,
            loads={},
        )

        def mode() -> Mode:
            return read_mode(api, self.shop.home)

        def permit(stop: Callable[[], Judgement | None]) -> Permit:
            labels = {"chaosgate.dev/chaos": "allowed"}
            return Permit(policy=Policy, mode=mode, labels=lambda _: labels, clock=clock, stop=stop)

        self.executor = Executor(
            store=Store(api, self.shop.namespace),
            leases=RunLeases(Leases(api, identity(), clock.monotonic)),
            world=world,
            mode=mode,
            permit=permit,
            fence=api.fenced,
            leads=lambda: self.leads,
        )
        self._thread = threading.Thread(target=self.executor.run, args=(self.stop,))
        self._thread.start()

    def end(self) -> None:
        """As on SIGTERM."""
        self.stop.set()
        self.executor.poke()
        if self._thread:
            self._thread.join()
            self._background.close()
            self._thread = None


@contextmanager
def executing(shop: Shop) -> Iterator[Gate]:
    gate = Gate(shop)
    gate.start()
    try:
        yield gate
    finally:
        gate.end()


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (ground, _):
        yield ground


def is_in_force(shop: Shop, run: Run) -> bool:
    undos = shop.look(run).status.evidence.undo
    return shop.replicas() == 1 and any(undo.injected and not undo.reverted for undo in undos)


def is_whole(shop: Shop, run: Run) -> bool:
    """Nothing is in force, and nothing holds the run any more."""
    after = shop.look(run)
    return shop.replicas() == PODS and not after.guarded and all(each.reverted for each in after.status.evidence.undo)


def phase(shop: Shop, run: Run) -> RunPhase:
    return shop.look(run).status.phase


class By(StrEnum):
    """Who executes a run: for whoever ends it, that makes no difference."""

    THREAD = "thread"
    JOB = "job"

    @contextmanager
    def executing(self, shop: Shop) -> Iterator[None]:
        with executing(shop) if self is By.THREAD else looked_after(shop, api=shop.as_gate()):
            yield


by_either = pytest.mark.parametrize(
    ("cluster", "by"),
    [
        ("sandbox", By.THREAD),
        pytest.param("sandbox", By.JOB, marks=pytest.mark.thorough),
        pytest.param("real", By.THREAD, marks=pytest.mark.cluster),
    ],
    indirect=["cluster"],
)
"""On nodes that are played by kwok no Job does anything."""


@contextmanager
def in_force(shop: Shop) -> Iterator[tuple[Gate, Run]]:
    """An executor, and its run with a fault that would last for minutes."""
    run = shop.begin("scale", LONG, to=1)
    with executing(shop) as gate:
        shop.eventually(lambda: is_in_force(shop, run))
        yield gate, run


@contextmanager
def in_force_by(by: By, shop: Shop) -> Iterator[Run]:
    """The same, by either executor."""
    run = shop.begin("scale", LONG, to=1)
    with by.executing(shop):
        shop.eventually(lambda: is_in_force(shop, run))
        yield run


def verdict(shop: Shop, run: Run) -> tuple[Verdict, Reason | None]:
    after = shop.look(run)
    judgement, _ = judge(after.spec, after.status.evidence)
    return judgement.verdict, judgement.reason


@by_either
def test_the_mode_abort_takes_everything_back(by: By, shop: Shop) -> None:
    with in_force_by(by, shop) as run:
        shop.say(Mode.ABORT)
        shop.eventually(lambda: phase(shop, run) is RunPhase.EXECUTED)
        shop.eventually(lambda: is_whole(shop, run))
    assert verdict(shop, run) == (Verdict.CANCELED, Reason.ABORTED)


def test_what_is_told_to_stop_has_taken_back_within_two_seconds_of_reading_it() -> None:
    """By a clock that nothing but the executor's own waiting moves."""
    stage, read = Stage(Service(suffers=False)), []

    def stop() -> Judgement | None:
        if stage.service.in_force and stage.clock.monotonic() >= 4.0:
            read.append(stage.clock.monotonic())
            return Judgement(verdict=Verdict.CANCELED, reason=Reason.ABORTED, message="the mode is abort")
        return None

    stage.stop = stop
    stage.execute()
    assert stage.service.taken_back is not None
    assert stage.service.taken_back - read[0] < 2


@by_either
def test_a_run_that_is_told_to_stop_is_taken_back(by: By, shop: Shop) -> None:
    with in_force_by(by, shop) as run:
        Runs(shop.api).abort(run, Reason.SUPERSEDED)
        shop.eventually(lambda: phase(shop, run) is RunPhase.EXECUTED)
        shop.eventually(lambda: is_whole(shop, run))
    assert verdict(shop, run) == (Verdict.CANCELED, Reason.SUPERSEDED)


@by_either
def test_a_run_that_is_deleted_is_taken_back_and_then_gone(by: By, shop: Shop) -> None:
    with in_force_by(by, shop) as run:
        shop.api.delete("chaosruns", run.namespace, run.name, uid=run.uid)
        shop.eventually(lambda: Runs(shop.api).get(run.namespace, run.name) is None)
    assert shop.replicas() == PODS


def test_a_gate_that_is_told_to_end_takes_back_first_and_leaves_the_run_to_the_next_one(shop: Shop) -> None:
    with in_force(shop) as (gate, run):
        gate.end()
        assert is_whole(shop, run)
        assert phase(shop, run) is RunPhase.RUNNING
    with executing(shop):
        shop.eventually(lambda: shop.look(run).status.attempt == 2 and is_in_force(shop, run))
    assert is_whole(shop, run)


def test_a_gate_that_leads_no_more_takes_back_and_begins_nothing(shop: Shop) -> None:
    with in_force(shop) as (gate, run):
        gate.leads = False
        shop.eventually(lambda: is_whole(shop, run))
        assert phase(shop, run) is RunPhase.RUNNING
        assert shop.look(run).status.attempt == 1


@by_either
def test_an_executor_whose_lease_was_taken_lets_go_and_the_next_one_takes_back_first(by: By, shop: Shop) -> None:
    """Whoever took it died with it."""
    with in_force_by(by, shop) as run:
        taken = {"holderIdentity": "somebody", "leaseDurationSeconds": 1}
        shop.api.patch("leases", run.namespace, run.name, {"spec": taken})
        shop.eventually(lambda: shop.look(run).status.attempt == 2 and is_in_force(shop, run))
        assert "the executor was lost; another one takes over" in shop.story(run)
        shop.say(Mode.ABORT)
        shop.eventually(lambda: is_whole(shop, run))


@by_either
def test_a_reaper_leaves_a_run_alone_that_somebody_executes(by: By, shop: Shop) -> None:
    with in_force_by(by, shop) as run:
        reap(shop.api)
        assert is_in_force(shop, run)
        assert shop.look(run).guarded
        shop.say(Mode.ABORT)
        shop.eventually(lambda: is_whole(shop, run))


def test_reapers_and_an_executor_at_once_come_to_one_end(shop: Shop) -> None:
    with in_force(shop) as (gate, run):
        reapers = [threading.Thread(target=reap, args=(shop.api,)) for _ in range(2)]
        for reaper in reapers:
            reaper.start()
        gate.end()
        for reaper in reapers:
            reaper.join()
        shop.eventually(lambda: is_whole(shop, run))


@by_either
def test_who_replaces_a_pod_that_was_hit_is_hit_too_if_targets_are_followed(by: By, shop: Shop) -> None:
    run = shop.begin("pod-kill", LONG, Targets.FOLLOW, count=1)
    with by.executing(shop):
        shop.eventually(lambda: len(felt(shop, run)) >= 3)
        shop.say(Mode.ABORT)
        shop.eventually(lambda: phase(shop, run) is RunPhase.EXECUTED)
    after = shop.look(run).status.evidence
    chain = [undo.follows for undo in after.undo]
    assert chain == ["", *(undo.id for undo in after.undo[:-1])]
    assert len({undo.target.uid for undo in after.undo}) == len(after.undo)
    assert {undo.target.uid for undo in after.undo} == {target.uid for target in after.targets}
    shop.eventually(lambda: is_whole(shop, run))


def felt(shop: Shop, run: Run) -> set[str]:
    return {effect.undo for effect in shop.look(run).status.evidence.effects}


# --------------------------------------------------------------------------------- the API refuses for two minutes


@dataclass
class Refusing:
    """A server that refuses for two minutes of a clock that only waiting moves, from when the fault is in force."""

    clock: Simulation
    everything: bool
    since: float | None = None

    def __call__(self, request: Request) -> Fault | None:
        about = "/deployments/" in request.path and request.method == "PATCH"
        if self.since is None:
            return None
        over = self.clock.monotonic() >= self.since + OUTAGE
        return Fault(status=503) if not over and (self.everything or about) else None

    def begin(self) -> None:
        self.since = self.clock.monotonic()


@dataclass
class ThenRefused:
    """The fault `scale`, after whose act the server refuses."""

    refusing: Refusing
    plan: Any = FAULTS["scale"].plan
    prove: Any = FAULTS["scale"].prove
    revert: Any = FAULTS["scale"].revert

    def inject(self, undo: Any, cluster: Any) -> None:
        FAULTS["scale"].inject(undo, cluster)
        if self.refusing.since is None:
            self.refusing.begin()


@pytest.mark.parametrize("everything", [True, False])
def test_an_api_that_refuses_for_two_minutes_is_outlasted(
    everything: bool, tmp_path: Path, eventually: Eventually
) -> None:
    clock = Simulation()
    refusing = Refusing(clock, everything)
    with grounds.sandbox(tmp_path, faults=refusing) as (ground, _):
        assert ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}}).status_code == 201
        shop = Shop(ground=ground, namespace="shop", eventually=eventually, folder=tmp_path)
        shop.create()
        run = shop.begin("scale", timedelta(seconds=5), to=1)
        ended = outlast(shop, run, clock, refusing)
        assert refusing.since is not None
        assert clock.monotonic() >= refusing.since + OUTAGE
        assert is_whole(shop, run)
        assert ended[-1].phase is RunPhase.EXECUTED
        if not everything:  # then it can be written down at once that it did not work
            assert verdict(shop, run) == (Verdict.ERRORED, Reason.REVERT_FAILED)


def outlast(shop: Shop, run: Run, clock: Simulation, refusing: Refusing) -> Sequence[RunStatus]:
    """Execute the run again and again, as an executor does, until nothing is left of it."""
    world = World(
        cluster=shop.api,
        workloads=Workloads(shop.api),
        permission=lambda *_: None,
        clock=clock,
        background=clock,
        resolve=str,
        faults={"scale": ThenRefused(refusing)},
        probes={"kubernetes": Question(Service(suffers=False))},
        loads={},
    )
    ended: list[RunStatus] = []
    for _ in range(100):
        try:
            now = shop.look(run)
            if now.status.phase is RunPhase.EXECUTED and not now.guarded:
                return ended
            journal = RunJournal(Runs(shop.api), now)
            ended.append(execute(replace(now.spec), now.status, world, journal, lambda: None))
        except GateError as error:
            log.info("refused at=%.0f why=%r", clock.monotonic(), str(error))
        clock.wait(threading.Event(), 5.0)
    raise AssertionError("it was never over")
