"""A run: what it is to do, and how far it is."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gate.model.evidence import Evidence
from gate.model.verdicts import Compared, Reason, Verdict
from gate.model.workflows import Workflow
from gate.model.workloads import ContainerImage, Workload


class RunPhase(StrEnum):
    """How far a run is."""

    PENDING = "Pending"
    RUNNING = "Running"
    EXECUTED = "Executed"
    JUDGED = "Judged"


@dataclass(frozen=True, slots=True, kw_only=True)
class TimelineEntry:
    """One line of a run's story."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """A person's word in place of the gate's own evidence that something was taken back. It changes no verdict."""

    at: datetime
    who: str
    """As the API server knows whoever said it."""
    reason: str
    undo: tuple[str, ...]
    """The ids of what was taken back by hand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSpec:
    """One workflow against one version, with everything that is needed to execute it."""

    workload: Workload
    version: str
    images: tuple[ContainerImage, ...]
    workflow: Workflow
    subscriptions: tuple[str, ...]
    revision: str
    seed: str
    deadline: datetime
    previous: tuple[ContainerImage, ...] = ()
    """What ran before this version, if that is known and the workflow compares with it."""
    asked_by: str = ""
    """Who asked for it by hand, as the API server knows them: no gate waits for it. Empty: a gate made it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """What became of a run so far. The executor writes everything but the verdict, the gate writes the verdict."""

    phase: RunPhase = RunPhase.PENDING
    attempt: int = 0
    """How many executors have begun; more than one when an executor was lost."""
    activity: str = ""
    """What it is doing right now, for people."""
    started: datetime | None = None
    finished: datetime | None = None
    timeline: tuple[TimelineEntry, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    score: int | None = None
    compared: Compared | None = None
    overrides: tuple[Override, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A `ChaosRun` as the cluster holds it."""

    namespace: str
    name: str
    uid: str
    created: datetime
    spec: RunSpec
    status: RunStatus = RunStatus()
    abort: Reason | None = None
    """Somebody wants it to stop: superseded, or aborted by a person."""
    deleting: bool = False
    guarded: bool = False
    """The finalizer is there: something is still to be taken back."""
    resource_version: str = ""

    @property
    def begun(self) -> bool:
        """Somebody has executed some of it, or may have left something to be taken back."""
        return self.guarded or self.executed

    @property
    def executed(self) -> bool:
        """Somebody has executed some of it, as its status says, which whoever makes a run cannot write."""
        return self.status.attempt > 0 or self.status.phase is not RunPhase.PENDING
