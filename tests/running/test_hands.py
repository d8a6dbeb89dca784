"""Hands and beats: threads are kept and end, and no mistake of one run costs the others anything."""

import threading
from collections.abc import Callable, Iterator, Sized
from functools import partial

import pytest

from gate.running.background import STANDSTILL, Threads
from gate.running.hands import FEW, Hands
from gate.running.time import SystemClock

Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def hands() -> Iterator[Hands]:
    made = Hands("test", 2, kept=0.05)
    yield made
    made.close()


@pytest.fixture
def threads() -> Iterator[Threads]:
    made = Threads(SystemClock())
    yield made
    made.close()


def at_least(what: Sized, count: int) -> bool:
    return len(what) >= count


def fails() -> float:
    raise KeyError("a mistake")


def has_no_thread(_: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def beating() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name == "beat"}


def test_a_thread_does_one_work_after_the_other(hands: Hands, eventually: Eventually) -> None:
    who = list[str]()
    for number in range(5):
        hands.do(lambda: who.append(threading.current_thread().name))
        eventually(partial(at_least, who, number + 1))
    assert set(who) == {"test"}


def test_work_beyond_the_hands_waits_for_one(hands: Hands, eventually: Eventually) -> None:
    release, begun = threading.Event(), list[int]()

    def hang(number: int) -> None:
        begun.append(number)
        release.wait(30)

    for number in range(3):
        hands.do(partial(hang, number))
    try:
        eventually(lambda: len(begun) == 2)
    finally:
        release.set()
    eventually(lambda: sorted(begun) == [0, 1, 2])


def test_more_than_a_few_threads_are_started_only_where_there_is_time_for_them(eventually: Eventually) -> None:
    release, begun, time = threading.Event(), list[int](), [False]

    def hang(number: int) -> None:
        begun.append(number)
        release.wait(60)

    hands = Hands("bounded", FEW + 5, may_start=lambda: time[0])
    try:
        for number in range(FEW + 1):
            hands.do(partial(hang, number))
        eventually(partial(at_least, begun, FEW))
        assert sum(thread.name == "bounded" for thread in threading.enumerate()) == FEW
        time[0] = True
        hands.do(partial(hang, FEW + 1))
        eventually(partial(at_least, begun, FEW + 1))
    finally:
        release.set()
    hands.close()
    assert len(begun) == FEW + 2


def test_work_for_which_there_is_no_thread_at_all_is_refused_and_never_done(
    hands: Hands, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = list[str]()
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", has_no_thread)
        with pytest.raises(RuntimeError, match="can't start"):
            hands.do(partial(done.append, "refused"))
    hands.do(partial(done.append, "done"))
    eventually(lambda: done)
    hands.close()
    assert done == ["done"]


def test_work_for_which_no_other_thread_can_start_waits_for_those_that_there_are(
    hands: Hands, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    release, done = threading.Event(), list[int]()
    hands.do(partial(release.wait, 30))
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", has_no_thread)
        hands.do(partial(done.append, 1))
    release.set()
    eventually(lambda: done)


def test_threads_that_nobody_needs_end(eventually: Eventually) -> None:
    hands = Hands("unneeded", 5, kept=0.01)
    hands.do(threading.active_count)
    eventually(lambda: not any(thread.name == "unneeded" for thread in threading.enumerate()))
    again = threading.Event()
    hands.do(again.set)
    assert again.wait(30), "another one is there when there is work again"
    hands.close()


def test_a_mistake_in_one_work_costs_the_others_nothing(
    hands: Hands, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    done = threading.Event()
    hands.do(fails)
    hands.do(fails)
    hands.do(done.set)
    assert done.wait(30)
    hands.close()
    assert [str(record.exc_info and record.exc_info[1]) for record in caplog.records] == ["'a mistake'"] * 2


def test_closed_hands_have_done_all_that_they_were_given(eventually: Eventually) -> None:
    hands, done = Hands("closing", 2), list[int]()
    for number in range(20):
        hands.do(partial(done.append, number))
    hands.close()
    assert sorted(done) == list(range(20))
    eventually(lambda: not any(thread.name == "closing" for thread in threading.enumerate()))


def test_all_beats_are_beaten_by_one_thread(threads: Threads, eventually: Eventually) -> None:
    who: list[set[int]] = [set(), set()]

    def beat(number: int) -> float:
        who[number].add(threading.get_ident())
        return 0.001

    ends = [threads.beat(partial(beat, number)) for number in range(2)]
    eventually(lambda: all(who))
    for end in ends:
        end()
    assert who[0] == who[1]


def test_a_beat_that_fails_costs_the_others_nothing(
    threads: Threads, eventually: Eventually, caplog: pytest.LogCaptureFixture
) -> None:
    beaten = list[int]()

    def count() -> float:
        beaten.append(1)
        return 0.001

    ends = [threads.beat(fails), threads.beat(count)]
    eventually(lambda: len(beaten) > 5)
    for end in ends:
        end()
    assert "a beat ended in an error" in caplog.text


def test_a_beat_that_was_ended_is_over_and_the_next_one_begins(threads: Threads, eventually: Eventually) -> None:
    first, second = list[int](), list[int]()

    def count(where: list[int]) -> float:
        where.append(1)
        return 0.001

    end = threads.beat(lambda: count(first))
    eventually(lambda: first)
    end()
    until = len(first)
    end = threads.beat(lambda: count(second))
    eventually(lambda: len(second) > 3)
    end()
    assert len(first) == until


def test_a_beat_that_is_ended_twice_is_over_all_the_same(threads: Threads) -> None:
    end, other = threads.beat(lambda: 60.0), threads.beat(lambda: 60.0)
    end()
    end()
    other()


def test_a_beat_whose_thread_cannot_start_costs_the_later_ones_nothing(
    threads: Threads, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as short:
        short.setattr(threading.Thread, "start", has_no_thread)
        with pytest.raises(RuntimeError, match="can't start"):
            threads.beat(lambda: 60.0)
    beaten = list[int]()

    def count() -> float:
        beaten.append(1)
        return 0.001

    end = threads.beat(count)
    eventually(partial(at_least, beaten, 3))
    end()


def test_however_often_beats_end_and_begin_one_thread_beats_them_all(threads: Threads, eventually: Eventually) -> None:
    before = beating()
    for _ in range(20):
        threads.beat(lambda: 60.0)()
    end = threads.beat(lambda: 60.0)
    eventually(lambda: len(beating() - before) == 1)
    end()


def test_a_process_stood_still_when_its_beats_were_late(threads: Threads, eventually: Eventually) -> None:
    clock, blocked = SystemClock(), threading.Event()
    before = clock.monotonic()
    beaten = list[int]()

    def count() -> float:
        beaten.append(1)
        return 0.01

    def block() -> float:
        blocked.wait(3 * STANDSTILL)
        return 60.0

    end = threads.beat(count)
    eventually(lambda: beaten)
    others = threads.beat(block)
    eventually(lambda: threads.stood_still(before))
    until = len(beaten)
    eventually(partial(at_least, beaten, until + 1))
    assert threads.stood_still(before) >= STANDSTILL
    assert not threads.stood_still(clock.monotonic() + 60)
    end()
    others()
