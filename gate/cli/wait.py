"""`chaos-gate wait`: the job before production. Its exit code is what holds the pipeline back, or lets it through."""

import time
from datetime import timedelta
from pathlib import Path

import click

from gate.cli.asking import AskedGate
from gate.cli.duration import Duration
from gate.cli.job_reports import Reports
from gate.cli.story import verdict
from gate.cli.waiting import Ending, Exit, Waiting
from gate.errors import Permanent

INTERRUPTED = 130
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  chaos-gate wait --url http://chaos-gate.example.org --service shop/checkout
  chaos-gate wait --project shop/checkout --sha $CI_COMMIT_SHA --environment staging --junit junit.xml

\b
Exit codes:
  0  open: the version may go to production
  1  failed: the service broke its steady state
  2  usage: the command, or what it asks, is wrong
  3  errored: the gate could not find out
  4  canceled: a newer version took its place, or somebody aborted it
  5  no verdict in time
  6  nobody subscribed (0 with --unsubscribed=pass)
""",
)
@click.option("--url", envvar="CHAOS_GATE_URL", required=True, help="Address of the gate.  [env: CHAOS_GATE_URL]")
@click.option(
    "--service", metavar="[NAMESPACE/]NAME", help="Workload to ask for; else all that the project subscribed."
)
@click.option("--kind", default="Deployment", show_default=True, help="Kind of the workload.")
@click.option("--project", envvar="CI_PROJECT_PATH", help="GitLab project.  [env: CI_PROJECT_PATH]")
@click.option("--sha", envvar="CI_COMMIT_SHA", help="Commit; without it, whatever runs now.  [env: CI_COMMIT_SHA]")
@click.option("--pipeline", envvar="CI_PIPELINE_ID", help="Pipeline of the commit.  [env: CI_PIPELINE_ID]")
@click.option(
    "--environment", envvar="CI_ENVIRONMENT_NAME", help="Only subscriptions there.  [env: CI_ENVIRONMENT_NAME]"
)
@click.option(
    "--id-token",
    envvar="CHAOS_GATE_ID_TOKEN",
    help="JWT that says which project asks, where the gate wants one.  [env: CHAOS_GATE_ID_TOKEN]",
)
@click.option(
    "--timeout", type=Duration(), default="45m", show_default=True, help="How long to wait, such as 90s, 1h30m."
)
@click.option(
    "--unsubscribed",
    type=click.Choice(["pass", "fail"]),
    default="fail",
    show_default=True,
    help="What it means that nobody subscribed.",
)
@click.option("--junit", type=_FILE, help="Write the runs as JUnit XML.")
@click.option("--dotenv", type=_FILE, help="Write CHAOS_VERDICT and more for later jobs.")
@click.option("--annotations", type=_FILE, help="Write links for GitLab's job page.")
@click.option("--metrics", type=_FILE, help="Write figures for GitLab's metrics report.")
@click.pass_context
def wait(
    ctx: click.Context,
    url: str,
    service: str | None,
    kind: str,
    project: str | None,
    sha: str | None,
    pipeline: str | None,
    environment: str | None,
    id_token: str | None,
    timeout: timedelta,
    unsubscribed: str,
    junit: Path | None,
    dotenv: Path | None,
    annotations: Path | None,
    metrics: Path | None,
) -> None:
    """Wait for the gate's verdict and exit with it.

    In a GitLab job, project, commit and pipeline are known already, and only a verdict of that commit counts.
    """
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url is {url!r}, not an address; give one like http://chaos-gate.example.org")
    question = {"sha": sha, "pipeline": pipeline if sha else None}
    if service:
        namespace, _, name = service.rpartition("/")
        question |= {"kind": kind, "namespace": namespace or "default", "name": name}
    elif project and sha:
        question |= {"project": project, "environment": environment}
    else:
        raise click.UsageError("nothing to ask for; give --service, or --project and --sha")
    reports = Reports(junit=junit, dotenv=dotenv, annotations=annotations, metrics=metrics)
    gate = AskedGate(url, {name: value for name, value in question.items() if value}, token=id_token or "")
    ending = _wait(gate, timeout)
    _tell(ending, gate.address)
    for complaint in reports.write(ending, gate.address):
        click.echo(f"warning: {complaint}", err=True)
    if ending.exit is Exit.UNSUBSCRIBED and unsubscribed == "pass":
        click.echo("nobody subscribed, and --unsubscribed=pass lets that through")
        ctx.exit(Exit.OPEN)
    ctx.exit(ending.exit)


def _wait(gate: AskedGate, timeout: timedelta) -> Ending:
    waiting = Waiting(gate, patience=timeout, monotonic=time.monotonic, sleep=time.sleep, say=click.echo)
    try:
        return waiting.end()
    except Permanent as error:
        return Ending(exit=Exit.USAGE, answer=None, message=str(error))
    except KeyboardInterrupt:
        # Not a verdict: click's own code for this, 1, would be read as one.
        raise click.exceptions.Exit(INTERRUPTED) from None


def _tell(ending: Ending, address: str) -> None:
    """The end of the story, for the log of the job."""
    answer = ending.answer
    if answer is not None and answer.verdict is not None:
        click.echo("")
        for line in verdict(answer, address):
            click.echo(line)
    else:
        click.echo(f"error: {ending.message}", err=True)
    click.echo(f"\nMore at {address}/")
