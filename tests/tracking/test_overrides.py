"""What a person's word does to a gate: it lets a version through for a while, and changes nothing that was found."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import (
    Announcement,
    Commit,
    GateOverride,
    GateStatus,
    Phase,
    Progress,
    Reason,
    Rollout,
    RunEntry,
    StatusState,
    Verdict,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.decide import decide
from gate.tracking.overrides import AHEAD, LONGEST, in_question, in_words, next_change, overridden, standing
from gate.tracking.seen import Seen

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
RUN = RunEntry(name="r", workflow="w", subscriptions=("checkout",), uid="u", verdict=Verdict.FAILED)


def override(version: str = "v1", at: datetime = NOW, lasting: timedelta = HOUR, who: str = "jane") -> GateOverride:
    return GateOverride(version=version, who=who, reason="INC-4711", at=at, until=at + lasting)


def status(verdict: Verdict | None = Verdict.FAILED, **changes: object) -> GateStatus:
    phase = Phase.PENDING if verdict is None else Phase.OPEN if verdict is Verdict.PASSED else Phase.CLOSED
    made = GateStatus(phase=phase, verdict=verdict, reason=Reason.PROBE_FAILED, version="v1", runs=(RUN,))
    return replace(made, **changes)


@pytest.mark.parametrize(
    ("after", "stands"),
    [
        (timedelta(0), True),
        (HOUR - SECOND, True),
        (HOUR, False),
        (-AHEAD, True),  # two clocks that differ a little
        (-AHEAD - SECOND, False),  # a clock that was set back
    ],
)
def test_an_override_stands_from_when_it_was_said_until_it_ends(after: timedelta, stands: bool) -> None:
    assert (standing([override()], "v1", NOW + after) is not None) is stands


def test_an_override_is_of_one_version() -> None:
    assert standing([override("v1")], "v2", NOW) is None
    assert standing([override("v1")], "", NOW) is None


def test_the_last_word_about_a_version_counts_also_if_it_ends_sooner() -> None:
    first, second = override(lasting=4 * HOUR), override(at=NOW + SECOND, lasting=HOUR, who="joe")
    other = override("v2", at=NOW + 2 * SECOND)
    said = [first, second, other]
    assert standing(said, "v1", NOW + 2 * SECOND) == second
    assert standing(said, "v1", NOW + 2 * HOUR) is None
    assert standing([*said, override(at=NOW + HOUR, lasting=timedelta(0))], "v1", NOW + HOUR) is None


@pytest.mark.parametrize("moment", [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
def test_a_word_of_the_ends_of_time_is_one_like_any_other(moment: datetime) -> None:
    said = GateOverride(version="v1", who="jane", reason="x", at=moment, until=NOW + HOUR)
    assert standing([said], "v1", NOW) is None
    assert next_change([said], NOW) in {None, NOW + HOUR, datetime.max.replace(tzinfo=UTC)}


def test_nobody_is_believed_for_longer_than_a_week() -> None:
    forever = override(lasting=timedelta(days=3000))
    assert standing([forever], "v1", NOW + LONGEST - SECOND) == forever
    assert standing([forever], "v1", NOW + LONGEST) is None
    assert f"{NOW + LONGEST:%Y-%m-%d}" in in_words(forever)


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        ({}, "v1"),
        ({"verdict": None}, "v1"),  # it is being judged
        ({"runs": (), "reason": Reason.BAD_DOCUMENT}, "v1"),
        ({"verdict": None, "runs": ()}, ""),  # another one may be on its way
    ],
)
def test_which_version_is_in_question_is_known_only_while_it_is_judged_or_has_its_answer(
    changes: dict[str, object], version: str
) -> None:
    assert in_question(replace(status(), **changes)) == version


moments = st.timedeltas(min_value=-3 * HOUR, max_value=timedelta(days=9)).map(lambda after: NOW + after)
overrides = st.lists(
    st.builds(
        override,
        version=st.sampled_from(["v1", "v2"]),
        at=moments,
        lasting=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=9)),
    ),
    max_size=5,
)


@given(overrides, moments, st.sampled_from([*Verdict, None]))
def test_nothing_but_the_words_about_it_depends_on_what_people_say(
    said: list[GateOverride], now: datetime, verdict: Verdict | None
) -> None:
    """Neither verdict nor phase, and no run that is made or stopped."""
    seen = Seen(rollout=ROLLOUT, gate="g", status=status(verdict), claims=(), runs={}, revision="r", now=now)
    without, decided = decide(seen), decide(replace(seen, overrides=said))
    assert replace(decided, status=without.status, wake=without.wake) == without
    announcements = tuple(replace(each, override="") for each in decided.status.announcements)
    assert replace(decided.status, override="", announcements=announcements) == without.status


@given(overrides, moments)
def test_what_stands_is_the_same_until_the_next_change(said: list[GateOverride], now: datetime) -> None:
    """So whoever looks again then misses nothing."""
    then = next_change(said, now)
    last = (then or now + timedelta(days=99)) - timedelta(microseconds=1)
    for version in ("v1", "v2"):
        assert standing(said, version, now) == standing(said, version, last)


ROLLOUT = Rollout(
    workload=Workload(name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout"), uid="w"),
    created=NOW - HOUR,
    progress=Progress.ROLLING,
    message="on its way",
)


def announced(version: str, state: StatusState = StatusState.FAILED) -> Announcement:
    commit = Commit(project="shop/checkout", sha=version.ljust(40, "0"), pipeline=7)
    return Announcement(
        name="chaos/staging/checkout", commit=commit, version=version, state=state, description="ProbeFailed: slow"
    )


def test_what_is_announced_says_who_let_it_through_and_keeps_its_state() -> None:
    told = status(announcements=(announced("v0"), announced("v1")))
    older, present = overridden(told, [override("v1")], NOW).announcements
    assert older == announced("v0")
    assert present.state is StatusState.FAILED
    assert present.text == "overridden by jane until 2026-11-21 13:00 UTC: INC-4711; ProbeFailed: slow"
    assert present.mark != announced("v1").mark, "GitLab has to be told"
    assert overridden(told, [override("v1")], NOW + HOUR).announcements == told.announcements


def test_a_version_that_was_left_behind_can_be_let_through_too() -> None:
    told = overridden(status(announcements=(announced("v0"), announced("v1"))), [override("v0")], NOW)
    assert [each.override != "" for each in told.announcements] == [True, False]
    assert told.override == "", "it is not what runs"


def test_a_reason_that_is_long_leaves_room_for_the_verdict() -> None:
    long = replace(override(), reason="because " * 100)
    (told,) = overridden(status(announcements=(announced("v1"),)), [long], NOW).announcements
    assert len(told.text) < 200
    assert told.text.endswith("…; ProbeFailed: slow")
