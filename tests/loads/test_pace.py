"""When requests are due: as many in each stretch as its rate says, none lost and none twice where it changes."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.loads.pace import Pace, Stretch

STRETCHES = st.lists(st.tuples(st.floats(0.1, 1000), st.floats(0.1, 100)), min_size=1, max_size=4).map(
    lambda pairs: [
        *(Stretch(rate, timedelta(seconds=lasting)) for rate, lasting in pairs[:-1]),
        Stretch(pairs[-1][0]),
    ]
)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


@pytest.mark.parametrize(
    ("stretches", "due"),
    [
        ([Stretch(4)], [0, 0.25, 0.5, 0.75, 1, 1.25]),
        ([Stretch(2, seconds(1)), Stretch(4)], [0, 0.5, 1, 1.25, 1.5, 1.75]),
        ([Stretch(2, seconds(0.75)), Stretch(4)], [0, 0.5, 0.875, 1.125, 1.375, 1.625]),
        ([Stretch(1, seconds(0.5)), Stretch(1, seconds(0.5)), Stretch(2)], [0, 1, 1.5, 2, 2.5, 3]),
    ],
)
def test_requests_are_due_at_even_intervals(stretches: list[Stretch], due: list[float]) -> None:
    pace = Pace(stretches)
    assert [pace.due(number) for number in range(6)] == due


@given(STRETCHES, st.integers(0, 10_000))
def test_one_request_is_due_after_the_other(stretches: list[Stretch], number: int) -> None:
    pace = Pace(stretches)
    gap = pace.due(number + 1) - pace.due(number)
    assert 0.9 / max(stretch.rate for stretch in stretches) <= gap <= 1.1 / min(stretch.rate for stretch in stretches)


@given(STRETCHES)
def test_each_stretch_has_its_share(stretches: list[Stretch]) -> None:
    pace, whole, begins = Pace(stretches), 0.0, 0.0
    for stretch in stretches[:-1]:
        assert stretch.lasting is not None
        whole += stretch.rate * stretch.lasting.total_seconds()
        begins += stretch.lasting.total_seconds()
        assert pace.due(int(whole)) <= begins + 1e-6
        assert pace.due(int(whole) + 1) >= begins - 1e-6
