"""GitLab's freeze periods of the projects that a workload is subscribed for, and which of them are on."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from gate.errors import GateError, Permanent, Temporary
from gate.gitlab.freezing import FreezePeriod, frozen_until
from gate.model import WorkloadName
from gate.policy.question import Freeze

log = logging.getLogger(__name__)

FRESH, AGAIN = 60.0, 15.0
"""Seconds for which an answer counts, and those after which GitLab is asked again that did not answer."""


class GitLab(Protocol):
    """That of one project."""

    def freeze_periods(self, project: str) -> Sequence[FreezePeriod]:
        """All of its periods. Raises `GateError`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    """What is known of all projects together."""

    freezes: tuple[Freeze, ...] = ()
    """Those that are on."""
    unheard: tuple[str, ...] = ()
    """Why it is not known of the other ones."""


@dataclass(slots=True)
class _Project:
    """What a project has said, or why it has not."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held while GitLab is asked: one question is enough for all who want to know."""
    until: float = float("-inf")
    periods: Sequence[FreezePeriod] = ()
    problem: str = ""


@dataclass(slots=True)
class _Instance:
    """A GitLab that did not answer."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    """Held by whoever finds out whether it answers again: the others do not wait for it once more."""
    until: float = float("-inf")
    problem: str = ""


class Freezes:
    """Asks GitLab, and remembers for a while what it said. Thread-safe."""

    def __init__(
        self,
        projects: Callable[[WorkloadName], Iterable[str]],
        gitlab: Callable[[str], GitLab] | None,
        monotonic: Callable[[], float],
    ) -> None:
        """`projects` of a workload; `gitlab` of a project, which raises `GateError` if there is none."""
        self._projects, self._gitlab, self._monotonic = projects, gitlab, monotonic
        self._lock = threading.Lock()
        self._known: dict[str, _Project] = {}
        self._silent: dict[GitLab, _Instance] = {}
        """Each GitLab that has been silent once. One that is asked in vain for one project is so for all of them."""

    def __call__(self, workload: WorkloadName, now: datetime) -> Frozen:
        """The freezes that are on now for the workload."""
        freezes, unheard = list[Freeze](), list[str]()
        for project in sorted(set(self._projects(workload))):
            try:
                freezes += _on(project, self._periods(project), now)
            except GateError as error:
                unheard.append(f"{project}: {error}")
        return Frozen(freezes=tuple(freezes), unheard=tuple(unheard))

    def _periods(self, project: str) -> Sequence[FreezePeriod]:
        with self._lock:
            known = self._known.setdefault(project, _Project())
        with known.lock:
            if self._monotonic() >= known.until:
                self._ask(project, known)
            if known.problem:
                raise Permanent(known.problem)
            return known.periods

    def _ask(self, project: str, known: _Project) -> None:
        try:
            if self._gitlab is None:
                raise Permanent("the gate has no GitLab; set CHAOS_GATE_GITLAB_URL")
            known.periods, known.problem = self._heard(self._gitlab(project), project), ""
        except GateError as error:
            known.problem = str(error)
            log.warning("policy.freezes project=%s why=%r", project, known.problem)
        known.until = self._monotonic() + (AGAIN if known.problem else FRESH)

    def _heard(self, gitlab: GitLab, project: str) -> Sequence[FreezePeriod]:
        """What it says; at once that it says nothing, if it did so a moment ago. Raises `GateError`."""
        with self._lock:
            silent = self._silent.get(gitlab)
        if silent is None or not silent.problem:
            return self._asked(gitlab, project)
        if not silent.lock.acquire(blocking=False):
            raise Temporary(silent.problem)
        try:
            if self._monotonic() < silent.until:
                raise Temporary(silent.problem)
            return self._asked(gitlab, project)
        finally:
            silent.lock.release()

    def _asked(self, gitlab: GitLab, project: str) -> Sequence[FreezePeriod]:
        try:
            periods, problem = gitlab.freeze_periods(project), ""
        except Temporary as error:
            periods, problem = (), str(error)
        with self._lock:
            if problem or gitlab in self._silent:
                silent = self._silent.setdefault(gitlab, _Instance())
                silent.problem, silent.until = problem, self._monotonic() + AGAIN
        if problem:
            raise Temporary(problem)
        return periods


def _on(project: str, periods: Iterable[FreezePeriod], now: datetime) -> Iterator[Freeze]:
    for period in periods:
        if end := frozen_until(period, now):
            yield Freeze(start=now, end=end, why=f"the freeze period of {project} in GitLab, {period}")
