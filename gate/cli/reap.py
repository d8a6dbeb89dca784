"""`chaos-gate reap`: takes back what was left behind, with nothing but the records in the cluster."""

import click


@click.command(
    epilog="""\b
Example:
  KUBECONFIG=kubeconfig chaos-gate reap

\b
Exit codes:
  0  nothing is left in force
  1  something could not be taken back; run it again
"""
)
@click.pass_context
def reap(ctx: click.Context) -> None:
    """Take back the faults of all runs whose executor is gone: it does not renew its lease for five seconds.

    The gate does the same by itself when it starts. This is for when there is no gate: run it by hand, or every minute.
    """
    from gate.cluster.api import Api
    from gate.wire.reaping import reap as reap_all

    done, left = reap_all(Api.from_environment())
    click.echo(f"{done} runs had something left to take back, and have not any more")
    for line in left:
        click.echo(f"still in force: {line}", err=True)
    ctx.exit(1 if left else 0)
