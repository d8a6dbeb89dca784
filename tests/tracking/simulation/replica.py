"""One process of the gate: the real mirrors, queue, catalogue and reconciler, tied together as `gate.wire` does it."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from kubernetes.client import Configuration

from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api, Form
from gate.cluster.gates import Gates, gate_from, gate_name
from gate.cluster.known import Known
from gate.cluster.mirror import Key, Mirror
from gate.cluster.runs import Runs, run_from
from gate.cluster.workloads import Workloads
from gate.documents.catalogue import Catalogue
from gate.errors import GateError
from gate.model import Gate, Run, WorkloadKind, WorkloadName
from gate.tracking import ports
from gate.tracking.leading import NotLeading
from gate.tracking.queue import WorkQueue
from gate.tracking.reconciler import Reconciler
from tests.tracking.simulation.executing import judged
from tests.tracking.simulation.server import NAMESPACE
from tests.tracking.simulation.wire import Wire

FETCH_EVERY = 10.0
AGAIN = 2.0


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
    ) -> None:
        """`newest` reads git."""
        self.name, self._now, self._monotonic, self._newest, self._leads = name, now, monotonic, newest, leads
        configuration = Configuration()
        configuration.host = "http://in-process"
        api = Api(configuration, wire)
        fenced = api.fenced(self._insist)
        self.due: WorkQueue[WorkloadName] = WorkQueue(monotonic)
        self.subscribed = Subscribed(now)
        self._known = Known(fenced, NAMESPACE)
        clocks: dict[str, Any] = {"monotonic": monotonic, "draw": draw}
        self._workloads = Mirror(
            api, "deployments", "", lambda item: item["metadata"].get("labels") or {}, self._workload_changed,
            form=Form.METADATA, **clocks,
        )  # fmt: skip
        self._gates: Mirror[Gate] = Mirror(api, "chaosgates", "", gate_from, self._gate_changed, **clocks)
        self._runs: Mirror[Run] = Mirror(api, "chaosruns", "", run_from, self._run_changed, **clocks)
        self.reconciler = Reconciler(
            workloads=Workloads(api),
            gates=gates(Gates(fenced)),
            runs=runs(Runs(fenced)),
            subscriptions=self.subscribed,
            judge=judged,
            now=now,
        )
        self._steps: list[tuple[float, Callable[[], float]]] = [
            (monotonic(), self._fetch),
            *((monotonic(), mirror.step) for mirror in (self._workloads, self._gates, self._runs)),
        ]

    def begins_to_lead(self) -> None:
        """It looks at everything once, and reads git anew."""
        self._look_at_all()
        self._steps[0] = (self._monotonic(), self._fetch)

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
        again: float | None = None
        if not self._leads():
            self.due.done(name)
            return "does not lead"
        said = "looked"
        try:
            if wake := self.reconciler.reconcile(name):
                again = max(0.0, (wake - self._now()).total_seconds())
        except GateError as error:
            said, again = f"could not: {type(error).__name__}: {error}", AGAIN
        self.due.done(name)
        if again is not None:
            self.due.add(name, after=again)
        return said

    def _fetch(self) -> float:
        try:
            self.subscribed.knew(self._known.read())
            catalogue = self._newest()
            new = catalogue.revision != self.subscribed.revision
            named = self.subscribed.put(catalogue)
            if new:
                for name in named:
                    self.due.add(name)
                self._look_at_all()
            if self._leads():
                self._known.save(self.subscribed.known)
        except GateError:
            return AGAIN
        return FETCH_EVERY

    def _look_at_all(self) -> None:
        for gate in self._gates.all():
            self.due.add(gate.workload.name)
        for name in self.subscribed.catalogue.workloads() if self.subscribed.catalogue else ():
            self.due.add(name)
        for key, labels in self._workloads.items():
            if self.subscribed.is_claimed(_named(key), labels):
                self.due.add(_named(key))

    def _insist(self) -> None:
        if not self._leads():
            raise NotLeading(f"{self.name} does not lead")

    def _workload_changed(self, key: Key) -> None:
        name = _named(key)
        if self.subscribed.is_claimed(name, self._workloads.get(key) or {}) or self._gates.get(
            (key[0], gate_name(name))
        ):
            self.due.add(name)

    def _gate_changed(self, key: Key) -> None:
        if gate := self._gates.get(key):
            self.due.add(gate.workload.name)
            return
        for each, _labels in self._workloads.items():  # noqa: PERF102 - not a mapping
            if (each[0], gate_name(_named(each))) == key:
                self.due.add(_named(each))

    def _run_changed(self, key: Key) -> None:
        if run := self._runs.get(key):
            self.due.add(run.spec.workload.name)
        else:
            for gate in self._gates.all():
                if gate.namespace == key[0]:
                    self.due.add(gate.workload.name)


def _named(key: Key) -> WorkloadName:
    return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=key[0], name=key[1])
