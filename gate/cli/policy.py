"""`chaos-gate policy`: what the administrators' policy says, without asking any cluster."""

import json
from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path
from typing import Any

import click

from gate.cli.duration import Duration
from gate.errors import GateError
from gate.policy.ask import ask
from gate.policy.people import Deed, Person
from gate.policy.question import Answer, Question, Reach, Word
from gate.policy.rules import Policy
from gate.policy.when import opens

COLOURS = {Word.ALLOW: "green", Word.WAIT: "yellow", Word.DENY: "red"}
FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
SAID = {Word.ALLOW: "yes", Word.WAIT: "not now", Word.DENY: "no"}


class Exit(IntEnum):
    """The answer, for scripts."""

    YES = 0
    NO = 1
    NOT_NOW = 3


CODES = {Word.ALLOW: Exit.YES, Word.WAIT: Exit.NOT_NOW, Word.DENY: Exit.NO}


@click.group()
def policy() -> None:
    """Ask the administrators' policy."""


@policy.command(
    epilog="""\b
Examples:
  chaos-gate policy explain --fault pod-kill --namespace shop --at "2026-12-24 10:00"
  chaos-gate policy explain --policy policy.yaml --team payments --fault pod-kill --namespace shop --pods 2 --of 3

\b
Exit codes:
  0  yes
  1  no
  2  usage, or a policy that cannot be read
  3  not now: later it may be
"""
)
@click.option(
    "--policy",
    "file",
    type=FILE,
    envvar="CHAOS_GATE_POLICY",
    help="The document; without one the safe default is asked.",
)
@click.option("--fault", required=True, help="Kind of fault.")
@click.option("--namespace", "-n", required=True, help="Where it would be.")
@click.option("--workload", help="KIND/NAME of the workload there, such as deployment/checkout.")
@click.option("--team", default="", help="In whose name it is asked.")
@click.option("--document", multiple=True, help="Instead of a team: the subscription's path in the catalogue.")
@click.option("--at", default="", help='When, such as "2026-12-24 10:00", in the policy\'s time zone.  [default: now]')
@click.option("--pods", type=click.IntRange(0), help="So many pods would be hit.")
@click.option("--of", "ready", type=click.IntRange(0), help="Of so many that are ready.")
@click.option("--node", "nodes", multiple=True, help="A node that would itself be hit.")
@click.option("--zone", "zones", multiple=True, help="A zone in which something would be hit.")
@click.option("--hold", type=Duration(), help="How long the fault would be held.")
@click.option("--account", help="The service account that would execute it.")
@click.option("--image", "images", multiple=True, help="An image that a job or load would use.")
@click.option("--alert", "alerts", multiple=True, help="An alert that fires then.")
@click.option("--opted-in/--not-opted-in", default=None, help="Whether the namespace bears the label.")
@click.option("--output", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def explain(ctx: click.Context, /, file: Path | None, at: str, output: str, **asked: Any) -> None:
    """Say whether something may be done, and every rule that spoke."""
    from gate.wire.policies import read_policy

    rules = read_policy(file) if file else Policy()
    question = _question(rules, at, **asked)
    answer = ask(rules, question)
    opening = opens(rules, question) if answer.word is Word.WAIT else None
    click.echo(_json(answer, question, opening) if output == "json" else _text(answer, question, opening))
    ctx.exit(CODES[answer.word])


def _question(rules: Policy, at: str, **asked: Any) -> Question:
    from gate.wire.by_hand import workload_named

    nodes, zones, pods, ready = (asked.pop(name) for name in ("nodes", "zones", "pods", "ready"))
    if pods is not None and (ready is None or ready < pods):
        raise click.UsageError(f"--pods {pods} needs --of, the number of pods that are ready")
    reach = None
    if pods is not None or nodes or zones:
        reach = Reach(pods=pods or 0, ready=ready or 0, nodes=nodes, zones=zones)
    workload, documents = asked.pop("workload"), asked.pop("document")
    return Question(
        at=_moment(rules, at),
        workload=workload_named(f"{asked['namespace']}/{workload}") if workload else None,
        owners=documents or None,
        reach=reach,
        alerts=frozenset(asked.pop("alerts")),
        **asked,
    )


def _moment(rules: Policy, at: str) -> datetime:
    if not at:
        return datetime.now(UTC).astimezone(rules.when.zone)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        raise GateError(f'--at "{at}" is no time such as "2026-12-24 10:00"') from None
    return moment if moment.tzinfo else moment.replace(tzinfo=rules.when.zone)


def _text(answer: Answer, question: Question, opening: datetime | None) -> str:
    said = click.style(SAID[answer.word], fg=COLOURS[answer.word], bold=True)
    lines = [f"{said}: {question.fault} in the namespace {question.namespace}, {question.at:%a %Y-%m-%d %H:%M %Z}"]
    lines += [
        f"  {click.style(each.word.ljust(5), fg=COLOURS[each.word])}  {each.rule}: {each.why} ({each.place})"
        for each in answer.rulings
    ]
    if opening:
        lines.append(f"  by the clock alone it may be from {opening:%a %Y-%m-%d %H:%M %Z}")
    return "\n".join(lines)


def _json(answer: Answer, question: Question, opening: datetime | None) -> str:
    rules = [{"rule": each.rule, "word": each.word, "why": each.why, "place": each.place} for each in answer.rulings]
    whole = {
        "answer": answer.word,
        "fault": question.fault,
        "namespace": question.namespace,
        "at": question.at.isoformat(),
        "opens": opening.isoformat() if opening else None,
        "rules": rules,
    }
    return json.dumps(whole, indent=2)


@policy.command(
    epilog="""\b
Example:
  chaos-gate policy may override --policy policy.yaml --group payments --namespace shop

\b
Exit codes:
  0  yes
  1  no
  2  usage, or a policy that cannot be read
"""
)
@click.argument("deed", type=click.Choice([*map(str, Deed)]))
@click.option("--policy", "file", type=FILE, envvar="CHAOS_GATE_POLICY", required=True, help="The document.")
@click.option("--user", default="", help="Somebody, as the API server knows them.")
@click.option("--group", "groups", multiple=True, help="A group of theirs.")
@click.option("--namespace", "-n", default="", help="Where it would be.")
@click.pass_context
def may(ctx: click.Context, /, deed: str, file: Path, user: str, groups: tuple[str, ...], namespace: str) -> None:
    """Say whether a person may do something by hand, and every rule that spoke."""
    from gate.policy.people import may as asked
    from gate.wire.policies import read_policy

    answer = asked(read_policy(file), Person(user=user, groups=groups), Deed(deed), namespace)
    click.echo(click.style(SAID[answer.word], fg=COLOURS[answer.word], bold=True))
    for each in answer.rulings:
        click.echo(f"  {click.style(each.word, fg=COLOURS[each.word])}  {each.rule}: {each.why} ({each.place})")
    ctx.exit(CODES[answer.word])


@policy.command(
    epilog="""\b
Example:
  chaos-gate policy rights --policy policy.yaml --namespace shop --namespace shop-eu | kubectl apply -f -
"""
)
@click.option("--policy", "file", type=FILE, envvar="CHAOS_GATE_POLICY", required=True, help="The document.")
@click.option("--namespace", "-n", "there", multiple=True, help="One that patterns of teams' namespaces may stand for.")
@click.option("--own", envvar="CHAOS_GATE_NAMESPACE", default="chaos-gate", show_default=True, help="The gate's own.")
def rights(file: Path, there: tuple[str, ...], own: str) -> None:
    """Print the roles and bindings by which Kubernetes lets the people of the policy do what they may."""
    import yaml

    from gate.wire.people import manifests
    from gate.wire.policies import read_policy

    click.echo(yaml.safe_dump_all(manifests(read_policy(file), own, there), sort_keys=False), nl=False)
