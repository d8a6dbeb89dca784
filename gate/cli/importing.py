"""`chaos-gate import`: experiments of other tools as documents of ours, and what became of each thing in them."""

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gate.errors import GateError

if TYPE_CHECKING:
    from gate.importing.documents import Document, Imported

FOLDERS = {"Subscription": "subscriptions", "Workflow": "workflows"}
EXIT_CODES = """
\b
Exit codes:
  0  everything could be read; the account says what became of it
  1  a document was refused
  2  usage: a file that is not there, or would be overwritten
"""


@click.group(name="import")
def importing() -> None:
    """Turn the experiments of other tools into documents: as far as their meaning can be kept, and no further."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    """What all kinds of import have in common."""
    into = click.option(
        "--into",
        type=click.Path(path_type=Path, file_okay=False),
        help="Write each document into a file of this catalogue instead of all of them to stdout.",
    )
    output = click.option(
        "--output",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="text: YAML, and the account on stderr. json: both as one object.",
    )
    files = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
    return files(into(output(command)))


@importing.command(
    epilog=f"""\b
Examples:
  chaos-gate import litmus engine.yaml > workflows/imported.yaml
  chaos-gate import litmus --into . experiments/*.yaml
{EXIT_CODES}"""
)
@_options
@click.pass_context
def litmus(ctx: click.Context, files: tuple[Path, ...], into: Path | None, output: str) -> None:
    """ChaosEngine, ChaosExperiment, ChaosSchedule, EventTrackerPolicy, and the Argo Workflows that ChaosCenter makes.

    Give files that belong together at once: an engine leaves much to its ChaosExperiment.
    """
    from gate.importing.litmus.reading import import_litmus

    _tell(ctx, import_litmus({str(file): _read(file) for file in files}), into, output)


@importing.command(
    epilog=f"""\b
Examples:
  chaos-gate import chaostoolkit experiment.json > workflows/imported.yaml
  chaos-gate import chaostoolkit --into . experiments/*.yaml
{EXIT_CODES}"""
)
@_options
@click.pass_context
def chaostoolkit(ctx: click.Context, files: tuple[Path, ...], into: Path | None, output: str) -> None:
    """Experiments of Chaos Toolkit, in JSON or YAML, with the probes and actions of chaosk8s."""
    from gate.importing.chaostoolkit.reading import import_chaostoolkit

    _tell(ctx, import_chaostoolkit({str(file): _read(file) for file in files}), into, output)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise GateError(f"{file} cannot be read: {error.strerror}") from error


def _tell(ctx: click.Context, imported: "Imported", into: Path | None, output: str) -> None:
    documents = imported.documents
    if into is not None:
        _write(documents, into)
    if output == "json":
        refused = [{"place": asdict(each.place), "path": each.path, "why": each.why} for each in imported.refused]
        account: dict[str, Any] = {
            "documents": [each.value for each in documents],
            "account": [asdict(each) for each in imported.entries],
            "refused": refused,
        }
        click.echo(json.dumps(account, indent=2))
    elif into is None and documents:
        click.echo("---\n".join(each.text for each in documents), nl=False)
    if output == "text":
        _account(imported)
    ctx.exit(1 if imported.refused else 0)


def _account(imported: "Imported") -> None:
    for entry in imported.entries:
        where = f" {entry.path}:" if entry.path else ""
        click.echo(f"{entry.place}: {entry.outcome}: {entry.of}:{where} {entry.why}", err=True)
    for refused in imported.refused:
        path = f" {refused.path}:" if refused.path else ""
        click.echo(f"{refused.place}: refused:{path} {refused.why}", err=True)
    counted = [str(entry.outcome) for entry in imported.entries]
    outcomes = [f"{counted.count(outcome)} {outcome}" for outcome in dict.fromkeys(sorted(counted))]
    said = ", ".join([*outcomes, f"{len(imported.refused)} refused"])
    click.echo(f"{len(imported.documents)} documents; {said}", err=True)


def _write(documents: "tuple[Document, ...]", into: Path) -> None:
    """One file for each, beside what is there. Raises `GateError` before anything is written."""
    files = {into / FOLDERS[each.kind] / f"{each.name}.yaml": each for each in documents}
    if there := [str(file) for file in files if file.exists()]:
        raise GateError(f"{', '.join(there)} would be overwritten; remove it, or import into another folder")
    for file, document in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(document.text, encoding="utf-8")
        click.echo(f"{file}: written", err=True)
