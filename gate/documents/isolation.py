"""What contradicts `isolation: copy` and `compare: previous` in a workflow. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from gate.documents.target import asks_target, host_of
from gate.documents.tree import Path
from gate.documents.vocabulary import Vocabulary
from gate.model import Isolation, Settings, Step, Workflow, WorkloadKind

NOT_COPIED = {
    WorkloadKind.STATEFUL_SET: "its pods have names and volumes of their own, by which they know each other",
    WorkloadKind.DAEMON_SET: "its pods belong to their nodes, one to each",
}
"""Kind of workload -> why there can be no copy of it. A Rollout is copied as a Deployment."""

VERSION_BEFORE = "(version before)"
"""What the names of steps end with when they are done to the version before."""

Contradiction = tuple[Path, str]
"""Where in the specification, and why."""


def contradictions(workflow: Workflow, facts: Mapping[str, str], vocabulary: Vocabulary) -> Iterator[Contradiction]:
    """What would hit or ask somebody else than the author thinks."""
    yield from _without_a_copy(workflow, vocabulary)
    if not workflow.makes_copies:
        return
    isolated = workflow.isolation is Isolation.COPY
    kind = WorkloadKind(facts["workload.kind"])
    if kind in NOT_COPIED:
        field = "isolation" if isolated else "compare"
        yield (field,), f"a {kind} cannot be copied: {NOT_COPIED[kind]}; leave this out"
    for index, step in enumerate(workflow.steps):
        if workflow.compare and step.repetition == 1 and step.name.endswith(VERSION_BEFORE):
            yield ("steps", index, "name"), f"ends as the steps of the version before do; leave out {VERSION_BEFORE}"
    if isolated:
        yield from _disturbing(workflow, vocabulary)
    yield from _asking_others(workflow, facts)
    if not any(asks_target(probe.settings) for probe in workflow.steady_state):
        yield (
            ("steadyState",),
            "no probe asks the copy; write ${target.host} instead of the host, as http://${target.host}",
        )


def _without_a_copy(workflow: Workflow, vocabulary: Vocabulary) -> Iterator[Contradiction]:
    """What may be done to a copy alone."""
    if workflow.isolation is Isolation.COPY:
        return
    for index, step in enumerate(each for each in workflow.steps if each.repetition == 1):
        if field := _is_for_copies(step, vocabulary):
            yield ("steps", index, "with", field), "this is changed in a copy only; write isolation: copy"


def _is_for_copies(step: Step, vocabulary: Vocabulary) -> str:
    """The field of the step that makes it so; empty if there is none."""
    field: str = getattr(vocabulary.faults.get(step.fault), "of_copies", "")
    return field if field and step.settings.get(field) else ""


def _disturbing(workflow: Workflow, vocabulary: Vocabulary) -> Iterator[Contradiction]:
    """With a copy, nothing else is hit."""
    for index, step in enumerate(each for each in workflow.steps if each.repetition == 1):
        path: Path = ("steps", index)
        if step.target is not None:
            yield (
                (*path, "target"),
                f"{step.target.name} is no copy, and others use it; isolation: copy hits the copy alone",
            )
        others = getattr(vocabulary.faults.get(step.fault), "others", "")
        if others and not _is_for_copies(step, vocabulary):
            yield (*path, "fault"), f"{step.fault} hits {others}; isolation: copy hits the copy alone"


def _asking_others(workflow: Workflow, facts: Mapping[str, str]) -> Iterator[Contradiction]:
    """Whoever asks the workload itself learns nothing about its copy."""
    asked = [("steadyState", index, each.kind, each.settings) for index, each in enumerate(workflow.steady_state)]
    asked += [("load", index, each.kind, each.settings) for index, each in enumerate(workflow.load)]
    namespace = facts["workload.namespace"]
    for field, index, kind, settings in asked:
        for name, host in _hosts(settings):
            if host in _names(workflow.service, namespace):
                yield (
                    (field, index, kind, name),
                    f"{host} is the service itself, and not its copy; write ${{target.host}}",
                )
        if "resource" in settings and settings.get("name") == facts["workload.name"]:
            why = f"{settings['name']} is the workload itself, and not its copy; write ${{target.name}}"
            yield (field, index, kind, "name"), why


def _hosts(settings: Settings) -> Iterator[tuple[str, str]]:
    """The fields that say where to connect to, and what they say."""
    for name in ("url", "host"):
        said: Any = settings.get(name)
        if isinstance(said, str):
            host = urlsplit(said).hostname if name == "url" else said
            yield name, (host or "").removesuffix(".").lower()


def _names(service: str, namespace: str) -> set[str]:
    name = host_of(service, namespace)
    return {service, name, f"{name}.svc", f"{name}.svc.cluster.local"}
