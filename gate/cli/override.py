"""`chaos-gate override`: a person's word beside the gate's evidence; recorded, it changes no verdict."""

from datetime import timedelta

import click

from gate.cli.duration import Duration
from gate.errors import GateError


@click.command(
    epilog="""\b
Examples:
  chaos-gate override shop/checkout --version 1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d \\
    --until 4h --reason "hotfix, INC-4711"
  chaos-gate override --reverted-by-hand shop/checkout-survives-pod-loss-1a2b3c4d5e \\
    --reason "scaled back to 3 by hand, INC-4711"

\b
Exit codes:
  0  it is recorded
  2  there is no such service, version or run, you may not, or somebody executes the run just now
"""
)
@click.argument("service", metavar="[[NAMESPACE/]SERVICE]", required=False)
@click.option("--version", metavar="KEY", help="The version to let through, as chaos-gate show has it.")
@click.option("--until", type=Duration(), help="For how long, such as 4h; at most 7d. 0s ends what stands.")
@click.option("--kind", help="Kind of the workload, where several have that name.")
@click.option("--reverted-by-hand", "run", metavar="RUN", help="The run whose faults were put back.")
@click.option("--reason", required=True, help="What was done and why, for those who read it later.")
def override(
    service: str | None, version: str | None, until: timedelta | None, kind: str | None, run: str | None, reason: str
) -> None:
    """Let a version of SERVICE through for a while although it has not passed; or, with --reverted-by-hand, say that
    whatever RUN has left in force was put back, so that its namespace is free again.

    Who said so, when and why is recorded in the gate or in the run, and no verdict changes. Who may is decided by
    Kubernetes: by the right to patch chaosgates, or chaosruns, in that namespace.
    """
    if not reason.strip():
        raise GateError("--reason says nothing; say what was done, for those who read it later")
    if service and not run:
        _let_through(service, version, until, kind, reason.strip())
    elif run and not (service or version or until is not None or kind):
        _put_back(run, reason.strip())
    else:
        raise click.UsageError("give either SERVICE with --version and --until, or --reverted-by-hand RUN")


def _let_through(service: str, version: str | None, until: timedelta | None, kind: str | None, reason: str) -> None:
    from gate.cli.naming import gate_named
    from gate.cluster.api import Api
    from gate.tracking.overrides import in_words
    from gate.wire.letting_through import let_through

    if not version or until is None:
        raise click.UsageError("an override is of one version and ends by itself; give --version KEY and --until 4h")
    api = Api.from_environment()
    gate = gate_named(api, service, kind or "")
    said = let_through(api, gate, version, reason, until)
    status = gate.status
    verdict = next((each.judgement.verdict for each in status.judged if each.version == version), None)
    stays = f"its verdict stays {verdict}" if verdict else "it has no verdict yet"
    what = "is" if until else "is no longer let through, it was"
    click.echo(f"{gate.workload.name}: version {version} {what} {in_words(said)}; {stays}")


def _put_back(run: str, reason: str) -> None:
    from gate.cli.naming import run_named
    from gate.cluster.api import Api
    from gate.running.time import SystemClock
    from gate.wire.overriding import reverted_by_hand

    api = Api.from_environment()
    found = run_named(api, run)
    said = reverted_by_hand(api, found, reason, SystemClock())
    click.echo(
        f"{found.namespace}/{found.name}: {len(said.undo)} acts are recorded as taken back by hand by {said.who}"
    )
