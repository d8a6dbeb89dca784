"""What the engine asks of the world, and the shape of a fault, a probe and a load."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import BaseModel

from gate.errors import Permanent
from gate.model import Judgement, RunSpec, RunStatus, Step, Target, Undo, Workload, WorkloadName

Json = dict[str, Any]


def nobody(*names: str) -> str:
    """Keeps no secrets."""
    raise Permanent(f"there are no credentials {'/'.join(names)}: the operators keep none for probes and loads")


def nothing(*_: object) -> None:
    """Makes nothing, so that nothing has to be undone or waited for."""
    raise Permanent("nothing can be made here: there is no run that it would belong to")


def never(_since: float) -> float:
    """This process never stands still."""
    return 0.0


class Clock(Protocol):
    """Time as an argument. Durations are measured on `monotonic`, which no one can set."""

    def now(self) -> datetime:
        """The wall clock, in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since some fixed moment."""
        ...

    def wait(self, event: threading.Event, seconds: float) -> bool:
        """Sleep until the event is set (True) or the seconds are over (False)."""
        ...


class Background(Protocol):
    """Work that goes on beside the run. It is shared by all runs of a process."""

    def beat(self, tick: Callable[[], float]) -> Callable[[], None]:
        """Call `tick` now, and again each time the seconds that it returned are over. Returns what ends this."""
        ...

    def do(self, work: Callable[[], None]) -> None:
        """Do the work as soon as a hand is free; returns at once. Raises `RuntimeError` where there is none at all."""
        ...


class Cluster(Protocol):
    """Kubernetes, as far as faults need it. `resource` is a plural name such as `pods` or `deployments`.

    Every method raises `Temporary` where trying again may help, `Denied` where rights are missing, else `Permanent`.
    """

    def get(self, resource: str, namespace: str, name: str) -> Json | None:
        """The object, or None where there is none."""
        ...

    def patch(self, resource: str, namespace: str, name: str, body: Json, *, subresource: str = "") -> Json:
        """Merge-patch the object; with `metadata.resourceVersion` in the body a stale one raises `Conflict`."""
        ...

    def delete(self, resource: str, namespace: str, name: str, *, uid: str, grace: timedelta | None = None) -> bool:
        """Delete this very object; False if it is gone already, or another one has taken its name."""
        ...

    def create(self, resource: str, namespace: str, body: Json) -> Json:
        """Make the object; `Conflict` if its name is taken."""
        ...

    def list(self, resource: str, namespace: str = "", *, labels: str = "") -> tuple[Sequence[Json], str]:
        """The objects, and the resourceVersion at which they were so. Raises `Absent` for a resource that this cluster
        does not have.
        """
        ...

    def evict(self, namespace: str, name: str, *, uid: str, grace: timedelta | None = None) -> bool:
        """Delete this very pod as far as its disruption budget allows; False as with `delete`, `Protected` if not."""
        ...

    def execute(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, changing: bool = True
    ) -> str:
        """Run a command in a container; what it wrote. Raises `Permanent` if it fails, `Temporary` where the container
        does not run now, or nobody says how it ended. Not `changing`: it only looks.
        """
        ...


class Fault(Protocol):
    """What is done to targets, and how it is taken back; each fault is a module of this shape."""

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class, held by a module
        """The schema of the step's `with:` block."""
        ...

    def plan(
        self, step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster
    ) -> list[Undo]:
        """Read what will be touched, with its state before. Changes nothing. No targets: an empty list.

        `workload` is the workload that the step hits, `pods` are its ready pods of the current revision.
        """
        ...

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        """Do it. The undo is saved before this is called; after a `Temporary` error it is called again."""
        ...

    def prove(self, undo: Undo, cluster: Cluster) -> str | None:
        """What shows that the fault was felt, in one clause; None while nothing does. Changes nothing."""
        ...

    def revert(self, undo: Undo, cluster: Cluster) -> str:
        """Take it back, from the record alone; once, twice, or although it was never done: the same end.

        Returns what was done, or left alone and why, in one clause.
        """
        ...


class Asker(Protocol):
    """A probe made ready to be asked; thread-safe. It never raises: a service that does not answer is a bad answer."""

    def __call__(self) -> "Answer | NoSample": ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer to a probe. `detail` says what was wrong, in one clause, where it was not ok."""

    ok: bool
    detail: str = ""
    value: float | None = None
    """The number that it gave, finite, if it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NoSample:
    """The question could not be put, or nothing that came says how the service does. `why` is one clause."""

    why: str


