"""Whose turn it is: which runs may be executed now, and what holds each of the others. Pure.

One run for each workload, so many for each namespace and for the whole cluster, in the order of their creation.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gate.model import Run, RunPhase, RunSpec, WorkloadName
from gate.running.mode import Mode

WAITING = "Waiting: held by "
"""How a run's activity begins while it waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caps:
    """How many runs there may be at once."""

    namespace: int = 1
    cluster: int | None = None
    """None: as many as there are namespaces for."""


CAPS = Caps()


def by_nothing(_run: Run) -> str:
    """Nothing holds it but other runs."""
    return ""


@dataclass(slots=True, kw_only=True)
class Turns:
    """The answer for all runs that are not over."""

    go: list[Run] = field(default_factory=list)
    """Those that should be executed now: what was begun first, and what only has to be ended."""
    held: list[tuple[Run, str]] = field(default_factory=list)
    """The others, with what holds each of them."""


@dataclass(slots=True)
class _Taken:
    """What has been given away so far: by whom each workload and namespace is taken."""

    caps: Caps
    workloads: dict[WorkloadName, str] = field(default_factory=dict)
    namespaces: dict[str, list[str]] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    """Namespaces in which nothing new may begin, because something there could not be taken back."""
    runs: int = 0

    def by(self, run: Run, *, waits: bool = False) -> None:
        """The run has its workloads and namespaces; one that waits has them before those that came later."""
        for workload in touched(run.spec):
            self.workloads.setdefault(workload, full_name(run))
        for namespace in namespaces(run):
            self.namespaces.setdefault(namespace, []).append(full_name(run))
        self.runs += not waits

    def holder(self, run: Run) -> str:
        """What holds the run; empty if nothing does. The places of the whole cluster come last: whoever is held by
        something nearer leaves them to others.
        """
        for namespace in sorted(namespaces(run) & self.blocked.keys()):
            return f"run {self.blocked[namespace]}, which could not take back what it did"
        for workload in touched(run.spec):
            if other := self.workloads.get(workload):
                return f"run {other}, which has {workload}"
        for namespace in sorted(namespaces(run)):
            present = self.namespaces.get(namespace, [])
            if len(present) >= self.caps.namespace:
                return f"run {present[0]}: there may be {self.caps.namespace} at once in the namespace {namespace}"
        if self.caps.cluster is not None and self.runs >= self.caps.cluster:
            return f"others: there may be {self.caps.cluster} at once in the cluster"
        return ""


def full_name(run: Run) -> str:
    return f"{run.namespace}/{run.name}"


def touched(spec: RunSpec) -> list[WorkloadName]:
    """The workload that is judged, and those that the steps hit."""
    return list(dict.fromkeys([spec.workload.name, *(step.target for step in spec.workflow.steps if step.target)]))


def namespaces(run: Run) -> set[str]:
    """Where the run may do something."""
    return {run.namespace, *(workload.namespace for workload in touched(run.spec))}


def under_way(run: Run) -> bool:
    """Somebody executes it, or has to: it was begun and is not over, or has something left to take back."""
    return run.guarded or run.status.phase is RunPhase.RUNNING


def to_be_ended(run: Run, mode: Mode, now: datetime) -> bool:
    """It has not begun, and never will: what is aborted, deleted or too late ends without an act, and harms nobody."""
    return bool(run.abort) or run.deleting or mode is Mode.ABORT or now >= run.spec.deadline


def turns(
    runs: Iterable[Run],
    mode: Mode,
    caps: Caps,
    now: datetime,
    *,
    executed: Collection[str] = (),
    held: Callable[[Run], str] = by_nothing,
) -> Turns:
    """Who goes, and who waits for what. `executed` are the uids of runs that were begun a moment ago, whatever the
    runs here say. `held` is asked of each run that has not begun, when its turn comes, what else holds it; whom
    something holds stands in nobody's way.
    """
    answer, taken = Turns(), _Taken(caps)
    alive = [run for run in runs if under_way(run) or run.status.phase is RunPhase.PENDING or run.uid in executed]
    alive.sort(key=lambda run: (run.created, run.namespace, run.name))
    begun = {run.uid for run in alive if under_way(run) or run.uid in executed}
    for run in (run for run in alive if run.uid in begun):
        answer.go.append(run)
        taken.by(run)
        if run.guarded and run.status.phase is not RunPhase.RUNNING:
            taken.blocked.update(dict.fromkeys(namespaces(run), full_name(run)))
    for run in (run for run in alive if run.uid not in begun):
        if to_be_ended(run, mode, now):
            answer.go.append(run)
            continue
        if mode is not Mode.RUN:
            answer.held.append((run, f"the mode {mode}"))
            continue
        holder = taken.holder(run)
        if not holder and (other := held(run)):
            answer.held.append((run, other))
            continue
        if holder:
            answer.held.append((run, holder))
        else:
            answer.go.append(run)
        taken.by(run, waits=bool(holder))
    return answer


def precedes(run: Run, other: Run) -> bool:
    """Of two runs that were begun at the same time, by gates that did not see each other, which one goes on."""
    return _claim(run) < _claim(other)


def _claim(run: Run) -> tuple[datetime, str]:
    return run.status.started or run.created, run.uid


def beyond(run: Run, all_of_them: Sequence[Run], caps: Caps) -> str:
    """What holds a run that was begun, by those that were begun before it; empty if nothing does."""
    taken = _Taken(caps)
    for other in all_of_them:
        if other.uid != run.uid and under_way(other) and precedes(other, run):
            taken.by(other)
        if other.uid != run.uid and other.guarded and other.status.phase is not RunPhase.RUNNING:
            taken.blocked.update(dict.fromkeys(namespaces(other), full_name(other)))
    return taken.holder(run)
