"""What the gate follows in the cluster, copied.

Gates and runs are copied whole, of workloads only the labels: subscriptions select by them. The rest of a workload is
shown with each event, to those who can tell from it what they will have to ask.
"""

import logging
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from gate.cluster.api import Api, Form
from gate.cluster.gates import LONGEST_NAME, gate_from, gate_name
from gate.cluster.kinds import KINDS
from gate.cluster.mirror import Key, Mirror
from gate.cluster.runs import run_from
from gate.cluster.said import Json
from gate.errors import Permanent
from gate.model import Gate, Run, WorkloadKind, WorkloadName

log = logging.getLogger(__name__)

T = TypeVar("T")

Labels = Mapping[str, str]


def _unheard(*_: object) -> None:
    """Nobody listens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """Who hears what changed, never how."""

    workload_shown: Callable[[WorkloadName, Json], None] = _unheard
    """Hears, right before, how an event shows a workload. It may have changed since, and other events be lost."""
    workload_changed: Callable[[WorkloadName], None] = _unheard
    gate_changed: Callable[[Key], None] = _unheard
    run_changed: Callable[[Key], None] = _unheard
    """Hears of what may be a reason to do something."""
    run_moved: Callable[[], None] = _unheard
    """Hears of all that happens to runs."""


class Copies:
    """Follows the server once each of its `mirrors` is run. What happens before anybody listens is told to nobody:
    whoever begins to act looks at everything.
    """

    def __init__(
        self,
        api: Api,
        namespaces: Sequence[str],
        *,
        monotonic: Callable[[], float],
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Only these `namespaces`; all of them if none is named. `monotonic` and `draw` are those of the mirrors."""
        scopes = namespaces or ("",)
        self._listeners = Listeners()

        self._workloads = {
            kind: [
                Mirror(
                    api,
                    KINDS[kind].RESOURCE,
                    scope,
                    _labels_of,
                    partial(self._workload_changed, kind),
                    form=Form.METADATA,
                    watched=Form.WHOLE,
                    shown=partial(self._workload_shown, kind),
                    optional=kind is not WorkloadKind.DEPLOYMENT,  # Rollouts may come later, the sandbox has no others
                    monotonic=monotonic,
                    draw=draw,
                )
                for scope in scopes
            ]
            for kind in WorkloadKind
        }
        self._gates = [
            Mirror(api, "chaosgates", scope, _readable(gate_from), self._gate_changed, monotonic=monotonic, draw=draw)
            for scope in scopes
        ]
        self._runs = [
            Mirror(
                api,
                "chaosruns",
                scope,
                _readable(run_from),
                self._run_changed,
                essence=_essence,
                heard=self._run_moved,
                monotonic=monotonic,
                draw=draw,
            )
            for scope in scopes
        ]

    def tell(self, listeners: Listeners) -> None:
        """From now on these hear."""
        self._listeners = listeners

    def _workload_shown(self, kind: WorkloadKind, key: Key, item: Json) -> None:
        self._listeners.workload_shown(WorkloadName(kind=kind, namespace=key[0], name=key[1]), item)

    def _workload_changed(self, kind: WorkloadKind, key: Key) -> None:
        self._listeners.workload_changed(WorkloadName(kind=kind, namespace=key[0], name=key[1]))

    def _gate_changed(self, key: Key) -> None:
        self._listeners.gate_changed(key)

    def _run_changed(self, key: Key) -> None:
        self._listeners.run_changed(key)

    def _run_moved(self) -> None:
        self._listeners.run_moved()

    @property
    def mirrors(self) -> Sequence[Mirror[Labels] | Mirror[Gate | None] | Mirror[Run | None]]:
        workloads = [mirror for mirrors in self._workloads.values() for mirror in mirrors]
        return [*workloads, *self._gates, *self._runs]

    def gates(self) -> Sequence[Gate]:
        return [gate for mirror in self._gates for gate in mirror.all() if gate]

    def runs(self) -> Sequence[Run]:
        return [run for mirror in self._runs for run in mirror.all() if run]

    def gate(self, key: Key) -> Gate | None:
        return _find(self._gates, key)

    def gate_of(self, name: WorkloadName) -> Gate | None:
        return self.gate((name.namespace, gate_name(name)))

    def workload_of(self, gate: Key) -> WorkloadName | None:
        """The workload that is there and whose gate has that name, be there such a gate or not."""
        namespace, called = gate
        for kind, mirrors in self._workloads.items():
            name = WorkloadName(kind=kind, namespace=namespace, name=called.removeprefix(f"{kind.lower()}-"))
            if gate_name(name) == called and any(mirror.get((namespace, name.name)) is not None for mirror in mirrors):
                return name
        if len(called) < LONGEST_NAME:
            return None
        return next((name for name, _ in self.workloads() if (name.namespace, gate_name(name)) == gate), None)  # cut

    def run(self, key: Key) -> Run | None:
        return _find(self._runs, key)

    def is_there(self, name: WorkloadName) -> bool:
        return any(mirror.get((name.namespace, name.name)) is not None for mirror in self._workloads[name.kind])

    def labels(self, name: WorkloadName) -> Labels:
        """None at all also if there is no such workload."""
        return _find(self._workloads[name.kind], (name.namespace, name.name)) or {}

    def workloads(self) -> Iterator[tuple[WorkloadName, Labels]]:
        """Those of all kinds, with their labels."""
        for kind, mirrors in self._workloads.items():
            for mirror in mirrors:
                for (namespace, name), labels in mirror.items():
                    yield WorkloadName(kind=kind, namespace=namespace, name=name), labels


def _find(mirrors: Sequence[Mirror[T]], key: Key) -> T | None:
    return next((found for mirror in mirrors if (found := mirror.get(key))), None)


def _essence(run: Run | None) -> object:
    """Each second an executor shows how far it is. Nobody decides anything by that."""
    return run and (run.uid, run.begun, run.status.phase, run.status.verdict, run.abort, run.deleting, run.guarded)


def _labels_of(item: Json) -> Labels:
    """A workload is read anew whenever the rest of it counts."""
    return item["metadata"].get("labels") or {}


def _readable(parse: Callable[[Json], T]) -> Callable[[Json], T | None]:
    """An object of ours that cannot be read is told about, and does not keep the others from being seen."""

    def keep(item: Json) -> T | None:
        try:
            return parse(item)
        except Permanent as error:
            log.error("object.unreadable why=%r", str(error))  # noqa: TRY400 - the sentence says it all
            return None

    return keep
