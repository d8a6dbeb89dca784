"""`chaos-gate lint`: every mistake in the documents at once, before anybody else finds it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import click

from gate.documents.catalogue import Catalogue
from gate.documents.formats import FORMATS
from gate.documents.reference import Reference
from gate.documents.review import Finding, Severity, review
from gate.errors import GateError

COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "blue"}


@click.command(
    epilog="""\b
Examples:
  chaos-gate lint subscriptions workflows
  chaos-gate lint --output codeclimate . > gl-code-quality-report.json

\b
Exit codes:
  0  nothing is wrong (there may be warnings)
  1  there are errors
  2  usage: a path that is not there, or has no documents
"""
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option(
    "--policy",
    "policy_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    envvar="CHAOS_GATE_POLICY",
    help="The administrators' policy: what it would refuse is an error. Call it in the catalogue's root folder.",
)
@click.option("--account", default="", help="The service account that executes runs, for the policy to be asked about.")
@click.option("--output", type=click.Choice(["text", *FORMATS]), default="text", show_default=True)
@click.pass_context
def lint(ctx: click.Context, paths: tuple[Path, ...], policy_file: Path | None, account: str, output: str) -> None:
    """Check the documents in these files and folders, each by itself and all of them together."""
    from gate.catalogue.folder import read_paths
    from gate.wire.vocabulary import vocabulary

    words = vocabulary()
    loaded = read_paths(list(paths), words)
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=words)
    findings = review(catalogue)
    if policy_file:
        from gate.wire.policies import read_policy
        from gate.wire.policing import reviewed

        findings += reviewed(read_policy(policy_file), catalogue, catalogue.fetched, account)
    if findings:
        page = Reference.of(words)
        findings = [replace(finding, see=page.link(finding.path)) for finding in findings]
    errors = sum(finding.severity is Severity.ERROR for finding in findings)
    if output in FORMATS:
        click.echo(FORMATS[output](findings))
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
    see = click.style(f"(see {finding.see})", dim=True)
    return f"{place.file}:{place.line}:{place.column}: {severity}:{where} {finding.why} {see}"
