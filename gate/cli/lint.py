"""`chaos-gate lint`: every mistake in the documents at once, before anybody else finds it."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click

from gate.documents.catalogue import Catalogue
from gate.documents.review import Finding, Severity, review
from gate.errors import GateError

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}


@click.command(
    epilog="""\b
Examples:
  chaos-gate lint subscriptions workflows
  chaos-gate lint --output json . > findings.json

\b
Exit codes:
  0  nothing is wrong (there may be warnings)
  1  there are errors
  2  usage: a path that is not there, or has no documents
"""
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def lint(ctx: click.Context, paths: tuple[Path, ...], output: str) -> None:
    """Check the documents in these files and folders, each by itself and all of them together."""
    from gate.catalogue.folder import read_paths
    from gate.wire.vocabulary import vocabulary

    words = vocabulary()
    loaded = read_paths(list(paths), words)
    findings = review(Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=words))
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if output == "json":
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(_line(finding))
        warnings = len(findings) - errors
        click.echo(f"{loaded.documents} documents, {errors} errors, {warnings} warnings and notes")
    if not loaded.documents and not errors:
        where = ", ".join(map(str, paths))
        raise GateError(f"there is nothing to check in {where}: no YAML file with kind Subscription or Workflow")
    ctx.exit(1 if errors else 0)


def _line(finding: Finding) -> str:
    place, where = finding.place, f" {finding.path}:" if finding.path else ""
    severity = click.style(finding.severity, fg=COLOURS[finding.severity])
    return f"{place.file}:{place.line}:{place.column}: {severity}:{where} {finding.why}"
