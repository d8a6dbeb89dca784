"""The outbox says what is outstanding, and leaves a GitLab that is away alone for longer and longer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from gate.errors import Conflict, GateError, Permanent, Temporary
from gate.gitlab.outbox import LANDED, LONGEST_PAUSE, REFUSED_PAUSE, Outbox
from gate.model import Announcement, Commit, Gate, GateStatus, StatusState, Workload, WorkloadKind, WorkloadName
from tests.clocks import HandClock

WORKLOAD = Workload(name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web"), uid="u")
KEY = ("shop", "deployment-web")


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def announcement(state: StatusState, sha: str = "a") -> Announcement:
    commit = Commit(project="shop/web", sha=sha, pipeline=1)
    return Announcement(name="chaos/staging/web", commit=commit, version="v", state=state, description="")


@dataclass
class Kept:
    """A gate, and a GitLab that answers with what `trouble` holds."""

    clock: HandClock
    gate: Gate = field(default_factory=lambda: Gate(namespace=KEY[0], name=KEY[1], uid="g", workload=WORKLOAD))
    trouble: Exception | None = None
    unsaved: GateError | None = None
    asked: list[StatusState] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self, self.report, lambda _: "", monotonic=self.clock.monotonic)

    def says(self, *announcements: Announcement) -> timedelta | None:
        self.gate = replace(self.gate, status=GateStatus(announcements=announcements))
        return self.outbox.deliver(*KEY)

    def report(self, said: Announcement, _link: str) -> str:
        self.asked.append(said.state)
        if self.trouble:
            raise self.trouble
        return said.mark

    def latest(self, namespace: str, name: str) -> Gate | None:
        return self.gate

    def save_accepted(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        if self.unsaved:
            raise self.unsaved
        kept = {key: value for key, value in {**gate.accepted, **accepted}.items() if value is not None}
        self.gate = replace(gate, accepted=kept, reported=problem)


PENDING, RUNNING, SUCCESS = (
    announcement(state) for state in (StatusState.PENDING, StatusState.RUNNING, StatusState.SUCCESS)
)


def test_what_was_accepted_is_not_said_again(clock: HandClock) -> None:
    kept = Kept(clock)
    assert [kept.says(PENDING), kept.says(PENDING), kept.says(RUNNING)] == [None, None, None]
    assert kept.asked == [StatusState.PENDING, StatusState.RUNNING]


def test_a_gate_that_changes_while_gitlab_is_away_does_not_ask_it_more_often_nor_wait_longer(clock: HandClock) -> None:
    kept = Kept(clock, trouble=Temporary("away"))
    assert kept.says(PENDING) == seconds(1)
    clock.advance(seconds(0.4))
    assert [kept.says(RUNNING), kept.says(SUCCESS)] == [seconds(0.6), seconds(0.6)]
    assert kept.asked == [StatusState.PENDING]
    assert kept.gate.reported == "away"
    clock.advance(seconds(0.6))
    assert kept.says(SUCCESS) == seconds(2)
    kept.trouble = None
    clock.advance(seconds(2))
    assert kept.says(SUCCESS) is None
    assert kept.gate.reported == ""


def test_the_pause_doubles_once_however_much_is_outstanding_and_has_an_end(clock: HandClock) -> None:
    kept = Kept(clock, trouble=Temporary("away"))
    pauses = []
    for _ in range(9):
        pause = kept.says(SUCCESS, announcement(StatusState.CANCELED, sha="b"))
        assert pause is not None
        pauses.append(pause.total_seconds())
        clock.advance(pause)
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert pauses[-1] == LONGEST_PAUSE.total_seconds()


def test_gitlab_is_left_alone_for_as_long_as_it_asks(clock: HandClock) -> None:
    kept = Kept(clock, trouble=Temporary("too many requests", retry_after=90))
    assert kept.says(PENDING) == seconds(90)
    clock.advance(seconds(89))
    assert kept.says(RUNNING) == seconds(1)
    assert kept.asked == [StatusState.PENDING]


def test_after_an_answer_the_next_trouble_begins_with_a_short_pause(clock: HandClock) -> None:
    kept = Kept(clock, trouble=Temporary("away"))
    for _ in range(5):
        clock.advance(kept.says(PENDING) or seconds(0))
    kept.trouble = None
    assert kept.says(PENDING) is None
    kept.trouble = Temporary("away")
    assert kept.says(RUNNING) == seconds(1)


def test_what_is_refused_for_good_does_not_keep_the_next_word_from_being_said(clock: HandClock) -> None:
    kept = Kept(clock, trouble=Permanent("no such commit"))
    assert kept.says(PENDING) == REFUSED_PAUSE
    kept.trouble = None
    assert kept.says(RUNNING) is None
    assert kept.asked == [StatusState.PENDING, StatusState.RUNNING]


def test_in_doubt_what_gitlab_accepted_is_looked_at_again_and_once_more_when_all_has_landed(clock: HandClock) -> None:
    kept = Kept(clock)
    kept.says(SUCCESS)
    kept.asked.clear()
    kept.outbox.doubt()
    assert [kept.says(SUCCESS), kept.says(SUCCESS)] == [LANDED, LANDED]
    assert kept.asked == [StatusState.SUCCESS]
    clock.advance(LANDED)
    assert [kept.says(SUCCESS), kept.says(SUCCESS)] == [None, None]
    assert kept.asked == [StatusState.SUCCESS, StatusState.SUCCESS]


def test_a_doubt_is_not_over_before_gitlab_has_answered(clock: HandClock) -> None:
    kept = Kept(clock)
    kept.says(SUCCESS)
    kept.outbox.doubt()
    kept.trouble = Temporary("away")
    assert kept.says(SUCCESS) == seconds(1)
    kept.trouble = None
    clock.advance(seconds(1))
    assert kept.says(SUCCESS) == LANDED


def test_only_the_newest_commits_are_doubted(clock: HandClock) -> None:
    kept = Kept(clock)
    said = [announcement(StatusState.SUCCESS, sha=sha) for sha in "abc"]
    kept.says(*said)
    kept.asked.clear()
    kept.outbox.doubt()
    kept.says(*said)
    assert len(kept.asked) == 2


def test_the_same_trouble_is_said_once(clock: HandClock, caplog: pytest.LogCaptureFixture) -> None:
    kept = Kept(clock, trouble=Permanent("no such commit"))
    with caplog.at_level(logging.INFO):
        for _ in range(3):
            kept.says(PENDING)
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_gate_that_was_read_too_early_alarms_nobody_and_one_that_cannot_be_written_does(
    clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    for unsaved, told in ((Conflict("written meanwhile"), []), (Permanent("no right to"), ["WARNING"])):
        kept = Kept(clock, unsaved=unsaved)
        with caplog.at_level(logging.INFO, logger="gate.gitlab.outbox"):
            kept.says(PENDING)
        assert [each.levelname for each in caplog.records] == told
