"""A look at all documents together: what no document shows alone. Pure."""

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import chain, combinations, product

from gate.documents.boundless import boundless
from gate.documents.catalogue import Catalogue
from gate.documents.overlap import Overlap, overlap
from gate.documents.own_faults import uses_own
from gate.documents.positions import place_of
from gate.documents.together import contradictions
from gate.documents.tree import dotted
from gate.documents.units import in_words
from gate.documents.windows import Windows, windows_of
from gate.documents.workflows import SPEC, WorkflowDocument
from gate.errors import BadDocument, Place
from gate.model import Selection, Subscription, Window, Workflow


class Severity(StrEnum):
    """Whether it keeps the documents from being used."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing to mend or to know."""

    severity: Severity
    place: Place
    path: str
    why: str
    see: str = ""
    """Where the reference page says more; filled in for those who read it."""


def review(catalogue: Catalogue) -> list[Finding]:
    """Everything that can be said about the documents, in the order of the files."""
    findings = [_finding(Severity.ERROR, problem) for problem in catalogue.linked.problems]
    findings += [_finding(Severity.NOTE, note) for note in catalogue.loaded.notes]
    resolved = set[str]()
    for subscription in catalogue.written:
        workflows, problems = catalogue.resolve(subscription)
        findings += [_finding(Severity.ERROR, problem) for problem in problems]
        findings += _too_long(subscription, workflows)
        for workflow in workflows:
            document = catalogue.workflow_documents(workflow.name)[0]
            findings += _of_workflow(document, subscription, workflow)
            resolved.add(workflow.name)
    findings += _of_documents(catalogue, resolved)
    findings += _of_faults(catalogue)
    findings += _contradictions(catalogue)
    findings += [_finding(Severity.WARNING, wide) for each in catalogue.loaded.policies for wide in boundless(each)]
    unique = {(finding.place.file, finding.place.line, finding.path, finding.why): finding for finding in findings}
    return sorted(unique.values(), key=lambda each: (each.place.file, each.place.line, each.place.column, each.why))


def duration_of(workflow: Workflow) -> timedelta:
    """The longest that a workflow may take by its own times. The version before takes as long again."""
    once = sum((step.hold + step.recover for step in workflow.steps), workflow.baseline)
    return 2 * once if workflow.compare else once


def _too_long(subscription: Subscription, workflows: tuple[Workflow, ...]) -> Iterator[Finding]:
    """The workflows of a subscription run one after the other, before one deadline."""
    longest = sum((duration_of(workflow) for workflow in workflows), timedelta(0))
    if longest > subscription.deadline:
        path = (*SPEC, "deadline")
        yield Finding(
            severity=Severity.ERROR,
            place=place_of(subscription, path),
            path=dotted(path),
            why=f"the workflows take up to {in_words(longest)}, the deadline is {in_words(subscription.deadline)}",
        )


def _contradictions(catalogue: Catalogue) -> Iterator[Finding]:
    """Two subscriptions of one workload that differ: a mistake if they certainly are of one, else something to know."""
    selections = catalogue.loaded.selections
    named = (combinations(catalogue.subscriptions_of(each), 2) for each in sorted(catalogue.workloads(), key=str))
    pairs: Iterable[tuple[Subscription | Selection, Subscription | Selection]] = chain(
        *named, product(catalogue.loaded.subscriptions, selections), combinations(selections, 2)
    )
    for one, other in pairs:
        how = overlap(one, other)
        for found in contradictions([_written(one), _written(other)]) if how is not Overlap.NONE else ():
            path = (*SPEC, *found.field.split("."))
            may = "" if how is Overlap.CERTAIN else "; whatever both find gets neither's workflows"
            yield Finding(
                severity=Severity.ERROR if how is Overlap.CERTAIN else Severity.WARNING,
                place=place_of(found.other, path),
                path=dotted(path),
                why=f"is {found.but}, but {found.one.name} says {found.said} of {_about(one, how)}{may}",
            )


def _written(each: Subscription | Selection) -> Subscription:
    return each.pattern if isinstance(each, Selection) else each


