"""`chaos-gate mode`: the switch for all chaos of a gate, read or set."""

import json

import click

from gate.running.mode import Mode


@click.command(
    epilog="""\b
Examples:
  chaos-gate mode
  chaos-gate mode abort
"""
)
@click.argument("wanted", metavar="[run|pause|drain|abort]", required=False, type=click.Choice([*map(str, Mode)]))
@click.option(
    "--namespace",
    "-n",
    envvar="CHAOS_GATE_NAMESPACE",
    default="chaos-gate",
    show_default=True,
    help="The gate's own namespace, where ConfigMap/chaos-gate-mode is.",
)
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
def mode(wanted: str | None, namespace: str, output: str) -> None:
    """Say the mode of the gate, or set it.

    run: everything. pause: nothing new starts, runs wait before their next fault. drain: what runs is finished, nothing
    new starts. abort: everything is taken back now. The gate reads it once a second, and before each act.
    """
    from gate.cluster.api import Api
    from gate.cluster.mode import stated_mode, write_mode

    api = Api.from_environment()
    if wanted:
        write_mode(api, namespace, Mode(wanted))
    now = stated_mode(api, namespace)
    click.echo(json.dumps({"mode": now, "namespace": namespace}) if output == "json" else str(now))
