"""`chaos-gate abort`: one run is stopped, and what it did is taken back."""

import click


@click.command(
    epilog="""\b
Example:
  chaos-gate abort shop/checkout-survives-pod-loss-1a2b3c4d5e
"""
)
@click.argument("run")
def abort(run: str) -> None:
    """Stop RUN (its name, with its namespace before it). The gate takes back what it did; its verdict is CANCELED.

    To stop all of them at once: chaos-gate mode abort.
    """
    from gate.cli.naming import run_named
    from gate.cluster.api import Api
    from gate.cluster.runs import Runs
    from gate.errors import Permanent
    from gate.model import Reason
    from gate.running.outstanding import OVER

    api = Api.from_environment()
    found = run_named(api, run)
    if found.status.phase in OVER:
        raise Permanent(f"the run {found.namespace}/{found.name} is over: {found.status.phase}")
    Runs(api).abort(found, Reason.ABORTED)
    click.echo(f"{found.namespace}/{found.name} is told to stop; chaos-gate show says when it has")
