"""`chaos-gate show`: the story of one run, or the standing answer for one workload."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from gate.errors import Permanent

if TYPE_CHECKING:
    from gate.model import Gate, Run


@click.command(
    epilog="""\b
Examples:
  chaos-gate show shop/checkout-survives-pod-loss-1a2b3c4d5e
  chaos-gate show shop/checkout
"""
)
@click.argument("name")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def show(name: str, output: str) -> None:
    """Tell the story of the run NAME: what was done to what, what was taken back, and what the gate concluded.

    Where no run has the name, and a workload has, its standing answer is shown. A namespace goes before it, with a
    slash. All of it is read from the cluster of KUBECONFIG.
    """
    from gate.cli.naming import gates_named, run_named
    from gate.cluster.api import Api
    from gate.web.shown import gate_json, run_json

    api = Api.from_environment()
    gates = gates_named(api, name)
    if gates:
        shown = [gate_json(gate) for gate in gates]
        click.echo(json.dumps(shown, indent=2) if output == "json" else "\n".join(_answers(gates)))
        return
    try:
        run = run_named(api, name)
    except Permanent as error:
        raise Permanent(f"{error}; nor is there a gate of a workload {name}") from error
    click.echo(json.dumps(run_json(run), indent=2) if output == "json" else "\n".join(_story(run)))


def _answers(gates: "list[Gate]") -> Iterator[str]:
    from gate.tracking.overrides import in_words

    for gate in gates:
        status = gate.status
        verdict = f", {status.verdict}{f' {status.reason}' if status.reason else ''}" if status.verdict else ""
        yield f"{gate.workload.name}: {status.phase}{verdict}, version {status.version or 'not known yet'}"
        if status.message:
            yield f"  {status.message}"
        if status.override:
            yield f"  OVERRIDDEN: {status.override}"
        for said in gate.overrides:
            yield f"  override of version {said.version} at {said.at:%Y-%m-%d %H:%M}: {in_words(said)}"
        for entry in status.runs:
            yield f"  run {gate.namespace}/{entry.name} ({entry.workflow}): {entry.verdict or 'not judged yet'}"


def _story(run: "Run") -> Iterator[str]:
    from gate.running.outstanding import in_words
    from gate.running.reverting import target_in_words

    status, spec = run.status, run.spec
    yield f"{run.namespace}/{run.name}: {spec.workflow.name} against {spec.workload.name}, version {spec.version}"
    doing = f": {status.activity}" if status.activity else ""
    yield f"{status.phase}{doing}; attempt {status.attempt}, deadline {spec.deadline:%Y-%m-%d %H:%M:%S} UTC"
    for entry in status.timeline:
        yield f"  {entry.at:%H:%M:%S}  {entry.what}"
    for undo in status.evidence.undo:
        back = f"taken back at {undo.reverted:%H:%M:%S}" if undo.reverted else "in force"
        hand = " by hand" if undo.by_hand else ""
        yield f"  {undo.fault} of {target_in_words(undo)} in step {undo.step}: {back}{hand}"
    for override in status.overrides:
        yield f"  overridden at {override.at:%H:%M:%S} by {override.who}: {override.reason}"
    if left := in_words(run):
        yield f"NOT TAKEN BACK: {left}"
    if status.verdict:
        reason = f" {status.reason}" if status.reason else ""
        yield f"{status.verdict}{reason}{f', score {status.score}' if status.score is not None else ''}"
    if status.message:
        yield f"  {status.message}"
