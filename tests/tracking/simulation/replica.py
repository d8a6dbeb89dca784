"""One process of the gate: its real parts, a step of one of its threads at a time."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from kubernetes.client import Configuration

from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api
from gate.cluster.clock import ServerClock
from gate.cluster.gates import Gates
from gate.cluster.known import Known
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.documents.catalogue import Catalogue
from gate.errors import GateError
from gate.model import Gate, WorkloadName
from gate.tracking import ports
from gate.tracking.leading import NotLeading
from gate.tracking.reconciler import Looked, Reconciler
from gate.wire.comparing import Comparing
from gate.wire.copies import Copies
from gate.wire.due import Due
from gate.wire.echoes import Echoes, RunEchoes
from gate.wire.fetching import Fetching
from tests.tracking.simulation.executing import judged
from tests.tracking.simulation.server import NAMESPACE
from tests.tracking.simulation.wire import Wire

FETCH_EVERY = 10.0


def honest(port: Any) -> Any:
    """The port as it is; tests of the simulation itself put a worse one in its place."""
    return port


class Replica:
    """A process, from its start to its death."""

    def __init__(
        self,
        name: str,
        wire: Wire,
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        draw: Callable[[], float],
        leads: Callable[[], bool],
        newest: Callable[[], Catalogue],
        gates: Callable[[ports.Gates], ports.Gates] = honest,
        runs: Callable[[ports.Runs], ports.Runs] = honest,
        clock: Callable[[ServerClock], ServerClock] = honest,
    ) -> None:
        """`newest` reads git."""
        self.name, self._now, self._monotonic, self._newest, self._leads = name, now, monotonic, newest, leads
        configuration = Configuration()
        configuration.host = "http://in-process"
        told = clock(ServerClock(_Machine(now, monotonic), monotonic))
        api = Api(configuration, wire).timing(told)
        now, self._now = told.now, told.now
        fenced = api.fenced(self._insist)
        self.subscribed = Subscribed(now)
        echoes, run_echoes = Echoes(Gates(fenced), self._copy_of), RunEchoes(Runs(fenced))
        workloads = Workloads(api)
        self._due = Due(
            Copies(api, (), monotonic=monotonic, draw=draw),
            self.subscribed,
            poke=_nothing,
            monotonic=monotonic,
            expect=workloads.expect,
            is_echo=echoes.is_one,
            is_run_echo=run_echoes.is_one,
        )
        self.due = self._due.workloads
        self.reconciler = Reconciler(
            workloads=workloads,
            gates=gates(echoes),
            runs=runs(run_echoes),
            subscriptions=self.subscribed,
            judge=judged,
            now=now,
        )
        self._fetching = Fetching(
            _Git(newest),
            self.subscribed,
            Known(fenced, NAMESPACE),
            leads=leads,
            changed=self._due.named,
            learnt=self._due.gather,
            every=timedelta(seconds=FETCH_EVERY),
            draw=lambda: 0.0,
            clock=told,
        )
        self._comparing = Comparing(self.due, self._told, leads=self._may_decide, now=now)
        self._said = ""
        self._steps: list[tuple[float, Callable[[], float]]] = [
            (monotonic(), self._fetch),
            *((monotonic(), mirror.step) for mirror in self._due.copies.mirrors),
        ]

    def lead(self, leads: bool) -> None:
        """It begins to lead, or has heard that it does not any more."""
        self._comparing.begin()
        self._fetching.lead(leads)
        if leads:
            self._due.gather()
            self._steps[0] = (self._monotonic(), self._fetch)

    def _copy_of(self, name: WorkloadName) -> Gate | None:
        return self._due.copies.gate_of(name)

    def _may_decide(self) -> bool:
        return self._leads() and self._fetching.may_decide

    def ready(self) -> list[Callable[[], str]]:
        """What its threads would do now, each a step of one of them; a comparison, if one is due, is the last."""
        now = self._monotonic()
        able = [partial(self._step, index) for index, (due, _) in enumerate(self._steps) if due <= now]
        return [*able, self._track] if self.due.due_in() == 0 else able

    def all_steps(self) -> list[Callable[[], str]]:
        """Read git, and let every watch deliver what it has: what would come to be, given a little time."""
        return [partial(self._step, index) for index in range(len(self._steps))]

    def _step(self, index: int) -> str:
        _, step = self._steps[index]
        self._steps[index] = (float("inf"), step)  # it is busy, should it be asked meanwhile
        pause = step()
        self._steps[index] = (self._monotonic() + pause, step)
        return ""

    def _track(self) -> str:
        name = self.due.take()
        assert name is not None
        self._said = "does not lead, or goes on"
        self._comparing.take_up(name)
        return self._said

    def _told(self, name: WorkloadName) -> Looked:
        self._said = "looked"
        try:
            return self.reconciler.look(name)
        except GateError as error:
            self._said = f"could not: {type(error).__name__}: {error}"
            raise

    def _fetch(self) -> float:
        return self._fetching.step().total_seconds()

    def _insist(self) -> None:
        if not self._leads():
            raise NotLeading(f"{self.name} does not lead")


def _nothing() -> None:
    """There is no executor in this process."""


class _Machine:
    """Its own clocks, of which one may be set."""

    def __init__(self, now: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self.now, self.monotonic = now, monotonic

    def wait(self, _event: threading.Event, _seconds: float) -> bool:
        raise AssertionError("nobody waits in a simulation")


class _Git:
    """The catalogue's repository: what was pushed last."""

    def __init__(self, newest: Callable[[], Catalogue]) -> None:
        self._newest = newest

    def fetch(self) -> None:
        """There is nothing in between."""

    def fetched(self) -> None:
        """It is never asked."""

    def read(self, _fetched: datetime) -> Catalogue:
        return self._newest()
