"""Brings GitLab to show what the gates say, however long it takes: what is wanted stands in each gate, and so does what
GitLab has accepted. Nothing is kept here that a restart could lose.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from gate.errors import Conflict, GateError, Permanent, Temporary
from gate.model import Announcement, Gate

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
REFUSED_PAUSE = timedelta(minutes=10)
"""How long to leave alone what GitLab refused for good; a person has to act first."""
LANDED = timedelta(minutes=1)
"""By then whatever another replica was about to send has come to GitLab, or never will: no request takes longer."""
DOUBTED = 2
"""Of how many commits, the newest ones, nothing is taken for granted when in doubt: no other was written to lately."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """A gate was compared with GitLab, also as to what GitLab had accepted."""

    doubt: int
    """Which doubt it was."""
    again: float | None
    """When to compare once more, by the outbox' clock; None: that was the last time."""


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
        self._looks: dict[tuple[str, str], _Look] = {}
        self._doubt = 0

    def doubt(self) -> None:
        """Something may have been written behind our back: look at everything again, and once more a little later.

        A replica that led before may have been stopped with a request on its very way. Where that lands after ours it
        covers what GitLab had accepted, and nothing but a look at GitLab tells.
        """
        self._doubt += 1

    def deliver(self, namespace: str, name: str) -> timedelta | None:
        """Deliver what is outstanding; returns after how long to come back, None when all is said.

        While GitLab is away a gate goes on changing. That does not bring GitLab back sooner: it is asked when the pause
        is over, and only then does the next pause become longer.
        """
        key = (namespace, name)
        gate = self._gates.latest(namespace, name)
        if gate is None:
            self._pauses.pop(key, None)
            self._looks.pop(key, None)
            return None
        if left := self._left(key):
            return left
        look = self._next_look(key)
        told = gate.told - (_newest(gate.status.announcements) if look else frozenset())
        outstanding = [each for each in gate.status.announcements if each not in told]
        accepted: dict[str, str | None] = {}
        later: list[Temporary] = []
        problem, pause = "", None
        for announcement in outstanding:
            try:
                accepted[announcement.key] = self._report(announcement, self._link(gate))
            except Permanent as error:
                problem, pause = str(error), REFUSED_PAUSE
                _say(logging.ERROR, "gitlab.refused", gate, problem)
            except Temporary as error:
                later.append(error)
        if later:
            problem, pause = str(later[-1]), self._lengthen(key, later)
            _say(logging.WARNING, "gitlab.later", gate, problem)
        else:
            self._pauses.pop(key, None)
            if look:
                self._looks[key] = look
        current = {each.key for each in gate.status.announcements}
        accepted |= dict.fromkeys(gate.accepted.keys() - current)
        if accepted or problem != gate.reported:
            self._save(gate, accepted, problem)
        return pause or self._next_look_in(key)

    def _next_look(self, key: tuple[str, str]) -> _Look | None:
        """The look at what GitLab has accepted that is due now, if one is."""
        last, now = self._looks.get(key), self._monotonic()
        if self._doubt > (last.doubt if last else 0):
            return _Look(doubt=self._doubt, again=now + LANDED.total_seconds())
        if last and last.again is not None and now >= last.again:
            return _Look(doubt=last.doubt, again=None)
        return None

    def _next_look_in(self, key: tuple[str, str]) -> timedelta | None:
        last = self._looks.get(key)
        if last is None or last.again is None:
            return None
        return timedelta(seconds=max(0.0, last.again - self._monotonic()))

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
            # A gate that was written meanwhile is on its way here again; anything else a person has to look after.
            level = logging.DEBUG if isinstance(error, Conflict) else logging.WARNING
            log.log(level, "gitlab.unsaved gate=%s/%s why=%r", gate.namespace, gate.name, str(error))


def _newest(announcements: Sequence[Announcement]) -> frozenset[Announcement]:
    """Those of the newest commits; a gate keeps the oldest first."""
    commits = list(dict.fromkeys(each.commit for each in reversed(announcements)))[:DOUBTED]
    return frozenset(each for each in announcements if each.commit in commits)


def _say(level: int, what: str, gate: Gate, why: str) -> None:
    """Loudly once; the same again and again would only hide the rest of the log."""
    log.log(
        logging.DEBUG if why == gate.reported else level, "%s gate=%s/%s why=%r", what, gate.namespace, gate.name, why
    )
