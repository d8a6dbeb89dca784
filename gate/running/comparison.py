"""What the version before did where this one failed: a regression, or a weakness that was always there. Pure.

The version before is run in a copy, by steps of the same names with a mark. What it did changes no verdict: it says for
how long the service has been as it is.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from gate.documents.isolation import VERSION_BEFORE
from gate.model import (
    COPY,
    Compared,
    Evidence,
    Isolation,
    Judgement,
    Step,
    Verdict,
    Version,
    Window,
    Workflow,
)
from gate.running.case import Case

Findings = Callable[[Case, Step], Iterable[Judgement]]


def steps_before(workflow: Workflow) -> tuple[Step, ...]:
    """The same steps, for the version before. What its baseline has instead of a step is the mark alone."""
    return tuple(replace(step, name=f"{step.name} {VERSION_BEFORE}") for step in workflow.steps)


def has_begun(evidence: Evidence) -> bool:
    """Something was done, or was about to be done, to the version before."""
    return any(_is_before(undo.step) for undo in evidence.undo)


def without_version_before(evidence: Evidence) -> Evidence:
    """What is known of the version that is judged, for another look at the one before."""
    copies = {undo.settings["name"] for undo in evidence.undo if undo.fault == COPY and _is_before(undo.step)}
    return replace(
        evidence,
        undo=tuple(each for each in evidence.undo if not _is_before(each.step)),
        effects=tuple(each for each in evidence.effects if not _is_before(each.step)),
        steps=tuple(each for each in evidence.steps if not _is_before(each.step)),
        summaries=tuple(each for each in evidence.summaries if not _is_before(each.step)),
        copies=tuple(each for each in evidence.copies if each.name not in copies),
    )


def _is_before(step: str) -> bool:
    return step.endswith(VERSION_BEFORE)


class Comparison:
    """What is known of the version before."""

    def __init__(self, case: Case, whole: Callable[[Case], Iterable[Judgement]], of_step: Findings) -> None:
        """`whole` finds what is wrong with all of a run, `of_step` with one step; nothing found means that it held."""
        self._case, self._whole, self._of_step = case, whole, of_step
        self._before = _before(case)
        self._key = self._before.spec.version

    def told(self, step: Step, finding: Judgement) -> Judgement:
        """The failure in that step, with what the version before did there."""
        compared, why = self._say(step)
        return replace(finding, message=f"{finding.message}; {why}", compared=compared)

    def _say(self, step: Step) -> tuple[Compared, str]:
        """A weakness need not show each time: where steps are repeated, one repetition in which it does is enough."""
        spec, evidence = self._case.spec, self._case.evidence
        wrong = next(iter(self._whole(self._before)), None)
        if not spec.previous or evidence.uncompared or wrong:
            why = evidence.uncompared or (wrong.message if wrong and spec.previous else "nobody knows which it was")
            return Compared.UNKNOWN, f"whether the version before did so, too, is not known: {why}"
        found = [list(self._of_step(self._before, each)) for each in self._alike(step)]
        known = [finding for findings in found for finding in findings]
        if any(finding.verdict is Verdict.FAILED for finding in known):
            return Compared.OLD_WEAKNESS, f"version {self._key} before failed there, too: this is no regression"
        if known:
            return Compared.UNKNOWN, f"whether the version before did so, too, is not known: {known[0].message}"
        return Compared.REGRESSION, f"version {self._key} before held there: this is a regression"

    def _alike(self, step: Step) -> list[Step]:
        """The steps of the version before that did the same."""
        steps = self._case.workflow.steps
        each = sum(other.repetition == step.repetition for other in steps)
        place = steps.index(step) % max(1, each)
        return [before for index, before in enumerate(self._before.workflow.steps) if index % max(1, each) == place]


def _before(case: Case) -> Case:
    """The version before as a case of its own: its plan, and the evidence that is marked as its own."""
    spec, evidence = case.spec, case.evidence
    workflow = replace(
        case.workflow, steps=steps_before(case.workflow), repeat=None, compare=None, isolation=Isolation.COPY
    )
    plan = replace(spec, workflow=workflow, version=Version(images=spec.previous).key, images=spec.previous)
    own = tuple(
        replace(each, step="") if (each.window, each.step) == (Window.BEFORE, VERSION_BEFORE) else each
        for each in evidence.summaries
        if each.step
    )
    return Case(plan, replace(evidence, summaries=own, stopped=None))
