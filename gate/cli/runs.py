"""`chaos-gate runs`: all runs in the cluster, what each does and how it ended."""

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from gate.model import Run

HEADINGS = ("RUN", "WORKFLOW", "VERSION", "PHASE", "VERDICT", "WHAT")
LEFT_BEHIND = 1


@click.command(
    epilog="""\b
Examples:
  chaos-gate runs
  chaos-gate runs --namespace shop --output json

\b
Exit codes:
  0  whatever was done is taken back, or is in force as it should be
  1  something could not be taken back, and blocks its namespace
"""
)
@click.option("--namespace", "-n", default="", help="Only runs of this namespace.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def runs(ctx: click.Context, namespace: str, output: str) -> None:
    """List runs, the oldest first: what each is doing or waiting for, how it ended, and what it could not take back.

    They are read from the cluster of KUBECONFIG, with or without a gate.
    """
    from gate.cluster.api import Api
    from gate.cluster.runs import Runs
    from gate.running.outstanding import in_words, outstanding
    from gate.web.shown import run_json

    found, unreadable = Runs(Api.from_environment()).list(namespace)
    found.sort(key=lambda run: (run.created, run.namespace, run.name))
    if output == "json":
        items = [{**run_json(run), "unreverted": in_words(run)} for run in found]
        click.echo(json.dumps({"items": items, "unreadable": unreadable}, indent=2))
    else:
        click.echo("\n".join(_table([HEADINGS, *map(_row, found)])) if found else "there are no runs")
    for line in unreadable:
        click.echo(f"unreadable: {line}", err=True)
    ctx.exit(LEFT_BEHIND if any(outstanding(run.status) for run in found) else 0)


def _row(run: "Run") -> tuple[str, ...]:
    from gate.running.outstanding import in_words

    status = run.status
    verdict = f"{status.verdict or ''}{f' {status.reason}' if status.reason else ''}"
    what = in_words(run) or status.activity or status.message
    name = f"{run.namespace}/{run.name}"
    return name, run.spec.workflow.name, run.spec.version, str(status.phase), verdict or "-", what


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    """Columns that stand below each other; the last one is as long as it is."""
    widths = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()
