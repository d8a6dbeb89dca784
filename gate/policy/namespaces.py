"""Where chaos may be at all: protected namespaces, and those that have opted in."""

from collections.abc import Iterator

from gate.policy.question import Question, Ruling, Word
from gate.policy.rules import Policy, matches

OPT_IN = "chaosgate.dev/chaos"
OPTED_IN = "allowed"
ALWAYS_PROTECTED = ("kube-system", "kube-public", "kube-node-lease", "gitlab", "gitlab-*")
"""The cluster's own namespaces, and GitLab's: nobody opens these."""


def rulings(policy: Policy, question: Question) -> Iterator[Ruling]:
    """At least one for every question."""
    rule, name = policy.namespaces, question.namespace
    if matches(name, ALWAYS_PROTECTED) or name in policy.own or matches(name, rule.protected):
        why = f"the namespace {name} is protected, whatever its labels say; choose a workload elsewhere"
        yield Ruling(rule=rule.rule, word=Word.DENY, why=why, place=rule.place)
    if rule.opt_in and question.opted_in is False:
        why = (
            f"the namespace {name} has not opted in to {question.fault}; label it: "
            f"kubectl label namespace {name} {OPT_IN}={OPTED_IN}"
        )
        yield Ruling(rule=rule.rule, word=Word.DENY, why=why, place=rule.place)
    elif rule.opt_in and question.opted_in is None:
        why = f"the namespace {name} may be hit if it bears the label {OPT_IN}={OPTED_IN}"
        yield Ruling(rule=rule.rule, word=Word.ALLOW, why=why, place=rule.place)
    else:
        why = f"the namespace {name} has opted in" if rule.opt_in else "no namespace has to opt in"
        yield Ruling(rule=rule.rule, word=Word.ALLOW, why=why, place=rule.place)
