"""A plan for people and programs: as text, as JSON, as Markdown for a merge request."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gate.documents.units import in_words
from gate.policy.question import Word
from gate.wire.previewing import Hit, Preview, StepPreview, WorkflowPreview

SAID: Mapping[Word, str] = {Word.ALLOW: "allowed", Word.WAIT: "not now", Word.DENY: "DENIED"}
NOTHING = "NOTHING: it would be ERRORED"
SHOWN = 20
"""Targets that are listed one by one for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Of one subscription and one workload; or, with an empty subscription, of one workflow by hand."""

    subscription: str
    preview: Preview

    @property
    def title(self) -> str:
        return f"{self.subscription}: {self.preview.workload}" if self.subscription else str(self.preview.workload)

    @property
    def version(self) -> str:
        return self.preview.version or f"not told yet: {self.preview.rollout}"


def as_json(plan: Planned) -> dict[str, Any]:
    """All of it, for programs."""
    return {
        "subscription": plan.subscription,
        "workload": str(plan.preview.workload),
        "version": plan.preview.version,
        "workflows": [_workflow_json(each) for each in plan.preview.workflows],
    }


def _workflow_json(found: WorkflowPreview) -> dict[str, Any]:
    workflow = found.workflow
    return {
        "name": workflow.name,
        "baseline": in_words(workflow.baseline),
        "longest": in_words(found.longest),
        "compare": workflow.compare,
        "copy": asdict(found.copy) if found.copy else None,
        "waitsFor": found.waits_for,
        "steps": [_step_json(each) for each in found.steps],
    }


def _step_json(found: StepPreview) -> dict[str, Any]:
    decision = found.decision
    return {
        "name": found.step.name,
        "fault": found.step.fault,
        "hold": in_words(found.step.hold),
        "recover": in_words(found.step.recover),
        "targets": [asdict(each) for each in found.targets],
        "ready": found.ready,
        "touches": found.touches,
        "others": found.others,
        "comesBack": found.comes_back,
        "problem": found.problem,
        "policy": {
            "answer": decision.word if decision else None,
            "rules": [asdict(each) for each in decision.rulings] if decision else [],
            "problem": found.undecided,
        },
        "locks": list(found.locks),
    }


def as_text(plan: Planned) -> str:
    """One line for each thing, indented."""
    lines = [f"{plan.title}, version {plan.version}"]
    for found in plan.preview.workflows:
        workflow = found.workflow
        takes = f"takes up to {in_words(found.longest)}"
        lines.append(f"  {workflow.name}: watched for {in_words(workflow.baseline)} first{_of_copies(found)}")
        lines.append(f"    {takes}{f'; would wait for {found.waits_for}' if found.waits_for else ''}")
        for each in found.steps:
            times = f"held for {in_words(each.step.hold)}, steady again within {in_words(each.step.recover)}"
            lines.append(f"    {each.step.name}: {each.step.fault} on {_names(each, found)}, {times}")
            lines += [f"      {line}" for line in _details(each, of_copy=found.copy is not None)]
    return "\n".join(lines)


def _details(step: StepPreview, *, of_copy: bool) -> Iterator[str]:
    if step.problem:
        yield f"it could not begin: {step.problem}"
    if not of_copy:
        yield from (_place(each) for each in step.targets[:SHOWN])
    if step.targets and len(step.targets) < step.ready:
        yield f"chosen among {step.ready} ready pods by the run's seed: another seed may choose others"
    if step.touches:
        yield f"touches: {step.touches}{f'; also hits {step.others}' if step.others else ''}"
    if step.comes_back:
        yield f"comes back: {step.comes_back}"
    yield from _policy(step)
    yield from (f"would be held by {lock}" for lock in step.locks)


def _place(hit: Hit) -> str:
    where = f" on {hit.node}" if hit.node and hit.kind != "Node" else ""
    return f"{hit.kind} {hit.name}{where}{f' in zone {hit.zone}' if hit.zone else ''}"


def _policy(step: StepPreview) -> Iterator[str]:
    if step.decision is None:
        yield f"policy: cannot be asked: {step.undecided}"
        return
    yield f"policy: {SAID[step.decision.word]}"
    yield from (f"  {each.word}: {each.why} ({each.place}: {each.rule})" for each in step.decision.rulings)


def as_markdown(plans: Sequence[Planned]) -> str:
    """For a note of a merge request."""
    parts = ["### What these documents would do now"]
    for plan in plans:
        parts.append(f"#### {_cell(plan.title)}, version `{plan.version}`")
        parts += [_workflow_markdown(each) for each in plan.preview.workflows]
    parts.append(
        "Nothing was done: the cluster was only looked at. Targets, policy and locks are those of this moment."
    )
    return "\n\n".join(parts)


def _workflow_markdown(found: WorkflowPreview) -> str:
    waits = f" It would wait for {found.waits_for}." if found.waits_for else ""
    lines = [
        f"**{_cell(found.workflow.name)}** takes up to {in_words(found.longest)}{_of_copies(found)}.{waits}",
        "",
        "| step | fault | targets | held, steady again within | touches | comes back | policy | held by |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in found.steps:
        cells = [
            each.step.name,
            each.step.fault,
            _targets_markdown(each, found),
            f"{in_words(each.step.hold)}, {in_words(each.step.recover)}",
            f"{each.touches}{f'; also hits {each.others}' if each.others else ''}",
            each.comes_back,
            "; ".join(line.strip() for line in _policy(each)).removeprefix("policy: "),
            "; ".join([*([each.problem] if each.problem else []), *each.locks]) or "nothing",
        ]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(lines)


def _targets_markdown(step: StepPreview, found: WorkflowPreview) -> str:
    if found.copy is not None or not step.targets:
        return _names(step, found)
    places = "; ".join(_place(each) for each in step.targets[:SHOWN])
    more = f"; and {len(step.targets) - SHOWN} more" if len(step.targets) > SHOWN else ""
    return f"{places}{more} ({len(step.targets)} of {step.ready} ready pods)"


def _cell(text: str) -> str:
    """What is no Markdown, whatever a document calls its steps."""
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")
    return escaped.replace("`", "\\`").replace("[", "\\[").replace("*", "\\*").replace("_", "\\_").replace("@", "&#64;")


def _names(step: StepPreview, found: WorkflowPreview) -> str:
    if not step.targets:
        return NOTHING
    if found.copy is not None:
        return f"{len(step.targets)} {step.targets[0].kind} of the copy"
    named = [f"{each.kind} {each.name}" for each in step.targets]
    more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
    return ", ".join(named[:SHOWN]) + more


def _of_copies(found: WorkflowPreview) -> str:
    copy, said = found.copy, ""
    if copy:
        said = f", in a copy of {copy.pods} pods" if not copy.problem else f"; NO COPY: {copy.problem}"
        if copy.decision and not copy.decision.allowed:
            why = "; ".join(map(str, copy.decision.against))
            said += f", which the policy says of: {SAID[copy.decision.word]}, {why}"
    return f"{said}; where it fails, a copy of the version before is hit as well" if found.workflow.compare else said
