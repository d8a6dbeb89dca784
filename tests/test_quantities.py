"""Quantities: with their units they are what they say, without they are nothing."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.quantities import duration, in_words, mebibytes, percent, rate


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("400ms", 0.4), ("20s", 20), ("1m30s", 90), ("2h", 7200), ("1d", 86400), ("1.5s", 1.5), ("0s", 0)],
)
def test_a_duration_is_what_it_says(written: str, seconds: float) -> None:
    assert duration(written) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ("20", "write 20s for seconds"),
        (20, "write 20s for seconds"),
        (True, "write it like 400ms"),
        (None, "write it like 400ms"),
        ("-1s", "write it like 400ms"),
        ("1 s", "write it like 400ms"),
        ("5y", "write it like 400ms"),
        ("9" * 400 + "d", "more than a year"),
    ],
)
def test_what_is_no_duration_is_told_how_to_be_one(written: object, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        duration(written)


@given(st.integers(0, 300 * 86_400_000))
def test_a_time_in_words_is_the_same_time(milliseconds: int) -> None:
    time = timedelta(milliseconds=milliseconds)
    assert duration(in_words(time)) == time


@pytest.mark.parametrize(("written", "share"), [("1%", 0.01), ("0%", 0), ("100%", 1), ("12.5 %", 0.125)])
def test_a_percentage_is_a_share_of_the_whole(written: str, share: float) -> None:
    assert percent(written) == pytest.approx(share)


@pytest.mark.parametrize("written", ["1", 1, 0.01, "101%", "-1%", None])
def test_a_share_without_its_sign_or_beyond_the_whole_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="%"):
        percent(written)


@pytest.mark.parametrize(("written", "per_second"), [("20/s", 20), ("600/m", 10), ("36/h", 0.01), ("0.5/s", 0.5)])
def test_a_rate_is_how_many_in_a_second(written: str, per_second: float) -> None:
    assert rate(written) == pytest.approx(per_second)


@pytest.mark.parametrize("written", ["20", 20, "0/s", "20/d", "-1/s", "9" * 400 + "/s", None])
def test_a_rate_without_its_unit_or_that_nobody_can_make_is_refused(written: object) -> None:
    with pytest.raises(ValueError, match="/s"):
        rate(written)


@pytest.mark.parametrize(("written", "number"), [("256Mi", 256), ("2Gi", 2048), ("1024Gi", 1024 * 1024)])
def test_a_size_is_so_many_mebibytes(written: str, number: int) -> None:
    assert mebibytes(written) == number


@pytest.mark.parametrize("written", ["", "256", "0Mi", "1.5Gi", "256MB", 256, "-1Mi", " 1Mi", None])
def test_a_size_without_its_unit_is_told_how_to_be_one(written: object) -> None:
    with pytest.raises(ValueError, match="write it like 256Mi"):
        mebibytes(written)


@pytest.mark.parametrize("written", ["1025Gi", "9" * 400 + "Mi"])
def test_a_size_beyond_all_disks_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="more than 1024Gi"):
        mebibytes(written)
