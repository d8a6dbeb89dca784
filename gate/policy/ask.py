"""The policy asked: every group of rules says what it has to say, in whatever order the rules are written."""

from collections.abc import Callable, Iterator, Mapping

from gate.policy import blast_radius, images, namespaces, ownership, when
from gate.policy.question import Answer, Question, Ruling
from gate.policy.rules import Policy

Group = Callable[[Policy, Question], Iterator[Ruling]]

GROUPS: Mapping[str, Group] = {
    "namespaces": namespaces.rulings,
    "ownership": ownership.rulings,
    "blast radius": blast_radius.rulings,
    "when": when.rulings,
    "images": images.rulings,
}


def ask(policy: Policy, question: Question, *groups: str) -> Answer:
    """What these groups of rules say, or all of them if none is named."""
    asked = [GROUPS[group] for group in groups or GROUPS]
    return Answer(rulings=tuple(ruling for group in asked for ruling in group(policy, question)))
