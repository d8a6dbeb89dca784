"""Workflows that must have been passed within so many days, before anything else begins on a workload."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gate.model import (
    Gate,
    GateStatus,
    JudgedVersion,
    Judgement,
    RunEntry,
    Verdict,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.policy.ask import ask
from gate.policy.mandatory import overdue
from gate.policy.question import Word
from gate.policy.rules import Images, Mandatory, Policy
from tests.policy.questions import MONDAY, question

WEEK = timedelta(days=7)
RULE = Mandatory(rule="spec.when.mandatory[0]", workflow="survives", within=WEEK, namespaces=("shop*",))
POLICY = replace(Policy(), when=replace(Policy().when, mandatory=(RULE,)))


def answer(passed: Mapping[str, datetime] | None, *, workflow: str = "harsh", namespace: str = "shop") -> Word:
    asked = replace(question(), at=MONDAY, workflow=workflow, namespace=namespace, passed=passed)
    return ask(POLICY, asked, "when").word


@pytest.mark.parametrize(
    ("ago", "word"),
    [(timedelta(0), Word.ALLOW), (WEEK, Word.ALLOW), (WEEK + timedelta(seconds=1), Word.WAIT)],
)
def test_what_was_passed_within_the_time_lets_others_begin(ago: timedelta, word: Word) -> None:
    assert answer({"survives": MONDAY - ago}) is word


def test_what_was_never_passed_holds_all_but_itself_in_the_namespaces_of_the_rule() -> None:
    assert answer({"other": MONDAY}) is Word.WAIT
    assert answer({}, workflow="survives") is Word.ALLOW
    assert answer({}, namespace="bank") is Word.ALLOW


def test_two_mandatory_workflows_do_not_wait_for_each_other() -> None:
    both = replace(POLICY, when=replace(POLICY.when, mandatory=(RULE, replace(RULE, workflow="recovers"))))
    for workflow, word in (("survives", Word.ALLOW), ("recovers", Word.ALLOW), ("harsh", Word.WAIT)):
        asked = replace(question(), at=MONDAY, workflow=workflow, namespace="shop", passed={})
        assert ask(both, asked, "when").word is word
    elsewhere = replace(both.when.mandatory[1], namespaces=("bank",))
    apart = replace(both, when=replace(both.when, mandatory=(RULE, elsewhere)))
    assert ask(apart, replace(question(), at=MONDAY, workflow="recovers", passed={}), "when").word is Word.WAIT


def test_where_nobody_says_what_was_passed_the_rule_does_not_speak() -> None:
    assert answer(None) is Word.ALLOW


def test_the_answer_names_the_workflow_and_when_it_was_passed() -> None:
    asked = replace(question(), at=MONDAY, workflow="harsh", passed={"survives": MONDAY - 2 * WEEK})
    (why,) = [str(each) for each in ask(POLICY, asked, "when").against]
    assert "the workflow survives was last passed on 2026-02-16" in why
    assert "it must have been within 7d" in why
    assert "spec.when.mandatory[0]" in why


def gate(namespace: str, at: datetime | None, verdict: Verdict = Verdict.PASSED) -> Gate:
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="web")
    entry = RunEntry(name="run", workflow="survives", subscriptions=("web",), verdict=verdict)
    judged = JudgedVersion(
        version="v", workflows="w", at=at or MONDAY, judgement=Judgement(verdict=verdict), runs=(entry,)
    )
    status = GateStatus(judged=(judged,) if at else ())
    return Gate(namespace=namespace, name="web", uid="u", workload=Workload(name=name, uid="u"), status=status)


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (gate("shop", MONDAY - WEEK), ""),
        (gate("shop", MONDAY - 2 * WEEK), "was last passed on 2026-02-16"),
        (gate("shop", MONDAY, Verdict.FAILED), "was never passed there"),
        (gate("shop", None), "was never passed there"),
        (gate("bank", None), ""),
    ],
)
def test_workloads_that_have_not_passed_in_time_are_known(of: Gate, said: str) -> None:
    found = overdue(POLICY.when, [of], MONDAY)
    assert bool(found) is bool(said)
    assert all(each.startswith("Deployment shop/web: the workflow survives") and said in each for each in found)


def test_an_image_runs_privileged_only_where_the_policy_names_it() -> None:
    asked = replace(question(), images=("good/netem:1",), privileged=("good/netem:1",))
    known = Images(rule="spec.images", registries=("good/*",))
    for images in (None, known):
        denied = ask(replace(Policy(), images=images), asked, "images").denied
        assert "the image good/netem:1 may not run privileged" in str(denied[-1])
    named = replace(known, privileged=("good/netem:*",))
    assert ask(replace(Policy(), images=named), asked, "images").allowed
