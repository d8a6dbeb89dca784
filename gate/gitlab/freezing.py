"""GitLab's freeze periods: pairs of cron expressions, and whether a moment lies between the two. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from gate.errors import Permanent

FOREVER = timedelta(days=366)
"""How far off the end of a freeze is said to be whose expression for the end never comes."""


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

    Raises `Permanent` for a period that cannot be understood.
    """
    local = now.astimezone(_zone(period)).replace(microsecond=0)
    started = next(_times(period.start, local, period, back=True), None)
    ended = next(_times(period.end, local, period, back=True), None)
    if started is None or (ended is not None and ended >= started):
        return None
    return next(_times(period.end, local, period, back=False), local + FOREVER)


def _times(expression: str, moment: datetime, period: FreezePeriod, *, back: bool) -> Iterator[datetime]:
    """The moments at which the expression fits: before and up to this one, or after it."""
    try:
        yield from CronSim(expression, moment + timedelta(seconds=1) if back else moment, reverse=back)
    except CronSimError as error:
        raise Permanent(f"the freeze period {period} cannot be understood: {error}: {expression}") from error


def _zone(period: FreezePeriod) -> tzinfo:
    try:
        return ZoneInfo(period.zone)
    except (ValueError, OSError, KeyError) as error:
        why = f"the freeze period {period} has a time zone that is not known here"
        raise Permanent(f"{why}; give it one such as Europe/Berlin") from error
