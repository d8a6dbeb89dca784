"""The work queue: one slot per key, one worker per key at a time."""

from hypothesis import given
from hypothesis import strategies as st

from gate.tracking.queue import WorkQueue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def taken(queue: WorkQueue[str], clock: Clock) -> list[str]:
    """Every key that is due now, in order, each given back at once."""
    queue.add("end", after=0)
    keys = []
    while (key := queue.take()) != "end":
        assert key is not None
        keys.append(key)
        queue.done(key)
    queue.done("end")
    return keys


def test_a_key_that_is_added_often_waits_once() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    for _ in range(5):
        queue.add("a")
    assert taken(queue, clock) == ["a"]


def test_a_key_that_is_asked_for_earlier_comes_earlier() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add("a", after=10)
    queue.add("a", after=1)
    queue.add("a", after=5)
    clock.now = 1.0
    assert taken(queue, clock) == ["a"]
    clock.now = 20.0
    assert taken(queue, clock) == []


def test_a_key_that_is_added_while_it_is_looked_at_comes_again_afterwards() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.add("a")
    assert queue.take() == "a"
    queue.add("a")
    queue.add("b")
    assert queue.take() == "b"
    queue.done("a")
    assert queue.take() == "a"


def test_a_closed_queue_keeps_nobody_waiting() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    queue.close()
    assert queue.take() is None


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=20))
def test_every_key_comes_exactly_when_it_is_first_due(adds: list[tuple[str, int]]) -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    due: dict[str, int] = {}
    for key, after in adds:
        queue.add(key, after=after)
        due[key] = min(after, due.get(key, after))
    for moment in range(10):
        clock.now = float(moment)
        assert sorted(taken(queue, clock)) == sorted(key for key, at in due.items() if at == moment)


def test_what_was_put_aside_comes_when_nothing_is_due_and_nobody_is_at_work() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    queue.put_aside("a", within=60)
    queue.add("b")
    queue.add("c")
    assert [queue.take(), queue.take()] == ["b", "c"]
    queue.done("b")
    assert queue.due_in() == 60
    queue.done("c")
    assert queue.due_in() == 0
    assert queue.take() == "a"
    assert queue.was_aside("a")


def test_what_was_put_aside_for_long_enough_comes_before_what_is_due() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.put_aside("a", within=60)
    clock.now = 60.0
    queue.add("b")
    assert [queue.take(), queue.take()] == ["a", "b"]


def test_what_was_put_aside_is_forgotten_when_the_key_is_added() -> None:
    clock = Clock()
    queue: WorkQueue[str] = WorkQueue(clock)
    queue.put_aside("a", within=60)
    queue.add("a", after=5)
    assert queue.due_in() == 5
    clock.now = 5.0
    assert queue.take() == "a"
    assert not queue.was_aside("a")


def test_what_is_due_already_or_looked_at_is_not_put_aside() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    queue.add("a", after=5)
    queue.put_aside("a", within=1)
    assert queue.due_in() == 5
    queue.add("b")
    assert queue.take() == "b"
    queue.put_aside("b", within=1)
    queue.done("b")
    assert queue.due_in() == 5


def test_what_was_put_aside_gives_way_to_what_is_added_while_it_is_taken_up() -> None:
    queue: WorkQueue[str] = WorkQueue(Clock())
    queue.put_aside("a", within=60)
    assert queue.take() == "a"
    queue.add("a")
    assert not queue.was_aside("a")
    queue.done("a")
    assert queue.take() == "a"