def _about(one: Subscription | Selection, how: Overlap) -> str:
    about = one.selector if isinstance(one, Selection) else one.workload
    return f"the same {about}" if how is Overlap.CERTAIN else f"{about}, which may be the same"


def _of_documents(catalogue: Catalogue, resolved: Container[str]) -> Iterator[Finding]:
    """Of the workflows as they are written; what subscriptions make of the resolved ones is said already."""
    used = {use.name for subscription in catalogue.written for use in subscription.workflows}
    places: dict[str, Place] = {}
    for document in catalogue.linked.workflows:
        place = document.tree.place(("metadata", "name"))
        if document.name in places:
            why = f"another workflow is called {document.name}, at {places[document.name]}"
            yield Finding(severity=Severity.ERROR, place=place, path="metadata.name", why=why)
        places.setdefault(document.name, place)
        if catalogue.written and document.name not in used:
            yield Finding(severity=Severity.WARNING, place=place, path="metadata.name", why="no subscription uses this")
        if document.name not in resolved:
            yield from _without_samples(document, windows_of(document))


def _of_workflow(document: WorkflowDocument, subscription: Subscription, workflow: Workflow) -> Iterator[Finding]:
    spans = {Window.BEFORE: workflow.baseline, Window.DURING: min(step.hold for step in workflow.steps)}
    probes = {
        index: (probe.every, [span for window, span in spans.items() if window in probe.when])
        for index, probe in enumerate(workflow.steady_state)
    }
    yield from _without_samples(document, probes)
    yield from _unwatched(document, workflow)
    yield from _perhaps_unused(document, subscription, workflow)


def _of_faults(catalogue: Catalogue) -> Iterator[Finding]:
    used = {name for each in catalogue.loaded.workflows for name in uses_own(each.tree, catalogue.vocabulary)}
    places: dict[str, Place] = {}
    for fault in catalogue.loaded.faults:
        place = fault.tree.place(("metadata", "name"))
        if fault.name in places:
            why = f"another fault is called {fault.name}, at {places[fault.name]}"
            yield Finding(severity=Severity.ERROR, place=place, path="metadata.name", why=why)
        places.setdefault(fault.name, place)
        if catalogue.loaded.workflows and fault.name not in used:
            yield Finding(severity=Severity.WARNING, place=place, path="metadata.name", why="no workflow uses this")


def _without_samples(document: WorkflowDocument, probes: Windows) -> Iterator[Finding]:
    for index, (every, spans) in probes.items():
        shortest = min(spans, default=every)
        if every > shortest:
            path = (*SPEC, "steadyState", index, "every")
            yield Finding(
                severity=Severity.ERROR,
                place=document.tree.place(path),
                path=dotted(path),
                why=f"asked every {in_words(every)}, it has no sample in a window of {in_words(shortest)}",
            )


def _unwatched(document: WorkflowDocument, workflow: Workflow) -> Iterator[Finding]:
    """To ask only whether the service comes back is a choice; it should be one that was made."""
    if not any(Window.DURING in probe.when for probe in workflow.steady_state):
        path = (*SPEC, "steadyState")
        why = "no probe counts during a fault: only the recovery is judged"
        yield Finding(severity=Severity.WARNING, place=document.tree.place(path), path=dotted(path), why=why)


def _perhaps_unused(document: WorkflowDocument, subscription: Subscription, workflow: Workflow) -> Iterator[Finding]:
    """That a dependency breaks says nothing about a service that does not use it."""
    once = [step for step in workflow.steps if step.repetition == 1]
    for index, step in enumerate(once):
        witness = step.used or "probe" in step.settings  # such a fault has to be felt by a probe anyway
        if step.target is None or step.target == subscription.workload or witness:
            continue
        path = (*SPEC, "steps", index, "target")
        why = f"nothing will show that {step.target.name} is used at all; name a probe that does in `used`"
        yield Finding(severity=Severity.WARNING, place=document.tree.place(path), path=dotted(path), why=why)


def _finding(severity: Severity, problem: BadDocument) -> Finding:
    return Finding(severity=severity, place=problem.place, path=problem.path, why=problem.why)
