"""A world for the engine in which time is a number: one service, one fault, one probe, and a process that may die."""

import heapq
import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from gate.errors import GateError, Temporary
from gate.model import (
    Judgement,
    Load,
    Probe,
    RunSpec,
    RunStatus,
    Step,
    Target,
    Tolerance,
    Undo,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.running.companions import COMPANION
from gate.running.ports import Answer, Asker, Cluster, LoadSummary, Surroundings, World
from gate.running.record import UNRECORDED, Record
from gate.running.runner import execute

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
NAME = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")
POD = Target(kind="Pod", namespace="shop", name="checkout-1", uid="pod-1")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


PROBE = Probe(
    name="checkout answers",
    kind="fake",
    settings={},
    every=seconds(0.1),
    tolerate=Tolerance(failures=0.1, streak=seconds(1)),
)
STEP = Step(name="lights out", fault="outage", settings={}, hold=seconds(4), recover=seconds(3))
WORKFLOW = Workflow(name="survives-outage", baseline=seconds(2), steady_state=(PROBE,), steps=(STEP,))
SPEC = RunSpec(
    workload=Workload(name=NAME, uid="workload-1"),
    version="v1",
    images=(),
    workflow=WORKFLOW,
    subscriptions=("checkout",),
    revision="r1",
    seed="seed",
    deadline=START + timedelta(minutes=30),
)


class Killed(BaseException):
    """`kill -9`: nothing of the process runs any more."""


@dataclass
class Life:
    """A process that is killed at the n-th point between two effects on the outside world."""

    ends_at: int | None = None
    points: int = 0

    def point(self) -> None:
        self.points += 1
        if self.ends_at is not None and self.points > self.ends_at:
            raise Killed


class Simulation:
    """Clock and background in one: to wait is to do what is due until then."""

    def __init__(self, at: float = 0.0) -> None:
        self._now = at
        self._numbers = itertools.count()
        self._beats: list[tuple[float, int, Callable[[], float]]] = []

    def now(self) -> datetime:
        return START + seconds(self._now)

    def monotonic(self) -> float:
        return self._now

    def wait(self, event: threading.Event, seconds: float) -> bool:
        end = self._now + seconds
        while self._beats and self._beats[0][0] <= end:
            self._now, number, tick = heapq.heappop(self._beats)
            heapq.heappush(self._beats, (self._now + max(tick(), 1e-6), number, tick))
        self._now = end
        return event.is_set()

    def stand_still(self, seconds: float) -> None:
        """Nothing of the process runs for so long, as on a machine that was suspended."""
        self._now += seconds
        self._beats = [(max(due, self._now), number, tick) for due, number, tick in self._beats]
        heapq.heapify(self._beats)

    def beat(self, tick: Callable[[], float]) -> Callable[[], None]:
        heapq.heappush(self._beats, (self._now + tick(), next(self._numbers), tick))
        ended = threading.Event()

        def end() -> None:
            assert not ended.is_set(), "whoever ends a beat twice does not know whether it is at work"
            ended.set()
            self._beats = [beat for beat in self._beats if beat[2] is not tick]
            heapq.heapify(self._beats)

        return end

    def later(self, delay: float, work: Callable[[], None]) -> None:
        """Do the work once, after so many seconds."""

        def once() -> float:
            work()
            return float("inf")

        heapq.heappush(self._beats, (self._now + delay, next(self._numbers), once))

    def do(self, work: Callable[[], None]) -> None:
        work()


@dataclass
class Service:
    """How the service does, and whether the fault is in force; it lives on when the gate is killed."""

    suffers: bool = True
    """It does not answer while the fault is in force."""
    recovers_after: float | None = 0.5
    """Seconds until it answers again; None: never."""
    felt: bool = True
    """The fault really does something."""
    only_once: bool = False
    """It suffers from the first injection only."""
    unsteady: bool = False
    version: str = "v1"
    pods: tuple[Target, ...] = (POD,)
    in_force: bool = False
    taken_back: float | None = None
    injections: int = 0
    proof: str = ""
    """The probe that alone can feel the fault."""
    doubt: GateError | None = None
    """What whoever looks for the effect is told."""
    stuck: bool = False
    """The fault cannot be taken back."""
    patience: timedelta = timedelta(0)
    """How long taking it back may take."""

    def answers(self, now: float) -> bool:
        if self.unsteady:
            return False
        if not self.suffers or self.injections == 0 or (self.only_once and self.injections > 1):
            return True
        if self.in_force or self.taken_back is None or self.recovers_after is None:
            return False
        return now - self.taken_back >= self.recovers_after


class NoBlock(BaseModel):
    """A block without fields."""


@dataclass
class Outage:
    """The fault."""

    service: Service
    clock: Simulation
    life: Life
    journal: "Paper"
    Settings: type[BaseModel] = NoBlock

    def plan(
        self, step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster
    ) -> list[Undo]:
        return [
            Undo(
                id=f"{step.name}/{pod.name}",
                step=step.name,
                fault="outage",
                target=pod,
                proof=self.service.proof,
                patience=self.service.patience,
            )
            for pod in pods
        ]

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        self.life.point()
        assert any(each.id == undo.id for each in self.journal.status.evidence.undo), "the undo was saved before"
        assert self.journal.guarded, "the run is held until the fault is taken back"
        self.service.in_force, self.service.taken_back = self.service.felt, None
        self.service.injections += self.service.felt
        self.life.point()

    def prove(self, undo: Undo, cluster: Cluster) -> str | None:
        if self.service.doubt:
            raise self.service.doubt
        return "the lights are out" if self.service.in_force else None

    def revert(self, undo: Undo, cluster: Cluster) -> str:
        self.life.point()
        if self.service.stuck:
            raise Temporary("the switch does not answer")
        if self.service.in_force:
            self.service.in_force, self.service.taken_back = False, self.clock.monotonic()
        self.life.point()
        return "the lights are on"


@dataclass
class Question:
    """The kind of probe."""

    service: Service
    refusal: GateError | None = None
    """Why it cannot be asked."""
    Settings: type[BaseModel] = NoBlock
    Expect: type[BaseModel] = NoBlock

    def prepare(self, settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
        if self.refusal:
            raise self.refusal

        def ask() -> Answer:
            good = self.service.answers(surroundings.clock.monotonic())
            return Answer(ok=good, detail="" if good else "HTTP 502")

        return ask


@dataclass
class Traffic:
    """The kind of load, and itself under way."""

    summary: LoadSummary = field(default_factory=lambda: LoadSummary(due=100, sent=100, failed=0))
    refusal: GateError | None = None
    """Why it does not begin."""
    apart: bool = False
    """It is sent by something that has to be taken away afterwards."""
    Settings: type[BaseModel] = NoBlock

    def start(self, settings: Mapping[str, Any], surroundings: Surroundings) -> "Traffic":
        if self.apart:
            what = Target(kind="Job", namespace=surroundings.namespace, name="sends", uid="")
            surroundings.keep(Undo(id=surroundings.what, step="", fault=COMPANION, target=what))
        if self.refusal:
            raise self.refusal
        return self

    def stop(self) -> LoadSummary:
        return self.summary


@dataclass
class Paper:
    """The journal: what was saved last is what the next process finds."""

    status: RunStatus = field(default_factory=RunStatus)
    guarded: bool = False
    life: Life = field(default_factory=Life)
    refusals: int = 0
    """How many of the next saves do not work."""
    saves: list[RunStatus] = field(default_factory=list)

    def save(self, status: RunStatus, *, guarded: bool) -> None:
        self.life.point()
        if self.refusals:
            self.refusals -= 1
            raise Temporary("the API server is away")
        self.status, self.guarded = status, guarded
        self.saves.append(status)
        self.life.point()


@dataclass
class OnlyPods:
    """The faults here need no cluster; the engine looks whether pods are still there."""

    service: Service

    def get(self, resource: str, namespace: str, name: str) -> dict[str, Any] | None:
        if resource == "jobs":  # what sends a load is gone whenever somebody looks
            assert name == "sends"
            return None
        assert resource == "pods"
        found = (pod for pod in self.service.pods if (pod.namespace, pod.name) == (namespace, name))
        return next(({"metadata": {"name": pod.name, "uid": pod.uid}} for pod in found), None)

    def patch(
        self, resource: str, namespace: str, name: str, body: dict[str, Any], *, subresource: str = ""
    ) -> dict[str, Any]:
        raise AssertionError

    def delete(self, resource: str, namespace: str, name: str, *, uid: str, grace: timedelta | None = None) -> bool:
        raise AssertionError


@dataclass
class Pods:
    """What runs."""

    service: Service

    def ready_pods(self, name: WorkloadName) -> Sequence[Target]:
        return self.service.pods

    def version(self, workload: Workload) -> str:
        return self.service.version


@dataclass
class Stage:
    """One service, one journal, and as many processes after each other as it takes."""

    service: Service = field(default_factory=Service)
    journal: Paper = field(default_factory=Paper)
    clock: Simulation = field(default_factory=Simulation)
    spec: RunSpec = SPEC
    load: Traffic = field(default_factory=Traffic)
    refusal: Judgement | None = None
    refuses_probes: GateError | None = None
    stop: Callable[[], Judgement | None] = lambda: None
    record: Record = UNRECORDED

    def execute(self, life: Life | None = None) -> RunStatus:
        """Begin, or go on, in a process of its own. Raises `Killed` if that is killed."""
        life = life or Life()
        self.journal.life = life
        return execute(self.spec, self.journal.status, self.world(life), self.journal, self.stop, self.record)

    def world(self, life: Life | None = None) -> World:
        return World(
            cluster=OnlyPods(self.service),
            workloads=Pods(self.service),
            permission=lambda *_: self.refusal,
            clock=self.clock,
            background=self.clock,
            resolve=str,
            faults={"outage": Outage(self.service, self.clock, life or Life(), self.journal)},
            probes={"fake": Question(self.service, self.refuses_probes)},
            loads={"fake": self.load},
        )

    def restart(self, downtime: float = 5.0) -> None:
        """The process is gone with all its threads; another one will start after a while."""
        self.clock = Simulation(self.clock.monotonic() + downtime)


def with_steps(*steps: Step) -> RunSpec:
    return replace(SPEC, workflow=replace(WORKFLOW, steps=steps))


def with_load(spec: RunSpec = SPEC) -> RunSpec:
    return replace(spec, workflow=replace(spec.workflow, load=(Load(name="shoppers", kind="fake", settings={}),)))
