"""Freeze periods of GitLab: from one cron expression to another, in a time zone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gate.errors import Permanent
from gate.gitlab.freezing import FreezePeriod, frozen_until

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = FreezePeriod(start="0 23 * * 5", end="0 8 * * 1", zone="Europe/Berlin")


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2026-11-20T22:59:59.999", None),  # a Friday
        ("2026-11-20T23:00:00", "2026-11-23T08:00"),
        ("2026-11-20T23:00:00.5", "2026-11-23T08:00"),
        ("2026-11-22T12:00", "2026-11-23T08:00"),
        ("2026-11-23T07:59:59.999", "2026-11-23T08:00"),
        ("2026-11-23T08:00", None),
        ("2026-11-25T12:00", None),
        ("2026-10-24T12:00", "2026-10-26T08:00"),  # the clocks are set back in the night between
    ],
)
def test_a_freeze_is_on_from_its_start_to_its_end(moment: str, end: str | None) -> None:
    found = frozen_until(WEEKEND, at(moment).astimezone(UTC))
    assert found == (at(end) if end else None)


NIGHTLY = FreezePeriod(start="30 2 * * *", end="0 8 * * *", zone="Europe/Berlin")
EARLY = FreezePeriod(start="0 22 * * *", end="30 2 * * *", zone="Europe/Berlin")
ALL_BUT = FreezePeriod(start="45 2 * * *", end="30 2 * * *", zone="Europe/Berlin")


@pytest.mark.parametrize(
    ("period", "moment", "end"),
    [
        (NIGHTLY, "2026-10-25T00:15Z", None),
        (NIGHTLY, "2026-10-25T00:45Z", "2026-10-25T07:00Z"),
        (NIGHTLY, "2026-10-25T01:15Z", "2026-10-25T07:00Z"),  # the same times on the wall as an hour before
        (NIGHTLY, "2026-10-25T01:45Z", "2026-10-25T07:00Z"),
        (NIGHTLY, "2026-10-25T07:00Z", None),
        (EARLY, "2026-10-25T00:45Z", "2026-10-25T01:30Z"),
        (EARLY, "2026-10-25T01:30Z", None),
        (ALL_BUT, "2026-10-25T01:35Z", None),
        (ALL_BUT, "2026-10-25T01:45Z", "2026-10-26T01:30Z"),
        (NIGHTLY, "2027-03-28T00:15Z", None),
        (NIGHTLY, "2027-03-28T01:05Z", "2027-03-28T06:00Z"),  # half past two is left out
        (EARLY, "2027-03-28T00:45Z", "2027-03-28T01:30Z"),
        (EARLY, "2027-03-28T02:00Z", None),
    ],
)
def test_where_the_clocks_are_changed_a_freeze_has_no_hole(period: FreezePeriod, moment: str, end: str | None) -> None:
    found = frozen_until(period, datetime.fromisoformat(moment))
    assert found == (datetime.fromisoformat(end) if end else None)


def test_the_zone_is_that_of_the_period() -> None:
    elsewhere = FreezePeriod(start="0 23 * * 5", end="0 8 * * 1", zone="America/New_York")
    friday = at("2026-11-20T23:30")
    assert frozen_until(WEEKEND, friday)
    assert frozen_until(elsewhere, friday) is None


def test_a_period_that_starts_again_before_it_is_over_is_one_freeze() -> None:
    daily = FreezePeriod(start="0 23 * * *", end="0 8 * * 1", zone="UTC")
    assert frozen_until(daily, datetime(2026, 11, 19, 12, tzinfo=UTC)) == datetime(2026, 11, 23, 8, tzinfo=UTC)


def test_a_freeze_without_an_end_is_on_for_as_long_as_anybody_looks_ahead() -> None:
    endless = FreezePeriod(start="0 0 1 12 *", end="0 0 30 2 *", zone="UTC")
    now = datetime(2026, 12, 2, tzinfo=UTC)
    with pytest.raises(Permanent, match="cannot be understood"):
        frozen_until(endless, now)
    leap = FreezePeriod(start="0 0 1 12 *", end="0 0 29 2 *", zone="UTC")
    found = frozen_until(leap, now)
    assert found is not None
    assert found - now > timedelta(days=366)


@pytest.mark.parametrize(
    ("period", "why"),
    [
        (FreezePeriod(start="never", end="0 8 * * 1", zone="UTC"), "cannot be understood"),
        (FreezePeriod(start="0 8 * * 1", end="99 8 * * 1", zone="UTC"), "cannot be understood"),
        (FreezePeriod(start="0 8 * * 1", end="0 9 * * 1", zone="Mars/Olympus"), "time zone that is not known"),
        (FreezePeriod(start="0 8 * * 1", end="0 9 * * 1", zone="../../etc/passwd"), "time zone that is not known"),
    ],
)
def test_what_cannot_be_understood_is_said_with_the_period(period: FreezePeriod, why: str) -> None:
    with pytest.raises(Permanent, match=why) as raised:
        frozen_until(period, datetime(2026, 11, 25, tzinfo=UTC))
    assert period.start in str(raised.value)
