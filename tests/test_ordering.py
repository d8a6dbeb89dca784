"""Long tests begin first, and none is lost on the way."""

from hypothesis import given
from hypothesis import strategies as st

from tests.ordering import long_first


def is_long(number: int) -> bool:
    return number < 0


@given(numbers=st.lists(st.integers(-20, 20)), workers=st.integers(1, 9))
def test_every_test_is_there_once(numbers: list[int], workers: int) -> None:
    assert sorted(long_first(numbers, is_long, workers)) == sorted(numbers)


def test_one_worker_begins_with_all_that_is_long_and_keeps_the_order_otherwise() -> None:
    assert long_first([1, -2, 3, -4, 5], is_long, 1) == [-2, -4, 1, 3, 5]


def test_three_of_five_workers_begin_with_what_is_long_and_two_with_the_rest() -> None:
    ordered = long_first([*range(1, 21), *range(-5, 0)], is_long, 5)
    parts = [ordered[first : first + 5] for first in range(0, 25, 5)]
    assert [[number for number in part if is_long(number)] for part in parts] == [[-5, -2], [-4, -1], [-3], [], []]
    assert [is_long(part[0]) for part in parts] == [True, True, True, False, False]


def test_where_there_is_nothing_but_long_ones_everybody_gets_some() -> None:
    assert sorted(long_first([-1, -2, -3], is_long, 5)) == [-3, -2, -1]
