"""`chaos-gate plan`: what a subscription would do now, without doing it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.documents.units import in_words
from gate.errors import GateError
from gate.model import Step, Subscription, Target, Workflow

if TYPE_CHECKING:
    from gate.wire.previewing import Preview

DEMO_SUBSCRIPTION = "subscriptions/checkout.yaml"


@click.command(
    epilog="""\b
Example:
  KUBECONFIG=chaos-gate-sandbox/kubeconfig chaos-gate plan subscriptions/checkout.yaml
"""
)
@click.argument("subscription", type=click.Path(path_type=Path))
@click.option(
    "--workflows",
    type=click.Path(path_type=Path),
    help="Folder with the workflows.  [default: ../workflows beside the subscription]",
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def plan(subscription: Path, workflows: Path | None, output: str) -> None:
    """Say which version, which pods and which steps: what would happen if SUBSCRIPTION's workload were judged now.

    It only reads: the documents from files, the workload from the cluster of KUBECONFIG.
    """
    from gate.catalogue.folder import read_paths
    from gate.cluster.api import Api
    from gate.documents.catalogue import Catalogue
    from gate.wire.previewing import preview, selected
    from gate.wire.vocabulary import vocabulary

    words = vocabulary()
    folder = workflows or subscription.resolve().parent.parent / "workflows"
    loaded = read_paths([subscription, folder], words)
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=words)
    if not catalogue.written:
        raise GateError("; ".join(map(str, loaded.problems)) or f"{subscription} holds no Subscription")
    api = Api.from_environment()
    plans = []
    found = [each.of(name) for each in loaded.selections for name in selected(api, each.selector)]
    for each in (*loaded.subscriptions, *found):
        resolved, problems = catalogue.resolve(each)
        if problems:
            raise GateError("; ".join(map(str, problems)))
        plans.append(_plan(each, resolved, preview(api, each.workload, resolved)))
    click.echo(json.dumps(plans, indent=2) if output == "json" else "\n\n".join(map(_text, plans)))


def _plan(subscription: Subscription, workflows: tuple[Workflow, ...], found: "Preview") -> dict[str, Any]:
    return {
        "subscription": subscription.name,
        "workload": str(subscription.workload),
        "version": found.version,
        "workflows": [
            {
                "name": workflow.name,
                "baseline": in_words(workflow.baseline),
                "compare": workflow.compare,
                "copy": asdict(found.copies[workflow.name]) if workflow.name in found.copies else None,
                "steps": [_step(step, found.targets[workflow.name, step.name]) for step in workflow.steps],
            }
            for workflow in workflows
        ],
    }


def _step(step: Step, targets: Sequence[Target]) -> dict[str, Any]:
    return {
        "name": step.name,
        "fault": step.fault,
        "hold": in_words(step.hold),
        "recover": in_words(step.recover),
        "targets": [{"kind": each.kind, "name": each.name, "node": each.node, "uid": each.uid} for each in targets],
    }


def _text(plan: dict[str, Any]) -> str:
    lines = [f"{plan['subscription']}: {plan['workload']}, version {plan['version'] or 'not told yet'}"]
    for workflow in plan["workflows"]:
        lines.append(f"  {workflow['name']}: watched for {workflow['baseline']} first{_of_copies(workflow)}")
        for step in workflow["steps"]:
            names = _names(step["targets"], of_copy=workflow["copy"] is not None)
            times = f"held for {step['hold']}, steady again within {step['recover']}"
            lines.append(f"    {step['name']}: {step['fault']} on {names}, {times}")
    return "\n".join(lines)


def _names(targets: Sequence[dict[str, Any]], *, of_copy: bool) -> str:
    if not targets:
        return "NOTHING: it would be ERRORED"
    if of_copy:
        return f"{len(targets)} {targets[0]['kind']} of the copy"
    return ", ".join(f"{each['kind']} {each['name']}" for each in targets)


def _of_copies(workflow: dict[str, Any]) -> str:
    copy, said = workflow["copy"], ""
    if copy:
        said = f", in a copy of {copy['pods']} pods" if not copy["problem"] else f"; NO COPY: {copy['problem']}"
    return f"{said}; where it fails, a copy of the version before is hit as well" if workflow["compare"] else said
