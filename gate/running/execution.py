"""One execution under way: what its parts share, how it waits, and how it is stopped."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from pydantic import ValidationError

from gate.documents.target import bind, host_of
from gate.errors import BadDocument, Denied, Futile, Permanent, Protected, Temporary
from gate.model import Copy, Judgement, Reason, RunSpec, Step, Verdict, WorkloadKind, WorkloadName
from gate.running.logbook import Logbook
from gate.running.observation import Observation
from gate.running.ports import Fault, RunningLoad, World
from gate.running.record import UNRECORDED, Record
from gate.running.sampling import Sampler
from gate.running.time import Timekeeper

T = TypeVar("T")

TICK = 0.1
"""Seconds within which a run notices that it has to stop."""
PATIENCE = 30.0
"""Seconds for which something that may work later is tried again."""
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 2.0


class Stopped(Exception):
    """The run ends here, for a reason that is known; raised wherever that is noticed, caught at one place."""

    def __init__(self, judgement: Judgement) -> None:
        super().__init__(judgement.message)
        self.judgement = judgement


class HandedOver(Stopped):
    """This executor may not go on, but another one will: the run is not over."""


class Fenced(Permanent):
    """The run is another executor's by now: this one may do nothing more to it, not even take back."""


def errored(reason: Reason, message: str) -> Stopped:
    """We cannot find out."""
    return Stopped(Judgement(verdict=Verdict.ERRORED, reason=reason, message=message))


@dataclass(slots=True, kw_only=True)
class Execution:
    """One attempt at a run."""

    spec: RunSpec
    world: World
    log: Logbook
    time: Timekeeper
    stop: Callable[[], Judgement | None]
    record: Record = UNRECORDED
    sampler: Sampler | None = None
    observation: Observation | None = None
    bystanders: frozenset[str] = frozenset()
    """The uids of the pods that were ready when the targets of the present step were chosen."""
    waiting: str = ""
    """What it waited for last, if it ever did."""
    loads: dict[str, RunningLoad] = field(default_factory=dict)
    doubts: dict[str, str] = field(default_factory=dict)
    """Why nothing shows that an act was felt, by its undo, as far as anybody says."""
    copy: Copy | None = None
    """What is hit and asked now instead of the workload."""
    stage: str = ""
    """What the names of the baseline and the steps end with; empty while the version that is judged is hit."""

    @property
    def subject(self) -> WorkloadName:
        """What is hit and asked: the workload, or a copy."""
        name = self.spec.workload.name
        if self.copy is None:
            return name
        return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=name.namespace, name=self.copy.name)

    def aim(self, step: Step) -> WorkloadName:
        """The workload that the step hits now."""
        return self.subject if step.target in {None, self.spec.workload.name} else step.target or self.subject

    def bound(self, settings: Any) -> Any:
        """The settings with what is hit and asked now in the place of stand-ins."""
        workflow = self.spec.workflow
        if not workflow.makes_copies:
            return settings
        service = self.copy.name if self.copy else workflow.service
        return bind(settings, self.subject.name, host_of(service, self.subject.namespace))

    @property
    def seen(self) -> Observation:
        if self.observation is None:
            raise Permanent("nothing is observed before sampling has begun")
        return self.observation

    def check(self) -> None:
        """Raises `Stopped` if somebody wants the run to end, or its time is over."""
        judgement = self.stop()
        if judgement is not None:
            raise HandedOver(judgement) if judgement.reason is Reason.EXECUTOR_LOST else Stopped(judgement)
        if self.time.now() >= self.spec.deadline:
            over = f"the deadline of the run, {self.spec.deadline:%H:%M:%S}, is over"
            raise errored(Reason.DEADLINE_EXCEEDED, f"{over}. {self.waiting}" if self.waiting else over)

    def pause(self, seconds: float = TICK) -> None:
        """Wait a little, and show those who watch how far the run is. Raises `Stopped`."""
        self.check()
        self.time.wait(min(TICK, max(0.0, seconds)))
        if self.log.due:
            self.write_summaries()
            self.log.show()
        self.check()

    def wait_until(self, moment: datetime) -> None:
        """Raises `Stopped`."""
        while (left := (moment - self.time.now()).total_seconds()) > 0:
            self.pause(left)

    def patiently(self, act: Callable[[], T]) -> T:
        """Do it; while it may work later, again. Raises `Stopped`, and what is raised when patience is over."""
        end, pause = self.time.monotonic() + PATIENCE, FIRST_PAUSE
        while True:
            try:
                return act()
            except Temporary as error:
                if self.time.monotonic() >= end:
                    raise
                wanted = max(pause, error.retry_after or 0.0)
            pause = min(LONGEST_PAUSE, 2 * pause)
            again = self.time.monotonic() + wanted
            while (left := again - self.time.monotonic()) > 0:
                self.check()
                self.time.wait(min(TICK, left))
            self.check()

    def write_summaries(self) -> None:
        """Put what the probes saw so far into the evidence."""
        if self.observation is not None:
            self.log.evidence(summaries=self.observation.summaries())

    def fault(self, kind: str) -> Fault:
        """Raises `Stopped` for a kind that there is not."""
        if kind not in self.world.faults:
            raise errored(Reason.BAD_DOCUMENT, f'there is no fault "{kind}"; there are {", ".join(self.world.faults)}')
        return self.world.faults[kind]


def why_stopped(error: Exception) -> Judgement:
    """What an error says about the run. Whatever it is, it is not known how the service does: ERRORED."""
    match error:
        case Stopped():
            return error.judgement
        case BadDocument() | ValidationError():
            reason, message = Reason.BAD_DOCUMENT, f"the workflow cannot be executed: {error}"
        case Denied():
            reason, message = Reason.POLICY_DENIED, str(error)
        case Protected():
            reason, message = Reason.NO_EFFECT, f"a disruption budget did not allow it for {PATIENCE:.0f} s: {error}"
        case Futile():
            reason, message = Reason.NO_EFFECT, str(error)
        case Temporary():
            reason, message = Reason.INTERNAL_ERROR, f"it did not work for {PATIENCE:.0f} s: {error}"
        case Permanent():
            reason, message = Reason.INTERNAL_ERROR, str(error)
        case _:
            reason, message = Reason.INTERNAL_ERROR, f"{type(error).__name__}: {error}"
    return Judgement(verdict=Verdict.ERRORED, reason=reason, message=message)
