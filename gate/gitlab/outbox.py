"""Brings GitLab to show what the gates say, however long it takes: what is wanted stands in each gate, and so does what
GitLab has accepted. Nothing is kept here that a restart could lose.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Protocol

from gate.errors import GateError, Permanent, Temporary
from gate.gitlab.statuses import mark
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


class Outbox:
    """Looks at one gate at a time; the queue in front of it brings it back when told to."""

    def __init__(self, gates: Gates, report: Callable[[Announcement, str], str], link: Callable[[Gate], str]) -> None:
        """`report` makes GitLab show an announcement with a link, and returns its mark."""
        self._gates, self._report, self._link = gates, report, link
        self._pauses: dict[tuple[str, str], timedelta] = {}

    def deliver(self, namespace: str, name: str) -> timedelta | None:
        """Deliver what is outstanding; returns after how long to come back, None when all is said."""
        gate = self._gates.latest(namespace, name)
        if gate is None:
            self._pauses.pop((namespace, name), None)
            return None
        outstanding = [each for each in gate.status.announcements if gate.accepted.get(key_of(each)) != mark(each)]
        accepted: dict[str, str | None] = {}
        problem, pause = "", None
        for announcement in outstanding:
            try:
                accepted[key_of(announcement)] = self._report(announcement, self._link(gate))
            except Permanent as error:
                problem, pause = str(error), pause or REFUSED_PAUSE
                log.error("gitlab.refused gate=%s/%s why=%r", namespace, name, str(error))  # noqa: TRY400
            except Temporary as error:
                problem, pause = str(error), self._pause((namespace, name), error)
                log.warning("gitlab.later gate=%s/%s retry_in=%s why=%r", namespace, name, pause, str(error))
        current = {key_of(each) for each in gate.status.announcements}
        accepted |= dict.fromkeys(gate.accepted.keys() - current)
        if accepted or problem != gate.reported:
            self._save(gate, accepted, problem)
        if pause is None:
            self._pauses.pop((namespace, name), None)
        return pause

    def _save(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        try:
            self._gates.save_accepted(gate, accepted, problem)
        except GateError as error:  # not remembered: it is read, compared and found done the next time
            log.warning("gitlab.unsaved gate=%s/%s why=%r", gate.namespace, gate.name, str(error))

    def _pause(self, key: tuple[str, str], error: Temporary) -> timedelta:
        last = self._pauses.get(key)
        pause = min(2 * last, LONGEST_PAUSE) if last else FIRST_PAUSE
        self._pauses[key] = pause
        return max(pause, timedelta(seconds=error.retry_after or 0))


def key_of(announcement: Announcement) -> str:
    """What an announcement is about: a status name on a commit in a pipeline."""
    commit = announcement.commit
    return f"{announcement.name} {commit.sha} {commit.pipeline or '-'}"
