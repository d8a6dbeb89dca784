"""Questions that are asked together: none waits for another, and the answers stand in their order."""

import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from gate.errors import Temporary
from gate.wire.asking import Together


@pytest.fixture
def together() -> Iterator[Together]:
    made = Together(2)
    yield made
    made.close()


def meeting(party: threading.Barrier, answer: str) -> Callable[[], str]:
    """A question that is answered only once all others are asked."""

    def ask() -> str:
        party.wait(30)
        return answer

    return ask


def test_questions_are_asked_at_the_same_time_and_answered_in_their_order(together: Together) -> None:
    party = threading.Barrier(3)
    assert together([meeting(party, each) for each in ("one", "two", "three")]) == ["one", "two", "three"]


def test_there_may_be_more_questions_than_threads_or_none(together: Together) -> None:
    asks = [partial(int, number) for number in range(20)]
    assert together(asks) == list(range(20))
    assert together(asks[:0]) == []


@pytest.mark.parametrize("which", [0, 1])
def test_a_question_that_gets_no_answer_is_said(together: Together, which: int) -> None:
    def refused() -> int:
        raise Temporary("not now")

    asks = [refused if number == which else int for number in range(2)]
    with pytest.raises(Temporary, match="not now"):
        together(asks)
