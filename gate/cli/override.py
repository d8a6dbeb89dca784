"""`chaos-gate override`: a person's word in the place of the gate's evidence; recorded, it changes no verdict."""

import click

from gate.errors import GateError


@click.command(
    epilog="""\b
Example:
  chaos-gate override --reverted-by-hand shop/checkout-survives-pod-loss-1a2b3c4d5e \\
    --reason "scaled back to 3 by hand, INC-4711"

\b
Exit codes:
  0  it is recorded
  2  there is no such run, it has nothing left to take back, or somebody executes it just now
"""
)
@click.option("--reverted-by-hand", "run", metavar="RUN", required=True, help="The run whose faults were put back.")
@click.option("--reason", required=True, help="What was done, for those who read the run later.")
def override(run: str, reason: str) -> None:
    """Say that whatever RUN has left in force was put back by hand: the run is let go, and its namespace is free again.

    Who said so, when and why is recorded in the run, and its verdict stays what it is.
    """
    from gate.cli.naming import run_named
    from gate.cluster.api import Api
    from gate.running.time import SystemClock
    from gate.wire.overriding import reverted_by_hand

    if not reason.strip():
        raise GateError("--reason says nothing; say what was done, for those who read the run later")
    api = Api.from_environment()
    found = run_named(api, run)
    said = reverted_by_hand(api, found, reason.strip(), SystemClock())
    click.echo(
        f"{found.namespace}/{found.name}: {len(said.undo)} acts are recorded as taken back by hand by {said.who}"
    )
