"""`chaos-gate run`: one workflow against what runs now, asked for by a person, who watches it."""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.cli.duration import Duration
from gate.cli.reporting import Told, reporting
from gate.documents.tree import Tree, trees
from gate.errors import Denied, Permanent

if TYPE_CHECKING:
    from gate.cluster.api import Api
    from gate.model import Run

INTERRUPTED = 130


class Parameter(click.ParamType[tuple[str, Any]]):
    """A click type for `name=value`; the value is read as a document would have it."""

    name = "name=value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        """The name and the value; a usage error if there is no name."""
        if isinstance(value, tuple):
            return value
        name, equals, text = value.partition("=")
        if not (name and equals):
            self.fail(f"{value!r} is not NAME=VALUE, such as delay=400ms", param, ctx)
        read = next(trees(text, "--set"), None)
        return name, read.value if isinstance(read, Tree) else text


@click.command(
    epilog="""\b
Examples:
  chaos-gate run workflows/survives-pod-loss.yaml --workload shop/deployment/checkout
  chaos-gate run survives-pod-loss --workload shop/deployment/checkout --set delay=400ms --seed 5f3a9c1d2e
  chaos-gate run survives-pod-loss --like shop/checkout-1a2b3c4d5e-1 --workload shop/deployment/checkout
  chaos-gate run survives-pod-loss --workload shop/deployment/checkout --report

\b
Exit codes:
  0  passed
  1  failed: the service broke its steady state
  2  usage: the command, or what it asks, is wrong or not allowed
  3  errored: it could not be found out
  4  canceled: somebody stopped it
  5  no verdict in time: nobody executes it, or no gate judges it
