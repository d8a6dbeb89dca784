"""`chaos-gate plan`: what a subscription or a workflow would do now, without doing it."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.cli.run import Parameter
from gate.errors import GateError

if TYPE_CHECKING:
    from gate.cli.planned import Planned
    from gate.cluster.api import Api
    from gate.documents.loading import Loaded
    from gate.running.mode import Mode
    from gate.wire.previewing import Asking

DEMO_SUBSCRIPTION = "subscriptions/checkout.yaml"


@click.command(
    epilog="""\b
Examples:
  KUBECONFIG=chaos-gate-sandbox/kubeconfig chaos-gate plan subscriptions/checkout.yaml
  chaos-gate plan workflows/survives-pod-loss.yaml --workload shop/deployment/checkout --seed 5f3a9c1d2e
  chaos-gate plan subscriptions/checkout.yaml --post-to-merge-request
"""
)
@click.argument("document", type=click.Path(path_type=Path, exists=True), metavar="SUBSCRIPTION|WORKFLOW")
@click.option("--workload", metavar="NAMESPACE/KIND/NAME", help="Against what a WORKFLOW would be run by hand.")
@click.option(
    "--workflows",
    type=click.Path(path_type=Path),
    help="Folder with the workflows and faults.  [default: ../workflows beside the subscription]",
)
@click.option("--set", "parameters", type=Parameter(), multiple=True, help="A parameter of a WORKFLOW.")
@click.option("--seed", default="plan", show_default=True, help="What choices are made from, such as which pod.")
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="CHAOS_GATE_POLICY",
    help="The administrators' policy; without it the safe default is asked.",
)
@click.option("--account", default="", help="The service account that executes runs, for the policy to be asked about.")
@click.option(
    "--gate",
    envvar="CHAOS_GATE_NAMESPACE",
    default="chaos-gate",
    show_default=True,
    help="The gate's own namespace, for its mode as far as you may see it.",
)
@click.option("--output", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True)
@click.option(
    "--post-to-merge-request",
    is_flag=True,
    help="Also write it as a note of the merge request whose pipeline this is; a note from before is replaced.",
)
def plan(
    document: Path,
    workload: str | None,
    workflows: Path | None,
    parameters: tuple[tuple[str, Any], ...],
    seed: str,
    policy_file: Path | None,
    account: str,
    gate: str,
    output: str,
    post_to_merge_request: bool,
) -> None:
    """Say what would happen if SUBSCRIPTION's workload were judged now, or WORKFLOW run against a workload.

    Which version and which pods, on which nodes and in which zones; what each step touches, how it comes back, how long
    all of it takes; what the policy says, by which rules; what it would wait for. It only reads: with a client that
    cannot do anything else, the documents from files and the rest from the cluster of KUBECONFIG.

    To write a note it needs CHAOS_GATE_GITLAB_TOKEN, a token with the scope `api`, beside what GitLab tells its jobs.
    """
    from gate.cli.planned import as_json, as_markdown, as_text
    from gate.cluster.looking import Looking

    api = Looking.from_environment()
    asking = replace(_asking(policy_file, seed), account=account, mode=_mode(api, gate))
    if workload:
        plans = [_by_hand(api, document, workflows, workload, dict(parameters), asking)]
    elif parameters:
        raise click.UsageError("--set is for a WORKFLOW; say its --workload, too")
    else:
        plans = list(_subscribed(api, document, workflows, asking))
    if output == "json":
        click.echo(json.dumps([as_json(each) for each in plans], indent=2))
    else:
        click.echo(as_markdown(plans) if output == "markdown" else "\n\n".join(map(as_text, plans)))
    if post_to_merge_request:
        from gate.cli.noting import post

        click.echo(post(as_markdown(plans), str(document), os.environ), err=True)


def _asking(policy_file: Path | None, seed: str) -> "Asking":
    from gate.policy.rules import Policy
    from gate.wire.policies import read_policy
    from gate.wire.previewing import Asking

    rules = read_policy(policy_file) if policy_file else Policy()
    now = datetime.now(UTC).astimezone(rules.when.zone)
    return Asking(rules=rules, owners=None, now=now, monotonic=time.monotonic, seed=seed)


def _mode(api: "Api", namespace: str) -> "Mode":
    """That of the gate; who may not see it plans as if nothing held everybody."""
    from gate.cluster.mode import stated_mode
    from gate.running.mode import Mode

    try:
        return stated_mode(api, namespace)
    except GateError:
        return Mode.RUN


def _by_hand(
    api: "Api",
    document: Path,
    workflows: Path | None,
    workload: str,
    parameters: Mapping[str, Any],
    asking: "Asking",
) -> "Planned":
    from gate.cli.planned import Planned
    from gate.wire.by_hand import workflow_from, workload_named
    from gate.wire.previewing import preview

    name = workload_named(workload)
    paths = [document, *([workflows] if workflows else [])]
    taken = workflow_from(paths, "", name, parameters)
    return Planned(subscription="", preview=preview(api, name, [taken], asking))


def _subscribed(api: "Api", document: Path, workflows: Path | None, asking: "Asking") -> "Iterator[Planned]":
    from gate.catalogue.folder import read_paths
    from gate.cli.planned import Planned
    from gate.documents.catalogue import Catalogue
    from gate.wire.previewing import preview, selected
    from gate.wire.vocabulary import vocabulary

    words = vocabulary()
    folder = workflows or document.resolve().parent.parent / "workflows"
    loaded = read_paths([document, folder], words)
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=words)
    if not catalogue.written:
        raise GateError("; ".join(map(str, loaded.problems)) or _none(document, loaded))
    found = [each.of(name) for each in loaded.selections for name in selected(api, each.selector)]
    for each in (*loaded.subscriptions, *found):
        resolved, problems = catalogue.resolve(each)
        if problems:
            raise GateError("; ".join(map(str, problems)))
        owned = replace(asking, owners=(_within(each.place.rpartition(":")[0], folder),))
        yield Planned(subscription=each.name, preview=preview(api, each.workload, resolved, owned))


def _within(file: str, workflows: Path) -> str:
    """The path in the catalogue, by which a policy knows whose document it is."""
    whole, root = Path(file).resolve(), workflows.resolve().parent
    return str(whole.relative_to(root)) if whole.is_relative_to(root) else file


def _none(document: Path, loaded: "Loaded") -> str:
    hint = "; for a Workflow say against what: --workload shop/deployment/checkout" if loaded.workflows else ""
    return f"{document} holds no Subscription{hint}"
