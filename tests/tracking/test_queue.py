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
