"""How much of its steady state the service kept: what each probe did in each step, and what that adds up to. Pure.

A probe succeeds in a step when it stayed within its tolerance while the fault was there, and the service was steady
again in time; as far as it counts there. The score is the share of the probes that did, by weight, in percent, rounded
down. What nobody knows did not succeed.
"""

from collections.abc import Collection
from datetime import timedelta
from enum import Enum, auto

from gate.model import Probe, Step, StepRecord, Summary, Window
from gate.running.case import Case
from gate.running.tolerance import ENOUGH, broken, planned, scarce, unknown


class Standing(Enum):
    """What is known of a probe during one step."""

    KEPT = auto()
    """It stayed within its tolerance."""
    OPEN = auto()
    """It may have, or not: samples are missing that would tell."""
    UNSEEN = auto()
    """Too little was seen of it to say anything."""
    BROKEN = auto()
    """It left its tolerance; that is certain."""


def standing(case: Case, step: Step, probe: Probe) -> Standing:
    """What is known of the probe during the step."""
    summary, record = case.summary(probe, Window.DURING, step.name), case.record(step)
    if summary is None or record is None:
        return Standing.UNSEEN
    if broken(probe, summary, planned(probe, step.hold) if cut_short(step, record) else 0):
        return Standing.BROKEN
    if unwatched(case, step, probe):
        return Standing.UNSEEN
    return Standing.OPEN if unknown(probe, summary) else Standing.KEPT


def unwatched(case: Case, step: Step, probe: Probe) -> bool:
    """Whether there is too little of the step to look at, whatever was seen in it."""
    summary, record = case.summary(probe, Window.DURING, step.name), case.record(step)
    if summary is None or record is None or cut_short(step, record):
        return True
    return scarce(summary) or too_short(probe, summary, step.hold)


def share(case: Case, step: Step, among: Collection[Standing]) -> int:
    """The share of the probes that count during a step whose standing is among these, by weight, in percent, rounded
    down.
    """
    probes = case.probes(Window.DURING)
    good = [each for each in probes if standing(case, step, each) in among]
    return 100 * sum(each.weight for each in good) // max(1, sum(each.weight for each in probes))


def forgiven(case: Case, step: Step, among: Collection[Standing]) -> bool:
    """Whether it is enough for the workflow that in this step those probes, and no others, kept within their tolerance.

    Each step has to be good enough by itself: another one does not make up for it.
    """
    threshold = case.workflow.threshold
    return threshold is not None and share(case, step, among) >= threshold


def score(case: Case) -> int:
    """The share of the probes that succeeded, over all steps."""
    checks = [
        (probe.weight, _succeeded(case, step, probe))
        for step in case.workflow.steps
        for probe in case.workflow.steady_state
        if {Window.DURING, Window.AFTER} & set(probe.when)
    ]
    return 100 * sum(weight for weight, good in checks if good) // max(1, sum(weight for weight, _ in checks))


def _succeeded(case: Case, step: Step, probe: Probe) -> bool:
    kept = Window.DURING not in probe.when or standing(case, step, probe) is Standing.KEPT
    steady = Window.AFTER not in probe.when or recovered(case.record(step), step)
    return case.proven(step) and kept and steady


def recovered(record: StepRecord | None, step: Step) -> bool:
    """The service was steady again in time."""
    return record is not None and record.recovery is not None and record.recovery <= step.recover


def cut_short(step: Step, record: StepRecord) -> bool:
    """The fault did not stay as long as planned: nothing that held meanwhile is known to hold for longer."""
    if record.injected is None or record.reverted is None:
        return True
    return record.reverted - record.injected < step.hold


def too_short(probe: Probe, summary: Summary, span: timedelta) -> bool:
    """A window must have been watched for as long as it was to be, but for one question at its edge.

    What was due is what the executor counted; a sampler that fell asleep must not look like one that had little to do.
    """
    wanted = planned(probe, span)
    return summary.due < min(wanted, max(1, wanted - 1)) * ENOUGH
