"""Never two that may write at a time, whatever happens; and somebody, when it goes well again."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate.tracking.election import NOBODY, Act, Candidacy, Record, Terms
from tests.leading.simulation import Fate, World

RATES = st.floats(0.85, 1.15)
"""How fast clocks may run: the slowest and the fastest are as far from each other as `lasts` is from `deadline`."""
TIMES = st.one_of(st.just(0.0), st.floats(0, 0.5), st.floats(0, 4), st.floats(0, 30))
HAPPENINGS = st.tuples(
    TIMES,
    st.integers(0, 2),
    st.sampled_from([*[Fate.WELL] * 3, *Fate, "deliver", "kill", "release", *["stop"] * 4]),
)


@contextmanager
def world(*rates: float) -> Iterator[World]:
    made = World(list(rates))
    try:
        yield made
    finally:
        made.close()


@settings(max_examples=3 * settings().max_examples)
@given(rates=st.lists(RATES, min_size=2, max_size=3), happenings=st.lists(HAPPENINGS, max_size=80))
def test_two_never_lead_at_a_time_and_one_does_when_it_goes_well(
    rates: list[float], happenings: list[tuple[float, int, Fate | str]]
) -> None:
    with world(*rates) as play:
        for pause, who, what in happenings:
            number = who % len(rates)
            replica = play.replicas[number]
            if what == "stop":
                play.play_fair(pause, stopped=replica)
                continue
            play.now += pause
            match what:
                case Fate():
                    replica.go_on(what)
                case "deliver":
                    play.deliver()
                case "kill":
                    play.reincarnate(number)
                case _:
                    replica.go_on(work=replica.leading.release)
            assert len(play.leaders()) <= 1
        play.deliver()
        play.play_fair(20)
        assert len(play.leaders()) == 1


@given(rates=st.lists(RATES, min_size=2, max_size=3))
def test_who_leads_goes_on_leading_while_it_goes_well(rates: list[float]) -> None:
    with world(*rates) as play:
        play.play_fair(5)
        (leader,) = play.leaders()
        for _ in range(100):
            play.play_fair(0.7)
            assert play.leaders() == [leader]
        assert play.server.record
        assert play.server.record.transitions == 0


@given(after=st.floats(5, 15), rate=RATES)
def test_a_leader_that_dies_is_followed_within_13_seconds(after: float, rate: float) -> None:
    with world(1.0, 1.0) as play:
        play.play_fair(after)
        (leader,) = play.leaders()
        dead = next(replica for replica in play.replicas if replica.me == leader)
        dead.wake = float("inf")
        play.play_fair(13)
        assert play.leaders()
        assert play.leaders() != [leader]


def test_a_leader_that_stops_is_followed_by_the_next_look() -> None:
    with world(1.0, 1.0) as play:
        play.play_fair(5)
        (leader,) = play.leaders()
        stopping = next(replica for replica in play.replicas if replica.me == leader)
        stopping.go_on(work=stopping.leading.release)
        while play.server.record is None or play.server.record.holder == leader:
            stopping.go_on()
        stopping.wake = float("inf")
        play.play_fair(2.5)
        assert play.leaders()
        assert play.leaders() != [leader]


def test_a_leader_hears_of_its_end_although_the_server_does_not_answer() -> None:
    with world(1.0) as play:
        play.play_fair(5)
        (replica,) = play.replicas
        end = play.now + 8
        while replica.wake <= end:
            play.now = max(play.now, replica.wake)
            replica.go_on(Fate.LOST)
        assert replica.changes == [True, False]


def test_a_leader_whose_renewal_is_answered_after_the_end_of_its_term_begins_another_one() -> None:
    """Between the two it did not lead, and whatever it heard then was left to whoever begins."""
    with world(1.0) as play:
        (replica,) = play.replicas
        play.play_fair(5)
        version = play.server.record
        while play.server.record == version:
            play.now = max(play.now, replica.wake)
            replica.go_on()
        play.now += 6  # it was renewed when the old term was over in five; the answer is on its way
        assert not replica.leading.leads()
        replica.go_on()
        assert replica.leading.leads()
        assert replica.changes == [True, False, True]


def test_a_slow_answer_makes_no_term_longer() -> None:
    with world(1.0) as play:
        (replica,) = play.replicas
        while play.server.record is None:
            replica.go_on()
        play.now += 6  # it was written; the answer is on its way
        replica.go_on()
        assert replica.leading.leads()
        play.now += 1
        assert not replica.leading.leads()


def test_a_slow_question_makes_no_holder_older() -> None:
    with world(1.0, 1.0) as play:
        leader, other = play.replicas
        play.play_fair(20, stopped=other)
        other.go_on()
        play.play_fair(5, stopped=other)  # it has asked; the leader renews meanwhile
        other.go_on()
        other.go_on()
        play.play_fair(9.9, stopped=leader)
        assert not other.leading.leads()


# ------------------------------------------------------------------------------------------------------ one candidate

ME, OTHER = "me", "other"


def record(holder: str, version: str = "1", lasts: int = 10) -> Record:
    return Record(version=version, holder=holder, lasts=timedelta(seconds=lasts), transitions=3)


def test_a_lease_that_was_given_up_is_taken_at_once() -> None:
    assert Candidacy(me=ME).saw(record(NOBODY), 0).next_act(0) is Act.ACQUIRE


def test_a_holder_is_given_the_time_that_its_record_says_from_when_it_was_first_seen() -> None:
    known = Candidacy(me=ME).saw(record(OTHER, lasts=60), 100)
    assert known.saw(record(OTHER, lasts=60), 159.9).next_act(159.9) is Act.WAIT
    assert known.saw(record(OTHER, lasts=60), 160).next_act(160) is Act.ACQUIRE
    assert known.saw(record(OTHER, "2", lasts=60), 160).next_act(160) is Act.WAIT


def test_a_lease_that_somebody_deleted_may_have_a_leader_still() -> None:
    known = Candidacy(me=ME).saw(record(OTHER), 0).saw(None, 5)
    assert known.next_act(14.9) is Act.WAIT
    assert known.saw(None, 15).next_act(15) is Act.ACQUIRE


def test_a_leader_whose_lease_was_deleted_makes_it_again() -> None:
    known = Candidacy(me=ME).wrote(record(ME), 0, 0.1).saw(None, 2)
    assert known.next_act(2) is Act.RENEW
    assert known.next_act(7) is Act.STEP_DOWN


def test_a_leader_that_sees_another_holder_steps_down_before_its_time_is_over() -> None:
    known = Candidacy(me=ME).wrote(record(ME), 0, 0.1)
    assert known.leads(6.9)
    assert known.saw(record(OTHER, "2"), 1).next_act(1) is Act.STEP_DOWN


def test_transitions_count_changes_of_the_holder() -> None:
    after_another = Candidacy(me=ME).saw(record(OTHER), 0)
    assert after_another.claim(begins=True).transitions == 4
    assert Candidacy(me=ME).saw(record(ME), 0).claim(begins=True).transitions == 3
    assert Candidacy(me=ME).saw(None, 0).claim(begins=True).transitions == 0
    assert after_another.resignation().transitions == 3


@pytest.mark.parametrize(
    "changes", [{"lasts": timedelta(seconds=7)}, {"lasts": timedelta(seconds=10.5)}, {"retry": timedelta(seconds=6)}]
)
def test_terms_under_which_two_could_lead_or_none_could_renew_are_refused(changes: dict[str, timedelta]) -> None:
    with pytest.raises(ValueError, match="lasts"):
        Terms(**changes)
