"""`chaos-gate wait`: the job before production. Its exit code is what holds the pipeline back, or lets it through."""

import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from gate.cli.asking import AskedGate
from gate.cli.duration import Duration
from gate.cli.job_reports import Reports
from gate.cli.story import verdict
from gate.cli.waiting import Ending, Exit, Gate, Waiting
from gate.errors import Permanent

INTERRUPTED = 130
_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    epilog="""\b
Examples:
  chaos-gate wait --url http://chaos-gate.example.org --service shop/checkout
  chaos-gate wait --project shop/checkout --sha $CI_COMMIT_SHA --environment staging --junit junit.xml
  chaos-gate wait --via gitlab --bot project_42_bot_chaos --environment staging

\b
Exit codes:
  0  open: the version may go to production; or a person lets it through, which is said
  1  failed: the service broke its steady state
  2  usage: the command, or what it asks, is wrong
  3  errored: the gate could not find out
  4  canceled: a newer version took its place, or somebody aborted it
  5  no verdict in time
  6  nobody subscribed (0 with --unsubscribed=pass)
""",
)
@click.option("--url", envvar="CHAOS_GATE_URL", help="Address of the gate.  [env: CHAOS_GATE_URL]")
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
@click.option("--verdict", "verdict_file", type=_FILE, help="Write the verdict as the gate has signed it, if it signs.")
@click.option(
    "--via",
    type=click.Choice(["gate", "gitlab"]),
    default="gate",
    show_default=True,
    help="Ask the gate, or read what its bot has posted to GitLab, where a runner cannot reach the gate.",
)
@click.option("--bot", envvar="CHAOS_GATE_BOT", help="Via GitLab: id or username of the bot.  [env: CHAOS_GATE_BOT]")
@click.option(
    "--status", "statuses", multiple=True, metavar="NAME", help="Via GitLab: a commit status that has to be there."
)
@click.option("--gitlab-url", envvar="CI_SERVER_URL", help="Address of GitLab.  [env: CI_SERVER_URL]")
@click.option(
    "--gitlab-token",
    envvar="CHAOS_GATE_GITLAB_TOKEN",
    help="Token with the scope read_api; a job's own cannot read statuses.  [env: CHAOS_GATE_GITLAB_TOKEN]",
)
@click.option("--gitlab-ca", envvar="CI_SERVER_TLS_CA_FILE", type=_FILE, help="Its CA.  [env: CI_SERVER_TLS_CA_FILE]")
@click.pass_context
def wait(
    ctx: click.Context,
    /,
    timeout: timedelta,
    unsubscribed: str,
    junit: Path | None,
    dotenv: Path | None,
    annotations: Path | None,
    metrics: Path | None,
    verdict_file: Path | None,
    via: str,
    **asked: Any,
) -> None:
    """Wait for the gate's verdict and exit with it.

    In a GitLab job, project, commit and pipeline are known already, and only a verdict of that commit counts.
    """
    reports = Reports(junit=junit, dotenv=dotenv, annotations=annotations, metrics=metrics, verdict=verdict_file)
    gate, address = _shown_by_gitlab(asked) if via == "gitlab" else _asked_gate(asked)
    ending = _wait(gate, timeout)
    _tell(ending, address)
    for complaint in reports.write(ending, address):
        click.echo(f"warning: {complaint}", err=True)
    if ending.exit is Exit.UNSUBSCRIBED and unsubscribed == "pass":
        click.echo("nobody subscribed, and --unsubscribed=pass lets that through")
        ctx.exit(Exit.OPEN)
    ctx.exit(ending.exit)


def _asked_gate(asked: Mapping[str, Any]) -> tuple[Gate, str]:
    """The gate that answers, and its address."""
    url, service, project, sha = (asked[name] for name in ("url", "service", "project", "sha"))
    if not url:
        raise click.UsageError("Missing option '--url': the address of the gate")
    if not url.startswith(("http://", "https://")):
        raise click.UsageError(f"--url is {url!r}, not an address; give one like http://chaos-gate.example.org")
    question = {"sha": sha, "pipeline": asked["pipeline"] if sha else None}
    if service:
        namespace, _, name = service.rpartition("/")
        question |= {"kind": asked["kind"], "namespace": namespace or "default", "name": name}
    elif project and sha:
        question |= {"project": project, "environment": asked["environment"]}
    else:
        raise click.UsageError("nothing to ask for; give --service, or --project and --sha")
    known = {name: value for name, value in question.items() if value}
    gate = AskedGate(url, known, token=asked["id_token"] or "")
    return gate, gate.address


def _shown_by_gitlab(asked: Mapping[str, Any]) -> tuple[Gate, str]:
    """What GitLab shows of one pipeline, and the page of that pipeline."""
    from gate.cli.via_gitlab import ShownByGitLab, Where
    from gate.gitlab.client import GitLab

    needed = {
        "gitlab_url": "",
        "gitlab_token": _READS_STATUSES,
        "bot": _WHOSE,
        "project": "",
        "sha": "",
        "pipeline": "",
    }
    for name, remedy in needed.items():
        if not asked[name]:
            raise click.UsageError(f"--via gitlab needs --{name.replace('_', '-')}{remedy}")
    if not asked["pipeline"].isdecimal():
        raise click.UsageError(f"--pipeline is {asked['pipeline']!r}, not the number of a pipeline")
    where = Where(
        project=asked["project"],
        sha=asked["sha"],
        pipeline=int(asked["pipeline"]),
        bot=asked["bot"],
        environment=asked["environment"] or "",
        statuses=asked["statuses"],
    )
    token = str(asked["gitlab_token"])
    gitlab = GitLab(asked["gitlab_url"], lambda: token, authority=asked["gitlab_ca"])
    page = f"{gitlab.address}/{where.project}/-/pipelines/{where.pipeline}"
    return ShownByGitLab(gitlab, where, sleep=time.sleep), page


_READS_STATUSES = (
    ": CI_JOB_TOKEN cannot read commit statuses; make a project access token with the role Reporter and the scope "
    "read_api, and give it to the job as the masked variable CHAOS_GATE_GITLAB_TOKEN"
)
_WHOSE = ": whoever may push may post a status, so only those of the gate's bot count; name it by id or username"


def _wait(gate: Gate, timeout: timedelta) -> Ending:
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
    if answer is not None and (answer.verdict is not None or answer.overrides):
        click.echo("")
        for line in verdict(answer, address):
            click.echo(line)
    else:
        click.echo(f"error: {ending.message}", err=True)
    click.echo(f"\nMore at {address}/")
