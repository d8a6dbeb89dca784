"""`chaos-gate demo`: the whole way of an upgrade on this machine, in under a minute."""

import json
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from gate.cli.plan import DEMO_SUBSCRIPTION
from gate.errors import GateError


@click.command(
    epilog="""\b
Examples:
  chaos-gate demo
  chaos-gate demo --json demo.json --keep demo

\b
Exit codes:
  0  1.1 was let through, and 1.2 was held back for the right reason
  1  anything else
"""
)
@click.option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Write what happened here.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("chaos-gate-demo"),
    show_default=True,
    help="Folder for the reports and the gate's log.",
)
@click.pass_context
def demo(ctx: click.Context, json_file: Path | None, keep: Path) -> None:
    """Play two upgrades of a small shop on an embedded Kubernetes and GitLab.

    Version 1.1 tries failed calls again and is let through. Version 1.2 keeps one stale connection for ever, which no
    health check notices: the gate holds it back.
    """
    from gate.sandbox.demo.play import play
    from gate.sandbox.demo.stage import Stage
    from gate.sandbox.demo.view import view_for

    for folder in (keep, *([json_file.parent] if json_file else [])):
        _make(folder)
    started = time.monotonic()
    console = Console()
    with view_for(console) as view, Stage(keep) as stage:
        played = play(stage, view)
        restarts = stage.gate.starts - 1
    result = {"ok": played["ok"], "seconds": round(time.monotonic() - started, 1), **played, "gate_restarts": restarts}
    reports = _report(result, keep, json_file)
    _tell(console, result, reports)
    ctx.exit(0 if result["ok"] else 1)


def _make(folder: Path) -> None:
    """Now: at the end it would be too late to say that nothing can be written there."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise GateError(f"the folder {folder} cannot be made: {error.strerror}; name another one") from error


def _report(result: dict[str, Any], folder: Path, json_file: Path | None) -> list[Path]:
    written = [folder / "demo.json", *([json_file] if json_file else [])]
    for path in written:
        path.write_text(json.dumps(result, indent=2) + "\n")
    return [*written, folder / "gate.log"]


def _tell(console: Console, result: dict[str, Any], reports: list[Path]) -> None:
    table = Table(title="Two upgrades of checkout", title_justify="left")
    for column in ("image", "verdict", "why", "production"):
        table.add_column(column, overflow="fold")
    for upgrade in result["upgrades"]:
        passed = upgrade["verdict"] == "PASSED"
        verdict = f"[{'green' if passed else 'red'}]{upgrade['verdict']}[/]"
        why = upgrade["message"] if passed else f"{upgrade['reason']}: {upgrade['message']}"
        table.add_row(upgrade["image"], verdict, why, str(upgrade["production_job"]))
    console.print(table)
    end = "as it should be" if result["ok"] else "NOT as it should be"
    console.print(
        f"{end}, in {result['seconds']} s; reports: {', '.join(str(path) for path in reports)}", soft_wrap=True
    )
    console.print("\nTry next:", style="bold")
    for command, what in (
        (f"{_called()} sandbox", "the same three, until Ctrl-C, to play by hand"),
        ("kubectl --kubeconfig KUBECONFIG get cgate,crun -A", "what the gate says, once the sandbox runs"),
        (f"{_called()} plan {DEMO_SUBSCRIPTION}", "what would happen, without doing it"),
    ):
        console.print(f"  {command:55} {what}", highlight=False, soft_wrap=True)


def _called() -> str:
    """What to type for this program: after `make demo` it is in no folder that the shell looks into."""
    beside = Path(sys.executable).parent / "chaos-gate"
    return "chaos-gate" if shutil.which("chaos-gate") or not beside.exists() else os.path.relpath(beside)