class ProbeKind(Protocol):
    """A way to ask the service; each kind is a module of this shape."""

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class, held by a module
        """The schema of the block that is named like the probe (`http:`)."""
        ...

    @property
    def Expect(self) -> type[BaseModel]:  # noqa: N802 - a class, held by a module
        """The schema of the `expect:` block."""
        ...

    def prepare(self, settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: "Surroundings") -> Asker:
        """Parse the blocks once; what is wrong in them raises `Permanent`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadSummary:
    """What a load delivered."""

    due: int
    sent: int
    failed: int
    problem: str = ""
    """Why it was not the load that was asked for, whatever it counted; in one clause."""


class RunningLoad(Protocol):
    """A load that is under way."""

    def stop(self) -> LoadSummary:
        """End it, within a second or two where it is ours to end, and say what it delivered."""
        ...


class LoadKind(Protocol):
    """A way to make traffic; each kind is a module of this shape."""

    @property
    def Settings(self) -> type[BaseModel]:  # noqa: N802 - a class, held by a module
        """The schema of the block that is named like the load (`http:`)."""
        ...

    def start(self, settings: Mapping[str, Any], surroundings: "Surroundings") -> RunningLoad:
        """Begin, and return when it sends. What is wrong in the settings raises `Permanent`, and so does what does not
        begin.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What probes and loads may use."""

    cluster: Cluster
    clock: Clock
    namespace: str
    """The namespace of the workload that is judged."""
    resolve: Callable[[str], str]
    """Host name as the author wrote it -> address to connect to (the same name where the system's DNS knows it)."""
    run: str = ""
    """The name of the run, which the service is told."""
    credentials: Callable[[str], str] = nobody
    """The secret of that name that the operators keep for the namespace. Raises `GateError`."""
    keep: Callable[[Undo], None] = nothing
    """Asks whether something may be made, and writes down how to undo it; before it is made. Raises if it may not."""
    rest: Callable[[], None] = nothing
    """Waits a moment, for something that is to begin. Raises when the run shall end."""
    deadline: datetime | None = None
    """That of the run."""
    what: str = ""
    """What this is for, in words that nothing else of the run has: `load shoppers`."""


class Workloads(Protocol):
    """What runs right now."""

    def ready_pods(self, name: WorkloadName) -> Sequence[Target]:
        """The ready pods of the workload's current revision, in no particular order."""
        ...

    def version(self, workload: Workload) -> str:
        """The key of the version that the workload's pods run now; empty if it is gone, or they do not agree."""
        ...


class Journal(Protocol):
    """The run's record in the cluster. What was saved is still there when this process is not."""

    def save(self, status: RunStatus, *, guarded: bool) -> None:
        """Write the status; `guarded` keeps (or lets go of) the finalizer that holds the run until all is taken back.

        Raises `Temporary` where trying again may help, and `Permanent` when the run belongs to another executor now.
        """
        ...


class Permission(Protocol):
    """Asked before every act that changes something."""

    def __call__(self, spec: RunSpec, step: Step, targets: Sequence[Target]) -> Judgement | None:
        """None: go ahead. Otherwise the judgement with which to stop (mode, policy)."""
        ...


class Locks(Protocol):
    """Asked before the targets of a step are hit, and while the answer says that somebody else has them, again."""

    def __call__(self, run: str, spec: RunSpec, step: Step, undos: Sequence[Undo]) -> str:
        """What holds the targets, in words; empty if nothing does. `run` is the name of the run that asks.

        Raises `Temporary` where it cannot be told now, and `Denied` where it cannot be told at all, or never will be
        otherwise: then nothing is done.
        """
        ...


def admitted(_spec: RunSpec) -> str:
    """Nothing is said against it."""
    return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that the engine needs besides the run itself."""

    cluster: Cluster
    workloads: Workloads
    permission: Permission
    clock: Clock
    background: Background
    resolve: Callable[[str], str]
    faults: Mapping[str, Fault]
    probes: Mapping[str, ProbeKind]
    loads: Mapping[str, LoadKind]
    run: str = ""
    """The name of the run that this is for."""
    stood_still: Callable[[float], float] = never
    """For how many seconds this process stood still since that reading of the monotonic clock, as far as it knows."""
    locks: Locks = lambda *_: ""
    admits: Callable[[RunSpec], str] = admitted
    """Asked before a run begins: what the policy says against its beginning now; empty if nothing. Raises `Denied` if
    it will never be otherwise, and `Temporary` where it cannot be told now.
    """
    credentials: Callable[[str, str], str] = nobody
    """The secret that the operators keep for a namespace, under a name. Raises `GateError`."""
