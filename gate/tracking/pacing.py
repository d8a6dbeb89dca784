"""When to look again at a gate of which nothing is heard: soon where nobody would say so, never where events do. Pure.

Should an event ever be lost, the next list finds what it was about (`gate.cluster.mirror.LIST_AFTER`).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gate.model import Progress, Rollout, RunEntry

GLANCE = timedelta(milliseconds=500)
"""How soon to look again at what sends no event of its own: an old pod that is still terminating."""

BEAT = timedelta(seconds=10)
"""How soon to look again at what was asked of the cluster and not seen there yet: a run to be made, or to stop."""

SLOW_BEAT = timedelta(seconds=30)
"""The longest pause between two looks at a rollout that waits for what sends no event."""

TELL_EVERY = timedelta(seconds=1)
"""How often it is written down how far a rollout is: each step of it would be a write for each of thousands."""


def of_rollout(rollout: Rollout, since: datetime | None, now: datetime) -> datetime | None:
    """When to look again at a rollout that is not complete; None if it will say so.

    One that is complete by its status and has a version lacks nothing but the end of older pods. Where these do not
    end, glances become rarer: they add a sixtieth to what was waited already. Pods that do not agree on a version take
    their time.
    """
    if not rollout.quiet:
        return None
    if rollout.version is None or rollout.progress is not Progress.ROLLING:
        return now + SLOW_BEAT
    waited = now - (since or now)
    return now + min(max(waited / 60, GLANCE), SLOW_BEAT)


def of_runs(waiting: Sequence[RunEntry], now: datetime) -> datetime | None:
    """When to look again at runs that have no verdict; None if all were seen: from then on their events tell."""
    return None if all(entry.uid for entry in waiting) else now + BEAT


def told_soon(told: datetime | None, now: datetime) -> datetime | None:
    """When it may be written again how far a rollout is; None if that is now."""
    if told is None or not timedelta(0) <= now - told < TELL_EVERY:
        return None
    return told + TELL_EVERY
