"""May this act be done now? Asked before every one of them: the mode first, then the policy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Event

from gate.errors import GateError
from gate.model import Judgement, Reason, RunSpec, Step, Target, Verdict
from gate.policy.acts import may_touch, opted_in
from gate.policy.question import Question
from gate.policy.rules import Policy
from gate.running.mode import Mode
from gate.running.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The permission of one run."""

    policy: Callable[[], Policy]
    """That which is in force then."""
    mode: Callable[[], Mode]
    labels: Callable[[str], Mapping[str, str]]
    """The labels of a namespace; raises `GateError` if they cannot be read."""
    clock: Clock
    stop: Callable[[], Judgement | None]
    again: Callable[[RunSpec, Step, Sequence[Target]], str] = lambda *_: ""
    """What all of the policy has against the act after a pause, in words. Raises `GateError`."""

    def __call__(self, spec: RunSpec, step: Step, targets: Sequence[Target]) -> Judgement | None:
        """None: go ahead. Under `pause` this waits, for as long as the run may; by then it may be out of hours."""
        end = self.clock.monotonic() + (spec.deadline - self.clock.now()).total_seconds()  # whoever sets the clock then
        paused = False
        while (mode := self.mode()) is Mode.PAUSE:
            paused = True
            if stopped := self.stop():
                return stopped
            if self.clock.monotonic() >= end:
                return _refused(Verdict.ERRORED, Reason.DEADLINE_EXCEEDED, "the gate was paused until the deadline")
            self.clock.wait(Event(), 1.0)
        if mode is Mode.ABORT:
            return _refused(Verdict.CANCELED, Reason.ABORTED, "the mode is abort")
        namespace = (step.target or spec.workload.name).namespace
        try:
            question = Question(
                at=self.clock.now(),
                fault=step.fault,
                namespace=namespace,
                opted_in=opted_in(self.labels(namespace)),
            )
            policy = self.policy()
            against = [each.why for each in may_touch(policy, question, targets).against]
            if paused and (held := self.again(spec, step, targets)):
                against.append(held)  # it is not waited for: something else of the step may be in force
        except GateError as error:
            return _refused(Verdict.ERRORED, Reason.POLICY_DENIED, f"the policy could not be asked: {error}")
        if against:
            return _refused(Verdict.ERRORED, Reason.POLICY_DENIED, "; ".join(against))
        return None


def _refused(verdict: Verdict, reason: Reason, message: str) -> Judgement:
    return Judgement(verdict=verdict, reason=reason, message=message)
