"""What the tracker asks of the world."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from gate.model import Gate, GateStatus, Judgement, Reason, Rollout, Run, RunSpec, Workload, WorkloadName
from gate.tracking.claims import Claim


class Workloads(Protocol):
    """What runs right now."""

    def rollout(self, name: WorkloadName) -> Rollout | None:
        """How far the workload's rollout is; None if there is no such workload."""
        ...


class Gates(Protocol):
    """The standing answers."""

    def get(self, name: WorkloadName) -> Gate | None: ...

    def create(self, workload: Workload) -> Gate:
        """Make the gate of a workload; creating it twice is creating it once.

        Raises `Conflict` while the gate of another workload of that name is in the way.
        """
        ...

    def delete(self, gate: Gate) -> None:
        """Remove a gate that answers for a workload that is no more."""
        ...

    def save(self, gate: Gate, status: GateStatus) -> Gate:
        """Write the status; raises `Conflict` if the gate was written since it was read."""
        ...


class Runs(Protocol):
    """The runs."""

    def get(self, namespace: str, name: str) -> Run | None: ...

    def create(self, gate: Gate, name: str, spec: RunSpec) -> Run:
        """Make the run; creating it twice is creating it once. Where the name is taken it returns what has it, whoever
        made that.
        """
        ...

    def abort(self, run: Run, reason: Reason) -> None:
        """Ask for the run to stop."""
        ...

    def save_verdict(self, run: Run, judgement: Judgement, score: int | None) -> Run:
        """Write what the evidence of an executed run adds up to."""
        ...


class Subscriptions(Protocol):
    """What the catalogue asks of workloads."""

    @property
    def revision(self) -> str:
        """The revision in force; empty until the first one has been read."""
        ...

    def of(self, name: WorkloadName, labels: Mapping[str, str], remembered: Sequence[str] = ()) -> Sequence[Claim]:
        """The subscriptions of this workload, also those that cannot be read; `remembered` are those it has had."""
        ...


class Judge(Protocol):
    """Turns an executed run into its judgement and score (None: not one)."""

    def __call__(self, run: Run) -> tuple[Judgement, int | None]: ...
