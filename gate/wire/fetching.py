"""Keeps the catalogue fresh. While git is away the last revision that was fetched stays in force."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Protocol

from gate.catalogue.subscribed import Subscribed
from gate.cluster.known import Known
from gate.documents.catalogue import Catalogue
from gate.errors import GateError, Temporary
from gate.model import WorkloadName
from gate.running.ports import Clock

log = logging.getLogger(__name__)

SOONER = 0.2
"""The share of the time between two fetches that chance may take off."""
AGAIN = timedelta(seconds=2)
"""How soon to look again while no revision has been read."""


class Repository(Protocol):
    """Where the documents come from."""

    def fetch(self) -> object:
        """Bring what is at hand up to date. Raises `GateError` when that did not work."""
        ...

    def fetched(self) -> datetime | None:
        """When that last worked; None if it never did."""
        ...

    def read(self, fetched: datetime) -> Catalogue:
        """The documents at hand. Raises `GateError` if there are none."""
        ...


class Fetching:
    """Fetches every so often, and at once when hurried."""

    def __init__(
        self,
        repository: Repository,
        subscribed: Subscribed,
        known: Known,
        *,
        leads: Callable[[], bool],
        changed: Callable[[Iterable[WorkloadName]], None],
        learnt: Callable[[], None],
        every: timedelta,
        draw: Callable[[], float],
        clock: Clock,
    ) -> None:
        """`changed` hears of a new revision in force, with the workloads that it or the one before it names; `learnt`
        when what is kept of the subscriptions has been read in a new term. Of `every` up to `SOONER` is taken off, as
        `draw` gives it, from 0 to 1: gates that began together do not ask together.
        """
        self._repository, self._subscribed, self._known, self._clock = repository, subscribed, known, clock
        self._leads, self._changed, self._learnt, self._every = leads, changed, learnt, every
        self._draw = draw
        self._hurried = threading.Event()
        self._terms, self._term, self._learnt_in = 0, 0, 0
        self.problem = ""
        """Why the catalogue cannot be fetched, in one sentence."""

    @property
    def fetched(self) -> datetime | None:
        """When the catalogue in force was known to be the newest."""
        catalogue = self._subscribed.catalogue
        return catalogue.fetched if catalogue else None

    @property
    def may_decide(self) -> bool:
        """Whether what is kept was read since this replica began to lead: what it remembers by itself may be older than
        what the leader before it has written.
        """
        return self._term > 0 and self._learnt_in == self._term

    def lead(self, leads: bool) -> None:
        """This replica leads from now on, or does not any more."""
        self._terms += 1
        self._term = self._terms if leads else 0
        if leads:
            self.hurry()

    def hurry(self) -> None:
        self._hurried.set()

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; call `hurry` after that."""
        while not stop.is_set():
            self._hurried.clear()
            try:
                pause = self.step()
            except Exception as error:  # whatever it is, the next revision is to be read
                log.exception("catalogue.unread")
                self.problem, pause = f"{type(error).__name__}: {error}", AGAIN
            if not stop.is_set():
                self._clock.wait(self._hurried, pause.total_seconds())

    def step(self) -> timedelta:
        """Fetch once; returns how soon to do so again."""
        unlearnt = self._learn()
        fetched = self._clock.now()
        try:
            self._repository.fetch()
            self.problem = unlearnt
        except GateError as error:
            log.warning("catalogue.stale revision=%s why=%r", self._subscribed.revision or "-", str(error))
            self.problem, fetched = str(error), self.fetched or self._repository.fetched() or fetched
        if not unlearnt:
            try:
                catalogue = self._repository.read(fetched)
                self._put(catalogue)
            except GateError as error:
                log.warning("catalogue.unread why=%r", str(error))
                self.problem = self.problem or str(error)
            else:
                for each in catalogue.not_taken:
                    log.warning("catalogue.not_taken why=%r", str(each))
                    self.problem = "; ".join(filter(None, (self.problem, str(each))))
        if not self._subscribed.revision or (self._term and not self.may_decide):
            return AGAIN
        return self._every * (1 - SOONER * self._draw())

    def _learn(self) -> str:
        """Read what is kept, before anything else: git may take its time. Returns why that did not work.

        What can be told now and not later, such as the verdict of a run, must not wait for somebody to mend what is
        kept; what cannot be reached will be there in a moment.
        """
        term = self._term
        try:
            self._subscribed.knew(self._known.read())
        except GateError as error:
            log.warning("catalogue.unread why=%r", str(error))
            if isinstance(error, Temporary):
                return str(error)
            problem = str(error)
        else:
            problem = ""
        if term and self._learnt_in != term:
            self._learnt_in = term
            self._learnt()
        return problem

    def _put(self, catalogue: Catalogue) -> None:
        """What is new is kept first: nobody decides on what the next leader would not know. Should that not work just
        now, it is tried with the next fetch.
        """
        is_new = catalogue.revision != self._subscribed.revision
        names = self._subscribed.put(catalogue)
        try:
            if self._leads():
                self._known.save(self._subscribed.known)
        finally:
            if is_new:
                self._tell(catalogue)
                self._changed(names)

    def _tell(self, catalogue: Catalogue) -> None:
        log.info(
            "catalogue.read revision=%s subscriptions=%d workflows=%d broken=%d",
            catalogue.revision,
            len(catalogue.loaded.subscriptions),
            len(catalogue.linked.workflows),
            len(catalogue.linked.broken),
        )
        for problem in catalogue.linked.problems:
            log.error("catalogue.broken why=%r", str(problem))
