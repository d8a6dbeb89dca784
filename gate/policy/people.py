"""Who may do what by hand: look, run, abort, override, change the mode. Pure; `gate.wire.people` tells Kubernetes."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from gate.policy.question import Answer, Ruling, Word
from gate.policy.rules import People, Policy, matches


class Deed(StrEnum):
    """What a person does with a gate."""

    LOOK = "look"
    RUN = "run"
    ABORT = "abort"
    OVERRIDE = "override"
    MODE = "mode"


class Role(StrEnum):
    """What a person is for gates."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    SRE = "sre"
    ADMINISTRATOR = "administrator"


USUAL = {
    Role.VIEWER: (),
    Role.DEVELOPER: (Deed.RUN, Deed.ABORT),
    Role.SRE: (Deed.RUN, Deed.ABORT, Deed.OVERRIDE, Deed.MODE),
    Role.ADMINISTRATOR: (Deed.RUN, Deed.ABORT, Deed.OVERRIDE, Deed.MODE),
}
"""What each may beside looking, where the policy does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody as the API server knows them."""

    user: str = ""
    groups: tuple[str, ...] = ()


def may(policy: Policy, person: Person, deed: Deed, namespace: str) -> Answer:
    """One rule that grants it is enough. Where no rule is about the person, nobody has granted it."""
    rules = [rule for rule in policy.people if _is_about(rule, person)]
    if not rules:
        known = ", ".join(sorted({_called(rule) for rule in policy.people})) or "nobody"
        place = policy.people[0].place if policy.people else policy.namespaces.place
        why = f"no rule is about {_named(person)}; there are {known}"
        return Answer(rulings=(Ruling(rule="spec.people", word=Word.DENY, why=why, place=place),))
    said = [_ruling(policy, rule, deed, namespace) for rule in rules]
    return Answer(rulings=tuple(each for each in said if each.word is Word.ALLOW) or tuple(said))


def namespaces(policy: Policy, rule: People) -> tuple[str, ...]:
    """Patterns of the namespaces in which somebody may do something: a developer in those of the team."""
    if not rule.team:
        return ("*",)
    return tuple(sorted({each for owner in policy.ownership if owner.team == rule.team for each in owner.namespaces}))


def _ruling(policy: Policy, rule: People, deed: Deed, namespace: str) -> Ruling:
    there = namespaces(policy, rule)
    beyond = "".join(_beyond(rule, deed, namespace, there))
    word, why = (Word.DENY, beyond) if beyond else (Word.ALLOW, f"{_called(rule)} may {deed}")
    return Ruling(rule=rule.rule, word=word, why=why, place=rule.place)


def _beyond(rule: People, deed: Deed, namespace: str, there: tuple[str, ...]) -> Iterator[str]:
    """Why the rule does not grant it, in the first clause that holds."""
    if deed is not Deed.LOOK and deed not in rule.deeds:
        yield f"{_called(rule)} may not {deed}, only {', '.join((Deed.LOOK, *rule.deeds))}"
    elif deed not in {Deed.LOOK, Deed.MODE} and not matches(namespace, there):
        yield f"{_called(rule)} may {deed} in {', '.join(there) or 'no namespace'} only, not in {namespace}"


def _is_about(rule: People, person: Person) -> bool:
    return person.user in rule.users or bool(set(person.groups) & set(rule.groups))


def _called(rule: People) -> str:
    return f"a {rule.role} of {rule.team}" if rule.team else f"the {rule.role}"


def _named(person: Person) -> str:
    groups = f"the groups {', '.join(person.groups)}" if person.groups else "nobody's group"
    return f"{person.user} with {groups}" if person.user else groups
