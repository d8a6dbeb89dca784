"""What a team wants to be tried: faults, probes and load, and what is tolerated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gate.model.workloads import WorkloadName

Settings = Mapping[str, Any]
"""A `with:`, `http:`, ... block as the author wrote it; the fault, probe or load it belongs to gives it a type."""

SECOND = timedelta(seconds=1)


class Window(StrEnum):
    """Which part of a run samples belong to."""

    BEFORE = "before"
    DURING = "during"
    AFTER = "after"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How much a probe may fail within one window. What is None does not limit."""

    failures: float = 0.0
    """The share of its samples (0 to 1) that may be bad."""
    streak: timedelta | None = None
    """The longest unbroken time without a good answer."""
    p95: timedelta | None = None
    """The time within which 95% of its samples have a good answer; a bad one counts as one that never came."""
    at_least: float | None = None
    at_most: float | None = None
    """Bounds that no sample's number may leave, whatever share may be bad; a sample without a number does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A question about the service, asked again and again, with what counts as a good answer."""

    name: str
    kind: str
    settings: Settings
    expect: Settings = field(default_factory=dict)
    every: timedelta = SECOND
    tolerate: Tolerance = Tolerance()
    when: tuple[Window, ...] = tuple(Window)
    """The windows in which it counts. It is asked in the others too, and what it says there is not looked at."""
    weight: int = 1
    """How much it counts in the score, beside the others."""
    critical: bool = False
    """Beyond its tolerance it fails the run, whatever the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Traffic that runs for as long as the workflow does."""

    name: str
    kind: str
    settings: Settings


class Targets(StrEnum):
    """What becomes of the fault when a pod that it hit is replaced while it is held."""

    FIXED = "fixed"
    """What came in its place is left alone."""
    FOLLOW = "follow"
    """What came in its place is hit as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One fault for some time, and how long the service may take to be steady again after the fault was taken back."""

    name: str
    fault: str
    settings: Settings
    hold: timedelta
    recover: timedelta
    target: WorkloadName | None = None
    """Another workload than the one that is judged, such as a dependency."""
    used: str = ""
    """The probe whose good answers need the target: one before the fault shows that the target had been used."""
    targets: Targets = Targets.FIXED
    repetition: int = 1
    """Which repetition of the workflow it belongs to; each has steps of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeat:
    """How often all steps of a workflow are done, and how many of these repetitions have to pass."""

    times: int
    passes: int


class Isolation(StrEnum):
    """What the steps of a workflow hit."""

    NONE = "none"
    """The workload itself."""
    COPY = "copy"
    """A copy of the version that is judged, which nobody else uses."""


class Compare(StrEnum):
    """With which other version a failure is compared."""

    PREVIOUS = "previous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workflow:
    """Steady state, load and steps, with every parameter filled in."""

    name: str
    baseline: timedelta
    steady_state: tuple[Probe, ...]
    steps: tuple[Step, ...]
    load: tuple[Load, ...] = ()
    threshold: int | None = None
    """The share of the probes, by weight, in percent, that must stay within their tolerance in each step. None: all."""
    repeat: Repeat | None = None
    """None: the steps are done once."""
    isolation: Isolation = Isolation.NONE
    compare: Compare | None = None
    service: str = ""
    """The Service in front of the workload. Known where it or a copy may be asked, and its address is left open."""

    @property
    def makes_copies(self) -> bool:
        """What is asked is known only when the run is on: where settings name it, there is a stand-in."""
        return self.isolation is Isolation.COPY or self.compare is not None
