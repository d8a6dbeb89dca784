"""Rules that hold for every policy and every question."""

from dataclasses import replace
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gate.policy.ask import GROUPS, ask
from gate.policy.question import Question, Word
from gate.policy.rules import Limit, Policy
from tests.policy.questions import (
    ALARMS,
    CLOSED,
    FREEZES,
    GRANTS,
    INTERVALS,
    LIMITS,
    MONDAY,
    POLICIES,
    QUESTIONS,
    WINDOWS,
    question,
)

ORDER = list(Word)
few = settings(max_examples=40, deadline=None)


@few
@given(POLICIES, QUESTIONS)
def test_every_answer_says_at_least_one_rule_and_where_it_stands(policy: Policy, asked: Question) -> None:
    answer = ask(policy, asked)
    assert answer.rulings
    assert all(each.rule and each.why and each.place for each in answer.rulings)


@few
@given(POLICIES, QUESTIONS)
def test_an_answer_is_the_strictest_word_of_its_rules(policy: Policy, asked: Question) -> None:
    answer = ask(policy, asked)
    assert answer.allowed == (not answer.against)
    assert (answer.word is Word.DENY) == bool(answer.denied)


@few
@given(POLICIES, QUESTIONS, st.randoms(use_true_random=False))
def test_the_order_of_rules_does_not_matter(policy: Policy, asked: Question, random: Any) -> None:
    def mixed(rules: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(random.sample(rules, len(rules)))

    when = policy.when
    other = replace(
        policy,
        ownership=mixed(policy.ownership),
        limits=mixed(policy.limits),
        when=replace(
            when,
            windows=mixed(when.windows),
            closed=mixed(when.closed),
            freezes=mixed(when.freezes),
            not_during=mixed(when.not_during),
        ),
    )
    assert ask(policy, asked).word is ask(other, asked).word
    spoke = {(each.rule, each.word) for each in ask(policy, asked).rulings if "windows" not in each.rule}
    assert spoke == {(each.rule, each.word) for each in ask(other, asked).rulings if "windows" not in each.rule}


def stricter(policy: Policy, data: Any) -> Policy:
    """The policy with one restriction more."""
    when = policy.when
    kind = data.draw(st.sampled_from(["freeze", "closed", "alarm", "interval", "protected", "opt-in"]))
    match kind:
        case "freeze":
            return replace(policy, when=replace(when, freezes=(*when.freezes, data.draw(FREEZES))))
        case "closed":
            return replace(policy, when=replace(when, closed=(*when.closed, data.draw(CLOSED))))
        case "alarm":
            return replace(policy, when=replace(when, not_during=(*when.not_during, data.draw(ALARMS))))
        case "interval":
            longer = data.draw(INTERVALS)
            assume(when.interval is None or longer.least >= when.interval.least)
            return replace(policy, when=replace(when, interval=longer))
        case "protected":
            protected = (*policy.namespaces.protected, data.draw(st.sampled_from(["*", "shop", "bank"])))
            return replace(policy, namespaces=replace(policy.namespaces, protected=protected))
        case _:
            return replace(policy, namespaces=replace(policy.namespaces, opt_in=True))


@few
@given(POLICIES, QUESTIONS, st.data())
def test_another_restriction_never_allows_more(policy: Policy, asked: Question, data: Any) -> None:
    before, after = ask(policy, asked), ask(stricter(policy, data), asked)
    assert ORDER.index(after.word) >= ORDER.index(before.word)


@few
@given(POLICIES, QUESTIONS, LIMITS)
def test_another_limit_never_allows_more_where_one_was_about_it(policy: Policy, asked: Question, limit: Any) -> None:
    narrow = replace(policy, limits=(*policy.limits, Limit(rule="spec.blastRadius[9]")))
    wider = replace(narrow, limits=(*narrow.limits, limit))
    before, after = (ask(each, asked, "blast radius").word for each in (narrow, wider))
    assert ORDER.index(after) >= ORDER.index(before)


@few
@given(POLICIES, QUESTIONS, st.data())
def test_another_grant_never_allows_less(policy: Policy, asked: Question, data: Any) -> None:
    """Apart from the first owner: before there is one, everybody is."""
    when = policy.when
    owned = replace(policy, ownership=(*policy.ownership, data.draw(GRANTS))) if policy.ownership else policy
    opened = replace(policy, when=replace(when, windows=(*when.windows, data.draw(WINDOWS))))
    # Somebody who had no grant at all and has one that does not reach so far is refused before and after.
    for wider in (owned, opened):
        assert ORDER.index(ask(wider, asked).word) <= ORDER.index(ask(policy, asked).word)


@few
@given(QUESTIONS)
def test_the_safe_default_allows_nothing_that_it_should_not(asked: Question) -> None:
    if ask(Policy(), asked).allowed:
        assert asked.opted_in is not False
        assert asked.fault != "job"
        assert not asked.images
        assert asked.namespace not in {"kube-system", "gitlab"}
        assert asked.at.weekday() < 5
        assert 9 <= asked.at.hour < 17
        assert asked.reach is None or (not asked.reach.nodes and (asked.reach.pods <= 1 or asked.reach.percent <= 34))


def test_the_safe_default_allows_what_it_should() -> None:
    assert ask(Policy(), question()).allowed
    assert {each.rule for each in ask(Policy(), question()).rulings} == {
        "spec.namespaces",
        "spec.blastRadius",
        "spec.when.windows",
    }
    assert list(GROUPS) == ["namespaces", "ownership", "blast radius", "when", "images"]
    assert MONDAY.strftime("%a") == "Mon"
