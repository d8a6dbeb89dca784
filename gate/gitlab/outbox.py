"""Brings GitLab to show what the gates say, however long it takes: what is wanted stands in each gate, and so does what
GitLab has accepted. Nothing is kept here that a restart could lose.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from gate.errors import GateError, Permanent, Temporary
from gate.model import Announcement, Gate

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
REFUSED_PAUSE = timedelta(minutes=10)
"""How long to leave alone what GitLab refused for good; a person has to act first."""


class Gates(Protocol):
    """The gates, and the part of their status that is the reporter's."""

    def latest(self, namespace: str, name: str) -> Gate | None:
        """The gate as it is now."""
        ...

    def save_accepted(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        """Remember what GitLab accepted (None forgets), and why it did not accept the rest."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pause:
    """GitLab could not take something of a gate."""

    lasts: timedelta
    until: float
    """By the outbox' clock."""


class Outbox:
    """Looks at one gate at a time; the queue in front of it brings it back when told to."""

    def __init__(
        self,
        gates: Gates,
        report: Callable[[Announcement, str], str],
        link: Callable[[Gate], str],
        *,
        monotonic: Callable[[], float],
    ) -> None:
        """`report` makes GitLab show an announcement with a link, and returns its mark; `monotonic` is in seconds."""
        self._gates, self._report, self._link, self._monotonic = gates, report, link, monotonic
        self._pauses: dict[tuple[str, str], _Pause] = {}

    def deliver(self, namespace: str, name: str) -> timedelta | None:
        """Deliver what is outstanding; returns after how long to come back, None when all is said.

        While GitLab is away a gate goes on changing. That does not bring GitLab back sooner: it is asked when the pause
        is over, and only then does the next pause become longer.
        """
        key = (namespace, name)
        gate = self._gates.latest(namespace, name)
        if gate is None:
            self._pauses.pop(key, None)
            return None
        if left := self._left(key):
            return left
        told = gate.told
        outstanding = [each for each in gate.status.announcements if each not in told]
        accepted: dict[str, str | None] = {}
        later: list[Temporary] = []
        problem, pause = "", None
        for announcement in outstanding:
            try:
                accepted[announcement.key] = self._report(announcement, self._link(gate))
            except Permanent as error:
                problem, pause = str(error), REFUSED_PAUSE
                log.error("gitlab.refused gate=%s/%s why=%r", namespace, name, str(error))  # noqa: TRY400
            except Temporary as error:
                later.append(error)
        if later:
            problem, pause = str(later[-1]), self._lengthen(key, later)
            log.warning("gitlab.later gate=%s/%s retry_in=%s why=%r", namespace, name, pause, problem)
        else:
            self._pauses.pop(key, None)
        current = {each.key for each in gate.status.announcements}
        accepted |= dict.fromkeys(gate.accepted.keys() - current)
        if accepted or problem != gate.reported:
            self._save(gate, accepted, problem)
        return pause

    def _left(self, key: tuple[str, str]) -> timedelta | None:
        """Of the pause; None if there is none, or it is over."""
        pause = self._pauses.get(key)
        left = pause.until - self._monotonic() if pause else 0.0
        return timedelta(seconds=left) if left > 0 else None

    def _lengthen(self, key: tuple[str, str], errors: Sequence[Temporary]) -> timedelta:
        """The next pause: twice the last one, and not shorter than GitLab wants it."""
        last = self._pauses.get(key)
        lasts = min(2 * last.lasts, LONGEST_PAUSE) if last else FIRST_PAUSE
        asked = max(timedelta(seconds=error.retry_after or 0) for error in errors)
        self._pauses[key] = _Pause(lasts=lasts, until=self._monotonic() + max(lasts, asked).total_seconds())
        return max(lasts, asked)

    def _save(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        try:
            self._gates.save_accepted(gate, accepted, problem)
        except GateError as error:  # not remembered: it is read, compared and found done the next time
            log.warning("gitlab.unsaved gate=%s/%s why=%r", gate.namespace, gate.name, str(error))
