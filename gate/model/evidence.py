"""What a run leaves behind for its judge."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gate.model.verdicts import Judgement
from gate.model.workflows import Settings, Window
from gate.model.workloads import Target

COPY = "copy"
"""The act that makes a copy, among those that an undo may be of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Undo:
    """Everything that is needed to take one act back, written before the act. Any process can revert from it alone."""

    id: str
    step: str
    fault: str
    target: Target
    settings: Settings = field(default_factory=dict)
    before: Settings = field(default_factory=dict)
    """The state that the act will change, as it was."""
    proof: str = ""
    """The probe that must have had a bad answer since, where nothing in the cluster shows that the act was felt."""
    spacing: timedelta = timedelta(0)
    """How long the act waits, after the one before it, for the workload to have all of its pods again."""
    patience: timedelta = timedelta(0)
    """How long taking it back may take, where that is longer than it is tried for anything."""
    follows: str = ""
    """The undo whose target this one took the place of, under `targets: follow`."""
    replaced: datetime | None = None
    """When its target was seen to be gone while the fault was held."""
    injected: datetime | None = None
    reverted: datetime | None = None
    error: str = ""
    """Why the last attempt to revert did not work."""
    by_hand: bool = False
    """A person says that it was taken back: the gate did not, and no verdict forgets that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Proof that a fault was felt: what was seen to change, and when."""

    undo: str
    step: str
    what: str
    seen: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One answer of a probe. `at` is when the question was asked, not when the answer came."""

    at: datetime
    ok: bool
    latency: timedelta
    detail: str = ""
    value: float | None = None
    """The number that the service, or the metric, said; finite. None where the probe gives none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The samples of one probe in one window of one step (no step: the baseline)."""

    probe: str
    window: Window
    step: str = ""
    due: int = 0
    """How many samples there should have been."""
    samples: int = 0
    missing: str = ""
    """Why the first sample that is missing is missing, if anybody knows."""
    failures: int = 0
    slow: int = 0
    """How many samples were no good answer within the time of `tolerate.p95`."""
    numbers: int = 0
    """How many samples gave a number."""
    lowest: float | None = None
    highest: float | None = None
    streak: timedelta = timedelta(0)
    """The longest unbroken time without a good answer."""
    streak_at_worst: timedelta = timedelta(0)
    """The same, if every sample that is missing had been bad."""
    first_failure: datetime | None = None
    last_failure: datetime | None = None
    detail: str = ""
    """What the first bad answer was."""
    p50: timedelta | None = None
    p95: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """When a step did what. A time that is None has not come."""

    step: str
    attempt: int = 1
    injected: datetime | None = None
    reverted: datetime | None = None
    ended: datetime | None = None
    detection: timedelta | None = None
    """Injection to first bad sample; None: no sample was bad."""
    recovery: timedelta | None = None
    """Revert to steady again; None: not steady again while it was watched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """A copy of a version, when it was ready: a Deployment of the gate's own that steps hit instead of the workload."""

    name: str
    """Also that of its Service, if it has one."""
    version: str
    """The key of the version that it is to be of."""
    pods: tuple[Target, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the executor saw. It says nothing about good or bad: `judge` does that, from this alone."""

    targets: tuple[Target, ...] = ()
    undo: tuple[Undo, ...] = ()
    effects: tuple[Effect, ...] = ()
    steps: tuple[StepRecord, ...] = ()
    summaries: tuple[Summary, ...] = ()
    copies: tuple[Copy, ...] = ()
    version_after: str = ""
    """The version key of the workload when the last step had ended."""
    stopped: Judgement | None = None
    """Why the executor stopped before the end, if it did."""
    uncompared: str = ""
    """Why the version before was not run to the end, if it was to be."""
