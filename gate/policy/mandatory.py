"""Workflows that a workload must have passed within some time: until it has, nothing else begins there. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from gate.model import Gate, Run, Verdict
from gate.policy.question import Question, Ruling, Word
from gate.policy.rules import Mandatory, When, matches
from gate.quantities import in_words


def rulings(when: When, question: Question) -> Iterator[Ruling]:
    """One for each such workflow. None of them is about another one, for the two would wait for each other, nor where
    nobody knows what has passed.
    """
    passed = question.passed
    there = [rule for rule in when.mandatory if matches(question.namespace, rule.namespaces)]
    if passed is None or question.workflow in {rule.workflow for rule in there}:
        return
    for rule in there:
        last = passed.get(rule.workflow)
        late = _is_late(rule, last, question.at)
        word = Word.WAIT if late else Word.ALLOW
        yield Ruling(rule=rule.rule, word=word, why=_said(rule, last, late=late), place=rule.place)


def overdue(when: When, gates: Iterable[Gate], now: datetime) -> list[str]:
    """Which workloads have not passed in time what they must have, in one clause each."""
    return [
        f"{gate.workload.name}: {_said(rule, last, late=True)} ({rule.place}: {rule.rule})"
        for gate in gates
        for rule in when.mandatory
        if matches(gate.workload.name.namespace, rule.namespaces)
        for last in [passed(gate, ()).get(rule.workflow)]
        if _is_late(rule, last, now)
    ]


def passed(gate: Gate | None, runs: Iterable[Run]) -> Mapping[str, datetime]:
    """When each workflow was last passed: as the gate remembers it, and as runs say that are still there.

    A run by hand does not count: what it played under that name is not known to be what the catalogue means by it.
    """
    judged = gate.status.judged if gate else ()
    moments = [(entry.workflow, each.at) for each in judged for entry in each.runs if entry.verdict is Verdict.PASSED]
    good = (run for run in runs if run.status.verdict is Verdict.PASSED and not run.spec.asked_by)
    moments += [(run.spec.workflow.name, run.status.finished) for run in good if run.status.finished]
    found: dict[str, datetime] = {}
    for workflow, moment in moments:
        found[workflow] = max(moment, found.get(workflow, moment))
    return found


def _is_late(rule: Mandatory, last: datetime | None, now: datetime) -> bool:
    return last is None or now - last > rule.within


def _said(rule: Mandatory, last: datetime | None, *, late: bool) -> str:
    when = f"was last passed on {last:%Y-%m-%d %H:%M %Z}" if last else "was never passed there, as far as is known"
    wanted = f"it must have been within {in_words(rule.within)}"
    return f"the workflow {rule.workflow} {when}{f', and {wanted}' if late else ''}"
