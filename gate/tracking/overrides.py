"""Which override stands: from what people have written, the version and the time, and nothing else. Pure.

An override changes no verdict and no phase. It says beside them that a person lets a version through for a while.
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gate.model import GateOverride, GateStatus

LONGEST = timedelta(days=7)
"""Nobody is believed for longer: what lasts is not an override but a policy."""
AHEAD = timedelta(minutes=1)
"""So far behind the clock of whoever wrote it may ours be. A clock that was set back further ends it for so long."""
OVERRIDDEN = "overridden by "
"""How an override begins in words."""
LONGEST_REASON = 80
"""Characters of a reason where the verdict has to have room beside it."""


def standing(overrides: Sequence[GateOverride], version: str, now: datetime) -> GateOverride | None:
    """The override of a version that is in force. The last word counts: a shorter one ends a longer one before it."""
    last = next((each for each in reversed(overrides) if each.version == version), None)
    return last if last and _begins(last) <= now < ends(last) else None


def ends(override: GateOverride) -> datetime:
    """When it is over, whatever it says."""
    return min(override.until, _moved(override.at, LONGEST))


def next_change(overrides: Sequence[GateOverride], now: datetime) -> datetime | None:
    """When the next of them begins or ends; None: none of them ever will."""
    return min((each for each in _changes(overrides) if each > now), default=None)


def in_question(status: GateStatus) -> str:
    """The version that the answer, or the judgement under way, is about; empty while another one is on its way, of
    which nobody knows yet what it is.
    """
    return status.version if status.runs or status.verdict else ""


def overridden(status: GateStatus, overrides: Sequence[GateOverride], now: datetime) -> GateStatus:
    """The status with what stands now in words: for the version in question, and for each that was announced."""
    stands = standing(overrides, in_question(status), now)
    announcements = tuple(
        replace(each, override=_briefly(standing(overrides, each.version, now))) for each in status.announcements
    )
    return replace(status, override=in_words(stands) if stands else "", announcements=announcements)


def in_words(override: GateOverride) -> str:
    """Who, until when, and why."""
    return f"{OVERRIDDEN}{override.who} until {ends(override):%Y-%m-%d %H:%M} UTC: {override.reason}"


def _briefly(override: GateOverride | None) -> str:
    if override is None:
        return ""
    reason = textwrap.shorten(override.reason, LONGEST_REASON, placeholder=" …")
    return in_words(replace(override, reason=reason))


def _begins(override: GateOverride) -> datetime:
    return _moved(override.at, -AHEAD)


def _moved(moment: datetime, by: timedelta) -> datetime:
    """Later, or earlier; at the ends of the calendar, which somebody may write as well as any moment, it stays."""
    try:
        return moment + by
    except OverflowError:
        return moment


def _changes(overrides: Sequence[GateOverride]) -> Iterator[datetime]:
    for each in overrides:
        yield _begins(each)
        yield ends(each)
