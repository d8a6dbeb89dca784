"""GitLab's freeze periods: pairs of cron expressions, and whether a moment lies between the two. Pure."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from gate.errors import Permanent

FOREVER = timedelta(days=366)
"""How far off the end of a freeze is said to be whose expression for the end never comes."""

SHIFT = timedelta(hours=3)
"""Clocks are not set forward or back by more than this."""
Fold = Callable[[Iterable[datetime]], datetime]
"""Which of two moments is meant that look the same on the wall."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezePeriod:
    """A freeze period of a project: it begins whenever `start` fits, and is over when `end` does."""

    start: str
    end: str
    zone: str
    """The time zone of both, as GitLab names it."""

    def __str__(self) -> str:
        return f'from "{self.start}" to "{self.end}" {self.zone}'


def frozen_until(period: FreezePeriod, now: datetime) -> datetime | None:
    """The end of the freeze that is on then; None if none is.

    It is on if the last thing that happened was a start. Where a period starts again before it is over, GitLab's own
    variable `CI_DEPLOY_FREEZE` is not set between the first start and the second one; here it is a freeze all the same.
    Where the clocks are changed, a time of the day that comes twice, or never, starts a freeze as early and ends it as
    late as it can be meant.

    Raises `Permanent` for a period that cannot be understood.
    """
    zone, now = _zone(period), now.astimezone(UTC).replace(microsecond=0)
    wall = now.astimezone(zone).replace(tzinfo=None)
    started = max(_last(period.start, now, wall, period, zone), default=None)
    ended = max(_last(period.end, now, wall, period, zone, folds=max), default=None)
    if started is None or (ended is not None and ended >= started):
        return None
    ends = (_moment(each, zone, max) for each in _times(period.end, wall - SHIFT, period, back=False))
    return next((end for end in ends if end > now), now + FOREVER)


def _last(
    expression: str, now: datetime, wall: datetime, period: FreezePeriod, zone: tzinfo, *, folds: Fold | None = None
) -> Iterator[datetime]:
    """The last moments up to now at which it fits; what comes twice counts twice, unless `folds` says otherwise."""
    for fold in [folds] if folds else [min, max]:
        moments = (_moment(each, zone, fold) for each in _times(expression, wall + SHIFT, period, back=True))
        yield from islice((each for each in moments if each <= now), 1)


def _moment(wall: datetime, zone: tzinfo, fold: Fold) -> datetime:
    """When the clocks on the wall show it: the first or the last time."""
    return fold(wall.replace(tzinfo=zone, fold=each).astimezone(UTC) for each in (0, 1))


def _times(expression: str, wall: datetime, period: FreezePeriod, *, back: bool) -> Iterator[datetime]:
    """The times on the wall at which the expression fits: before and up to this one, or after it."""
    try:
        yield from CronSim(expression, wall + timedelta(seconds=1) if back else wall, reverse=back)
    except CronSimError as error:
        raise Permanent(f"the freeze period {period} cannot be understood: {error}: {expression}") from error


def _zone(period: FreezePeriod) -> tzinfo:
    try:
        return ZoneInfo(period.zone)
    except (ValueError, OSError, KeyError) as error:
        why = f"the freeze period {period} has a time zone that is not known here"
        raise Permanent(f"{why}; give it one such as Europe/Berlin") from error
