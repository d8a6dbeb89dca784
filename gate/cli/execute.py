"""`chaos-gate execute`: executes one run that the gate has made, as its Job does."""

import logging
import os

import click


@click.command(
    epilog="""\b
Example:
  CHAOS_GATE_NAMESPACE=chaos-gate chaos-gate execute shop/deployment-checkout-5f3a9c1d2e-0

\b
Exit codes:
  0  the run has ended, and nothing is left in force; its verdict is the gate's
  1  the run has ended, and something could not be taken back
  2  it cannot be executed: there is no such run, or a right is missing
  3  the run has not ended: another executor has it, or will have it
"""
)
@click.argument("run", metavar="NAMESPACE/RUN")
@click.option("--debug", is_flag=True, help="Log more.")
@click.pass_context
def execute(ctx: click.Context, run: str, debug: bool) -> None:
    """Execute a ChaosRun with one's own rights, or what another executor has left of it.

    The gate has this done by a Job for each run (CHAOS_GATE_EXECUTOR=job), as a service account of the team. It renews
    the run's Lease each second, reads the mode before each act, and takes everything back when it is told to end.
    Kubernetes comes from KUBECONFIG, or from the pod that this runs in; CHAOS_GATE_NAMESPACE says where the mode is.
    """
    from gate.cli.ending import told_to_end
    from gate.cluster.api import Api
    from gate.config import PREFIX, Settings
    from gate.wire.executing import Outcome
    from gate.wire.executing import execute as execute_run
    from gate.wire.identity import identity

    namespace, slash, name = run.partition("/")
    if not (namespace and slash and name) or "/" in name:
        raise click.UsageError(f'"{run}" is not NAMESPACE/RUN, such as shop/deployment-checkout-5f3a9c1d2e-0')
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.INFO,
        format="%(asctime)s %(levelname)s %(threadName)s: %(name)s %(message)s",
    )
    logging.getLogger("urllib3").setLevel(logging.WARNING)
    settings = Settings.to_execute(os.environ)
    api = Api.from_environment(agent=f"chaos-gate/{identity()}")
    outcome = execute_run(settings, api, namespace, name, told_to_end(), keep=f"{PREFIX}EVIDENCE" in os.environ)
    click.echo(
        {
            Outcome.DONE: f"{run} has ended",
            Outcome.IN_FORCE: f"{run} has ended, and something is still in force; see its status.evidence.undo",
            Outcome.LEFT: f"{run} has not ended: another executor goes on with it",
        }[outcome],
        err=outcome is not Outcome.DONE,
    )
    ctx.exit(int(outcome))
