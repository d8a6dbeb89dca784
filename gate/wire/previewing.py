"""What would happen to a workload, found out by looking alone."""

from collections.abc import Sequence

from gate.cluster.api import Api, Form
from gate.cluster.kinds import KINDS
from gate.cluster.workloads import Workloads
from gate.errors import Permanent
from gate.faults import FAULTS
from gate.model import Target, Workflow, WorkloadName, WorkloadSelector


def preview(
    api: Api, name: WorkloadName, workflows: Sequence[Workflow]
) -> tuple[str, dict[tuple[str, str], list[Target]]]:
    """The version that runs, and for each workflow and step what it would hit now. Only `plan` is called: it reads."""
    workloads = Workloads(api)
    rollout = workloads.rollout(name)
    if rollout is None:
        raise Permanent(f"there is no {name} in the cluster at {api.host}")
    targets = {}
    for workflow in workflows:
        for step in workflow.steps:
            hit = step.target or name
            planned = FAULTS[step.fault].plan(step, hit, workloads.ready_pods(hit), "plan", api)
            targets[workflow.name, step.name] = [undo.target for undo in planned]
    return rollout.version.key if rollout.version else "", targets


def selected(api: Api, selector: WorkloadSelector) -> list[WorkloadName]:
    """The workloads that a selector finds now."""
    found = []
    for item in api.list(KINDS[selector.kind].RESOURCE, form=Form.METADATA)[0]:
        metadata = item["metadata"]
        name = WorkloadName(kind=selector.kind, namespace=metadata["namespace"], name=metadata["name"])
        if selector.matches(name, item["metadata"].get("labels") or {}):
            found.append(name)
    return found
