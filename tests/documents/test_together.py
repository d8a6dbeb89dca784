"""Several subscriptions of one workload: what adds up, and what is refused with both names."""

import re
from datetime import timedelta
from fnmatch import fnmatchcase
from itertools import product
from pathlib import Path

import pytest

from gate.documents.catalogue import Catalogue
from gate.documents.forms import SubscriptionSpec
from gate.documents.overlap import contains, patterns_meet
from gate.documents.review import Severity, review
from gate.documents.together import ADD_UP, AGREE, contradictions, together
from gate.model import OnRollback, OnSubscribe
from tests.documents.test_loading import WORKFLOW
from tests.documents.test_loading import catalogue as read

AUTHORS = Path(__file__).parents[2] / "docs" / "authors.md"
NAMED = "{kind: Deployment, namespace: shop, name: checkout}"
SAYING = {
    "environment": ("environment: staging", "environment: production"),
    "onSubscribe": ("onSubscribe: record", "onSubscribe: run"),
    "onRollback": ("onRollback: reuse", "onRollback: run"),
    "judge": ("judge: healthy", "judge: canary"),
    "gitlab.project": ("gitlab: {project: shop/checkout}", "gitlab: {project: shop/other}"),
    "gitlab.promote": (
        "gitlab: {project: shop/checkout, promote: {job: ship}}",
        "gitlab: {project: shop/checkout, promote: {job: sail}}",
    ),
}


def subscription(name: str, *said: str, about: str = NAMED) -> str:
    lines = ["environment: staging"] if not any("environment" in each for each in said) else []
    about = about.replace("Deployment", "Rollout")  # only these have a canary
    spec = "\n  ".join([f"workload: {about}", *lines, "workflows: [{name: survives-pod-loss}]", *said])
    return f"apiVersion: chaosgate.dev/v1alpha1\nkind: Subscription\nmetadata: {{name: {name}}}\nspec:\n  {spec}\n"


def catalogue(*texts: str) -> Catalogue:
    found = read(*texts, WORKFLOW)
    assert not found.loaded.broken, found.loaded.problems
    return found


def selecting(labels: str, namespaces: str) -> str:
    return f"{{kind: Deployment, namespaces: [{namespaces}], selector: {{matchLabels: {{{labels}}}}}}}"


def test_there_is_a_rule_for_each_field_of_a_subscription_and_the_page_for_authors_tells_it() -> None:
    fields = {info.alias or name for name, info in SubscriptionSpec.model_fields.items()} - {"workload", "gitlab"}
    assert fields == {*ADD_UP, *AGREE} - {"gitlab.project", "gitlab.promote"}
    section = AUTHORS.read_text().partition("### Several subscriptions of one workload")[2].partition("\n### ")[0]
    assert set(re.findall(r"^\| `spec\.([\w.]+)`", section, re.MULTILINE)) == {*ADD_UP, *AGREE}


@pytest.mark.parametrize("field", AGREE)
def test_two_that_say_different_things_contradict_each_other(field: str) -> None:
    one, other = SAYING[field]
    both = catalogue(subscription("a", one), subscription("b", other)).loaded.subscriptions
    (found,) = contradictions(both)
    assert str(found) == f"a ({field}: {found.said}), b ({field}: {found.but})"
    assert found.said != found.but
    assert not contradictions(catalogue(subscription("a", one), subscription("b", one)).loaded.subscriptions)


def test_who_says_nothing_leaves_it_to_the_others() -> None:
    said = ("onSubscribe: run", "onRollback: run", "gitlab: {project: shop/checkout}")
    both = catalogue(subscription("a"), subscription("b", *said)).loaded.subscriptions
    assert not contradictions(both)
    added = together(both)
    assert (added.on_subscribe, added.on_rollback) == (OnSubscribe.RUN, OnRollback.RUN)
    assert together(both[:1]).on_subscribe is OnSubscribe.RECORD


def test_the_longest_settle_and_the_shortest_deadline_count() -> None:
    both = catalogue(
        subscription("a", "settle: 1s", "deadline: 40m"), subscription("b", "settle: 9s", "deadline: 50m")
    ).loaded.subscriptions
    assert (together(both).settle, together(both).deadline) == (timedelta(seconds=9), timedelta(minutes=40))


WEB = selecting("tier: web", "'team-*'")


@pytest.mark.parametrize(
    ("one", "other", "severity"),
    [
        (NAMED, NAMED, Severity.ERROR),
        (NAMED, NAMED.replace("shop", "odd"), None),
        (NAMED, selecting("tier: web", "'sh*'"), Severity.WARNING),
        (NAMED, selecting("tier: web", "odd"), None),
        (WEB, WEB, Severity.ERROR),
        (WEB, selecting("tier: web, team: a", "team-1"), Severity.ERROR),
        (selecting("tier: web, team: a", "team-1"), WEB, Severity.ERROR),
        (WEB, selecting("team: a", "'*'"), Severity.WARNING),
        (WEB, selecting("tier: web", "'*-eu'"), Severity.WARNING),
        (WEB, selecting("tier: db", "'team-*'"), None),
        (WEB, selecting("tier: web", "shop"), None),
    ],
    ids=[
        "one name", "two names", "a name and a selector", "a name elsewhere", "one selector", "a narrower one",
        "a wider one", "other labels", "namespaces that meet", "labels that cannot be", "namespaces that do not meet",
    ],
)  # fmt: skip
def test_lint_refuses_what_certainly_meets_and_warns_of_what_may(one: str, other: str, severity: Severity) -> None:
    texts = [subscription("a", "onRollback: run", about=one), subscription("b", "onRollback: reuse", about=other)]
    found = [each for each in review(catalogue(*texts)) if each.path == "spec.onRollback"]
    assert [each.severity for each in found] == ([severity] if severity else [])
    if found:
        assert found[0].place.file
        assert re.match(r"is reuse, but a says run of |is run, but b says reuse of ", found[0].why)


def words(letters: str, longest: int) -> list[str]:
    return ["".join(word) for length in range(1, longest + 1) for word in product(letters, repeat=length)]


def test_of_all_short_patterns_those_meet_that_a_name_fits_and_none_contains_what_does_not_fit_it() -> None:
    fitting = {pattern: {name for name in words("ab", 4) if fnmatchcase(name, pattern)} for pattern in words("a*?b", 3)}
    for (one, ones), (other, others) in product(fitting.items(), repeat=2):
        assert patterns_meet(one, other) or not ones & others, (one, other)
        assert not contains(one, other) or others <= ones, (one, other)


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [("a*", "*b", True), ("a*c", "a?c", True), ("a?", "a", False), ("a*", "b*", False), ("*", "*", True)],
)
def test_patterns_meet_only_where_a_name_may_be(one: str, other: str, meet: bool) -> None:
    assert patterns_meet(one, other) is patterns_meet(other, one) is meet