"""
)
@click.argument("workflow")
@click.option("--workload", required=True, metavar="NAMESPACE/KIND/NAME", help="What to run it against.")
@click.option(
    "--workflows",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Folder in which a WORKFLOW is that is given by its name, and faults that it names.  [default: workflows]",
)
@click.option("--like", metavar="RUN", help="Take WORKFLOW as this run had it, with the parameters of then.")
@click.option("--set", "parameters", type=Parameter(), multiple=True, help="A parameter of the workflow.")
@click.option("--seed", help="What the choices are made from, such as which pod; the same one makes the same choices.")
@click.option("--deadline", type=Duration(), default="30m", show_default=True, help="When it ends at the latest.")
@click.option("--detach", is_flag=True, help="Do not watch it; print its name.")
@click.option("--report", is_flag=True, help="Tell GitLab how it ends: a status of the pipeline that has deployed it.")
@click.option("--gitlab-url", envvar="CHAOS_GATE_GITLAB_URL", help="To be told.  [env: CHAOS_GATE_GITLAB_URL]")
@click.option(
    "--gitlab-token",
    envvar="CHAOS_GATE_GITLAB_TOKEN",
    help="Your token with the scope api, and the role Developer.  [env: CHAOS_GATE_GITLAB_TOKEN]",
)
@click.option(
    "--gitlab-ca",
    envvar="CHAOS_GATE_GITLAB_CA_FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its CA.  [env: CHAOS_GATE_GITLAB_CA_FILE]",
)
@click.pass_context
def run(
    ctx: click.Context,
    /,
    workflow: str,
    workload: str,
    workflows: Path | None,
    like: str | None,
    parameters: tuple[tuple[str, Any], ...],
    seed: str | None,
    deadline: timedelta,
    detach: bool,
    report: bool,
    **gitlab: Any,
) -> None:
    """Run WORKFLOW, a file or the name of one, against the version that a workload has now, and watch it.

    The gate executes it like its own runs: it waits for locks and its turn, asks the mode and the policy before each
    act, and takes everything back. It changes no gate's verdict, and GitLab hears of it only with --report, as of
    something that you have done. Your own kubeconfig has to allow you to make ChaosRuns in the namespace of the
    workload.
    """
    from gate.cluster.api import Api
    from gate.running.time import SystemClock
    from gate.wire.by_hand import ask_for, workload_named

    if like and (parameters or workflows):
        raise click.UsageError("--like takes the workflow as it was; --set and --workflows have no say in it")
    if report and detach:
        raise click.UsageError("--report tells GitLab how it ends, so it has to be watched; leave --detach out")
    name = workload_named(workload)
    api = Api.from_environment()
    if like:
        before = _before(api, like, workflow)
        taken, revision, seed = before.spec.workflow, before.spec.revision, seed or before.spec.seed
    else:
        from gate.wire.by_hand import workflow_from

        paths, called = _documents(workflow, workflows)
        taken, revision = workflow_from(paths, called, name, dict(parameters)), ""
    clock = SystemClock()
    with reporting(report, api, name, taken.name, gitlab) as told:
        made = ask_for(api, name, taken, seed=seed or _fresh(), deadline=deadline, revision=revision, clock=clock)
        if detach:
            click.echo(f"{made.namespace}/{made.name}")
            return
        click.echo(f"{made.namespace}/{made.name}: {taken.name} against {name}, version {made.spec.version}")
        said, code = ending(lambda: _watched(api, made, deadline), told)
    click.echo("\n".join(["", *said]))
    ctx.exit(code)


def ending(watched: Callable[[], "Run"], told: Told = lambda _: ()) -> tuple[Sequence[str], int]:
    """What there is to be said in the end of a run that is watched, and the exit code. `told` tells others."""
    from gate.cli.waiting import Exit
    from gate.cli.watching import NoVerdict

    try:
        ended = watched()
    except NoVerdict as error:
        return [f"error: {error}"], Exit.LATE
    return [*_verdict(ended), *told(ended)], _exit(ended)


def _before(api: "Api", like: str, workflow: str) -> "Run":
    from gate.cli.naming import run_named

    found = run_named(api, like)
    if found.spec.workflow.name != workflow:
        raise Permanent(f"{like} is a run of {found.spec.workflow.name}, not of {workflow}")
    return found


def _documents(workflow: str, folder: Path | None) -> tuple[list[Path], str]:
    """Where to read, and the name to look for; empty: the only one of the file."""
    file = Path(workflow)
    if file.is_file():
        return [file, *([folder] if folder else [])], ""
    usual = folder or Path("workflows")
    if not usual.is_dir():
        raise Permanent(f"there is no file {workflow}, and no folder {usual} with workflows; name one with --workflows")
    return [usual], workflow


def _fresh() -> str:
    import secrets

    return secrets.token_hex(5)


def _watched(api: "Api", made: "Run", deadline: timedelta) -> "Run":
    """The run when it is judged. Ctrl-C asks for it to stop, and goes on watching until everything is taken back; a
    second one leaves it.
    """
    from gate.cli.watching import Watching
    from gate.cluster.runs import Runs
    from gate.model import Reason

    runs = Runs(api)
    watching = Watching(
        partial(runs.get, made.namespace, made.name),
        deadline=deadline,
        monotonic=time.monotonic,
        sleep=time.sleep,
        say=click.echo,
    )
    try:
        return watching.end()
    except KeyboardInterrupt:
        click.echo("stopping it; what it did is taken back. Ctrl-C again leaves it", err=True)
    try:
        try:
            runs.abort(made, Reason.ABORTED)
        except Denied as error:
            click.echo(f"it goes on: you may not stop it ({error})", err=True)
        return watching.end()
    except KeyboardInterrupt:
        click.echo(f"it goes on; chaos-gate show {made.namespace}/{made.name} says how far it is", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def _verdict(ended: "Run") -> Iterator[str]:
    from gate.cli.story import explanation
    from gate.model import Verdict
    from gate.web.run_answer import of_run

    status = ended.status
    reason = f" ({status.reason})" if status.reason else ""
    yield f"{status.verdict}{reason}{f', score {status.score}' if status.score is not None else ''}"
    if status.verdict is not Verdict.PASSED:
        yield from (f"  {line}" for line in explanation(of_run(ended)))


def _exit(ended: "Run") -> int:
    from gate.cli.waiting import EXITS

    verdict = ended.status.verdict
    if verdict is None:
        raise Permanent("the run is judged, and has no verdict; another version of the gate wrote it")
    return int(EXITS[verdict])
