"""GitLab's freeze periods in the policy: a workload waits in those of its projects, and where nobody can say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gate.errors import Temporary
from gate.gitlab.client import GitLab
from gate.gitlab.freezing import FreezePeriod
from gate.model import WorkloadKind, WorkloadName
from gate.policy.ask import ask
from gate.policy.question import Question, Word
from gate.policy.rules import FrozenInGitLab, Policy
from gate.policy.when import opens
from gate.wire.freezes import AGAIN, FRESH, Freezes
from tests.clocks import HandClock
from tests.sandbox.gitlab_world import REPORTER, Project

NAME = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
THURSDAY, FRIDAY = datetime(2026, 11, 19, 12, tzinfo=UTC), datetime(2026, 11, 20, 12, tzinfo=UTC)
FROM_FRIDAY = FreezePeriod(start="0 11 * * 5", end="0 8 * * 1", zone="UTC")
POLICY = replace(Policy(), when=replace(Policy().when, gitlab=FrozenInGitLab(rule="spec.when.gitlabFreezes")))


class Scripted:
    """A GitLab that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked, self.away = 0, False

    def freeze_periods(self, _project: str) -> Sequence[FreezePeriod]:
        self.asked += 1
        if self.away:
            raise Temporary("GitLab is away")
        return [FROM_FRIDAY]


def answer(freezes: Freezes, now: datetime) -> tuple[Word, str]:
    found = freezes(NAME, now)
    question = Question(at=now, fault="pod-kill", namespace="shop", freezes=found.freezes, unheard=found.unheard)
    said = ask(POLICY, question, "when")
    return said.word, "; ".join(each.why for each in said.against)


def test_in_a_freeze_period_of_its_project_a_workload_waits_until_that_is_over() -> None:
    freezes = Freezes(lambda _: ["shop/web"], lambda _: Scripted(), HandClock().monotonic)
    assert answer(freezes, THURSDAY)[0] is Word.ALLOW
    word, why = answer(freezes, FRIDAY)
    assert word is Word.WAIT
    assert why.startswith("frozen until 2026-11-23 08:00 UTC: the freeze period of shop/web in GitLab, from")
    question = Question(at=FRIDAY, fault="pod-kill", namespace="shop", freezes=freezes(NAME, FRIDAY).freezes)
    assert opens(POLICY, question) == datetime(2026, 11, 23, 9, tzinfo=UTC)


def test_where_no_rule_is_about_them_freeze_periods_hold_nothing() -> None:
    found = Freezes(lambda _: ["shop/web"], lambda _: Scripted(), HandClock().monotonic)(NAME, FRIDAY)
    question = Question(at=FRIDAY, fault="pod-kill", namespace="shop", freezes=found.freezes, unheard=("x",))
    assert ask(Policy(), question, "when").allowed


def test_a_workload_without_a_project_has_no_freezes() -> None:
    assert answer(Freezes(lambda _: [], None, HandClock().monotonic), FRIDAY)[0] is Word.ALLOW


def test_where_gitlab_does_not_say_or_is_not_there_a_workload_waits() -> None:
    scripted = Scripted()
    scripted.away = True
    word, why = answer(Freezes(lambda _: ["shop/web"], lambda _: scripted, HandClock().monotonic), THURSDAY)
    assert (word, "shop/web: GitLab is away" in why) == (Word.WAIT, True)
    word, why = answer(Freezes(lambda _: ["shop/web"], None, HandClock().monotonic), THURSDAY)
    assert (word, "set CHAOS_GATE_GITLAB_URL" in why) == (Word.WAIT, True)


def test_gitlab_is_asked_once_a_minute_and_sooner_where_it_did_not_answer() -> None:
    scripted, clock = Scripted(), HandClock()
    freezes = Freezes(lambda _: ["shop/web"], lambda _: scripted, clock.monotonic)
    for _ in range(3):
        freezes(NAME, THURSDAY)
    assert scripted.asked == 1
    scripted.away = True
    clock.advance(timedelta(seconds=FRESH))
    assert [bool(freezes(NAME, THURSDAY).unheard) for _ in range(3)] == [True] * 3
    assert scripted.asked == 2
    scripted.away = False
    clock.advance(timedelta(seconds=AGAIN))
    assert not freezes(NAME, THURSDAY).unheard


def test_a_gitlab_that_is_silent_is_waited_for_once_and_not_for_each_project() -> None:
    scripted, other, clock = Scripted(), Scripted(), HandClock()
    scripted.away = True
    homes = {"shop/web": scripted, "shop/api": scripted, "bank/web": other}
    of = {"away": ["shop/web"], "too": ["shop/api"], "there": ["bank/web"]}
    freezes = Freezes(lambda name: of[name.name], homes.__getitem__, clock.monotonic)

    def unheard(workload: str) -> tuple[str, ...]:
        return freezes(replace(NAME, name=workload), THURSDAY).unheard

    assert unheard("away") == ("shop/web: GitLab is away",)
    assert unheard("too") == ("shop/api: GitLab is away",)
    assert (scripted.asked, unheard("there"), other.asked) == (1, (), 1)
    scripted.away = False
    clock.advance(timedelta(seconds=AGAIN))
    assert (unheard("too"), unheard("away"), scripted.asked) == ((), (), 3)


def test_a_freeze_that_was_found_a_moment_before_the_question_is_one_also_where_the_clock_was_set_back() -> None:
    found = Freezes(lambda _: ["shop/web"], lambda _: Scripted(), HandClock().monotonic)(NAME, FRIDAY)
    at = FRIDAY - timedelta(milliseconds=1)
    asked = Question(at=at, fault="pod-kill", namespace="shop", freezes=found.freezes)
    assert ask(POLICY, asked, "when").word is Word.WAIT


def test_a_period_that_cannot_be_understood_holds_as_one_that_is_not_known() -> None:
    scripted = Scripted()
    broken = replace(FROM_FRIDAY, zone="Mars/Olympus")
    freezes = Freezes(lambda _: ["shop/web"], lambda _: _Fixed(broken), HandClock().monotonic)
    word, why = answer(freezes, THURSDAY)
    assert (word, "Mars/Olympus" in why, scripted.asked) == (Word.WAIT, True, 0)


class _Fixed:
    def __init__(self, *periods: FreezePeriod) -> None:
        self._periods = periods

    def freeze_periods(self, _project: str) -> Sequence[FreezePeriod]:
        return self._periods


@pytest.fixture
def reporter(project: Project) -> GitLab:
    token = project.member(f"freezes-{project.id}", REPORTER)
    return GitLab(project.client.url, lambda: token)


def test_the_freeze_periods_of_a_project_in_gitlab_are_read_by_a_reporter(project: Project, reporter: GitLab) -> None:
    path = str(project.client.get(project.path)["path_with_namespace"])
    freezes = Freezes(lambda _: [path], lambda _: reporter, HandClock().monotonic)
    try:
        assert reporter.freeze_periods(path) == ()
        project.client.post(f"{project.path}/freeze_periods", freeze_start="0 11 * * 5", freeze_end="0 8 * * 1")
        assert reporter.freeze_periods(path) == (FROM_FRIDAY,)
        assert answer(freezes, FRIDAY)[0] is Word.WAIT
    finally:
        reporter.close()
