"""Whose documents may target what. Where the policy names no owners, everybody who writes into the catalogue may."""

from collections.abc import Iterator, Sequence

from gate.policy.question import Question, Ruling, Word
from gate.policy.rules import Ownership, Policy, matches


def rulings(policy: Policy, question: Question) -> Iterator[Ruling]:
    """One grant is enough for a document, and each document that asks needs one."""
    if not policy.ownership:
        return
    if question.team:
        rules = [rule for rule in policy.ownership if rule.team == question.team]
        yield from _asked(policy, question, f"the team {question.team}", rules)
    for path in question.owners or ():
        yield from _asked(policy, question, path, [rule for rule in policy.ownership if matches(path, rule.paths)])


def _asked(policy: Policy, question: Question, who: str, rules: Sequence[Ownership]) -> Iterator[Ruling]:
    """What the rules say that are about whoever asks."""
    if not rules:
        teams = ", ".join(sorted({rule.team for rule in policy.ownership}))
        first = policy.ownership[0].place
        place = first.rpartition(":")[0] or first
        why = f"{who} belongs to no team; there are {teams}"
        yield Ruling(rule="spec.ownership", word=Word.DENY, why=why, place=place)
        return
    granting = [rule for rule in rules if not _beyond(rule, question)]
    for rule in granting or rules:
        beyond = _beyond(rule, question)
        why = f"{who} reaches beyond the team {rule.team}: {beyond}" if beyond else f"the team {rule.team} may do so"
        yield Ruling(rule=rule.rule, word=Word.DENY if beyond else Word.ALLOW, why=why, place=rule.place)


def _beyond(rule: Ownership, question: Question) -> str:
    """What of the question the rule does not grant; empty if it grants it all."""
    workload = question.workload
    accounts = (question.account, *question.accounts)
    asked = (
        ("the namespace", question.namespace, rule.namespaces),
        ("the workload", workload.name if workload else None, rule.workloads),
        ("the fault", question.fault, rule.faults),
        *(("the service account", account, rule.accounts) for account in accounts),
    )
    return ", ".join(
        f"{what} {word} is not among {', '.join(patterns)}"
        for what, word, patterns in asked
        if word is not None and not matches(word, patterns)
    )
