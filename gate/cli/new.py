"""`chaos-gate new`: a document to begin with, with comments."""

from importlib.resources import files

import click

KINDS = ("subscription", "workflow", "fault")


@click.command(
    epilog="""\b
Examples:
  chaos-gate new workflow > workflows/survives-pod-loss.yaml
  chaos-gate new subscription > subscriptions/checkout.yaml
"""
)
@click.argument("kind", type=click.Choice(KINDS, case_sensitive=False))
def new(kind: str) -> None:
    """Print a document that is right as it stands; the comments say what to change, and what else there is."""
    click.echo((files("gate.documents") / "beginnings" / f"{kind}.yaml").read_text(encoding="utf-8"), nl=False)
