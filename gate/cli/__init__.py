"""The command line. Each command is imported only when it is called, so that `--help` is instant."""

import importlib
import sys
from collections.abc import Mapping
from typing import Any

import click

from gate.errors import GateError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "demo": ("gate.cli.demo:demo", "Play two upgrades of a small shop on this machine."),
    "sandbox": ("gate.cli.sandbox:sandbox", "Run the demo's Kubernetes, GitLab and gate until Ctrl-C."),
    "serve": ("gate.cli.serve:serve", "Run the gate."),
    "execute": ("gate.cli.execute:execute", "Execute one run, as its Job does."),
    "reap": ("gate.cli.reap:reap", "Take back what runs left behind whose executor is gone."),
    "lint": ("gate.cli.lint:lint", "Check documents of a catalogue; says every mistake with file and line."),
    "schema": ("gate.cli.schema:schema", "Print the JSON Schema of a kind of document, for editors."),
    "new": ("gate.cli.new:new", "Print a document to begin with."),
    "import": ("gate.cli.importing:importing", "Turn experiments of other tools into documents."),
    "policy": ("gate.cli.policy:policy", "Ask what the administrators allow: yes or no, and which rules say so."),
    "plan": ("gate.cli.plan:plan", "Say what a subscription would do now, without doing it."),
    "run": ("gate.cli.run:run", "Run a workflow by hand, and watch it; no gate's verdict changes."),
    "runs": ("gate.cli.runs:runs", "List runs: what they do or wait for, and what could not be taken back."),
    "show": ("gate.cli.show:show", "Tell the story of one run, or the standing answer for one workload."),
    "abort": ("gate.cli.abort:abort", "Stop one run and take back what it did."),
    "mode": ("gate.cli.mode:mode", "Say or set how much chaos there may be: run, pause, drain, abort."),
    "override": ("gate.cli.override:override", "Let a version through for a while, or say what was put back by hand."),
    "report": ("gate.cli.report:report", "Judge a run once more from its evidence file."),
    "admission": ("gate.cli.admission:admission", "Let a production cluster take only versions that have passed."),
    "annotate": ("gate.cli.annotate:annotate", "Print the lines with which a deploy job says its commit."),
    "proxy": ("gate.cli.proxy:proxy", "Run the fault proxy, or say which requests it would hit."),
    "wait": ("gate.cli.wait:wait", "Wait for the gate's verdict on a commit; the exit code is the verdict."),
}
"""Name -> where the command is, and what it does in one line."""

USAGE = 2


class Lazy(click.Group):
    """A group whose commands are looked up in `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, what) for name, (_, what) in COMMANDS.items()])


@click.group(
    cls=Lazy,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Try first:  chaos-gate demo",
)
@click.version_option(package_name="chaos-gate", prog_name="chaos-gate")
def cli() -> None:
    """A gate between staging and production that opens only on proof.

    When a service is upgraded on staging, chaos workflows run against the new version; the pipeline gets one verdict.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run a command; what the gate raises on purpose becomes one line and exit code 2."""
    try:
        cli.main(args=arguments, prog_name="chaos-gate")
    except GateError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(USAGE)
