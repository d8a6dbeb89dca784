"""`chaos-gate schema`: what documents may say, for editors and for people."""

import json

import click

from gate.documents.schema import FORMS, schema_of


@click.command(
    epilog="""\b
Examples:
  chaos-gate schema workflow > workflow.schema.json
  chaos-gate schema --output markdown > reference.md

\b
The first line of a document tells editors with the YAML language server:
  # yaml-language-server: $schema=workflow.schema.json
"""
)
@click.argument("kind", required=False, type=click.Choice(list(FORMS), case_sensitive=False))
@click.option("--output", type=click.Choice(["json", "markdown"]), default="json", show_default=True)
def schema(kind: str | None, output: str) -> None:
    """Print the JSON Schema of a kind of document, or a page about the fields of all of them."""
    from gate.documents.reference import Reference
    from gate.wire.vocabulary import vocabulary

    words = vocabulary()
    if output == "markdown":
        click.echo(Reference.of(words).page, nl=False)
    elif kind is None:
        raise click.UsageError(f"name a kind of document, one of {', '.join(map(str.lower, FORMS))}")
    else:
        click.echo(json.dumps(schema_of(kind, words), indent=2))
