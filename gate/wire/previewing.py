"""What would happen to a workload, found out by looking alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gate.cluster.api import Api, Form
from gate.cluster.kinds import KINDS
from gate.cluster.workloads import Workloads
from gate.documents.target import asks_service
from gate.errors import GateError, Permanent
from gate.faults import ACTS
from gate.model import COPY, Isolation, Rollout, Step, Target, Workflow, WorkloadName, WorkloadSelector

NOW = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPreview:
    """The copy that a workflow would hit."""

    pods: int = 0
    problem: str = ""
    """Why there can be none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would happen to a workload if it were judged now."""

    version: str
    """Empty if that cannot be told yet."""
    targets: Mapping[tuple[str, str], Sequence[Target]]
    """Workflow and step -> what would be hit. Of a copy, as many as these: its own pods are not there yet."""
    copies: Mapping[str, CopyPreview]
    """By the workflows that hit one."""


def preview(api: Api, name: WorkloadName, workflows: Sequence[Workflow]) -> Preview:
    """Only `plan` is called: it reads."""
    workloads = Workloads(api)
    rollout = workloads.rollout(name)
    if rollout is None:
        raise Permanent(f"there is no {name} in the cluster at {api.host}")
    targets = {}
    for workflow in workflows:
        for step in workflow.steps:
            hit = step.target or name
            planned = ACTS[step.fault].plan(step, hit, workloads.ready_pods(hit), "plan", api)
            targets[workflow.name, step.name] = [undo.target for undo in planned]
    copied = [workflow for workflow in workflows if workflow.isolation is Isolation.COPY]
    return Preview(
        version=rollout.version.key if rollout.version else "",
        targets=targets,
        copies={workflow.name: _copy(api, rollout, workflow) for workflow in copied},
    )


def _copy(api: Api, rollout: Rollout, workflow: Workflow) -> CopyPreview:
    name, images = rollout.workload.name, rollout.version.images if rollout.version else ()
    settings = {
        "service": workflow.service if asks_service(workflow) else "",
        "images": {image.container: image.digest for image in images},
    }
    step = Step(name="copy", fault=COPY, settings=settings, hold=NOW, recover=NOW)
    try:
        undos = ACTS[COPY].plan(step, name, Workloads(api).ready_pods(name), "plan", api)
    except GateError as error:
        return CopyPreview(problem=str(error))
    if not undos:
        return CopyPreview(problem=f"{name} has no ready pods")
    return CopyPreview(pods=undos[0].settings["replicas"])


def selected(api: Api, selector: WorkloadSelector) -> list[WorkloadName]:
    """The workloads that a selector finds now."""
    found = []
    for item in api.list(KINDS[selector.kind].RESOURCE, form=Form.METADATA)[0]:
        metadata = item["metadata"]
        name = WorkloadName(kind=selector.kind, namespace=metadata["namespace"], name=metadata["name"])
        if selector.matches(name, item["metadata"].get("labels") or {}):
            found.append(name)
    return found
