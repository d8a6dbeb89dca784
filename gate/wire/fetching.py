"""Keeps the catalogue fresh. While git is away the last revision that was fetched stays in force."""

import logging
import threading
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from gate.catalogue.repository import Repository
from gate.catalogue.subscribed import Subscribed
from gate.cluster.known import Known
from gate.documents.catalogue import Catalogue
from gate.errors import GateError
from gate.model import WorkloadName
from gate.running.ports import Clock

log = logging.getLogger(__name__)

AGAIN = timedelta(seconds=2)
"""How soon to look again while no revision has been read."""


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
        every: timedelta,
        clock: Clock,
    ) -> None:
        """`changed` hears of a new revision in force, with the workloads that it or the one before it names."""
        self._repository, self._subscribed, self._known, self._clock = repository, subscribed, known, clock
        self._leads, self._changed, self._every = leads, changed, every
        self._hurried = threading.Event()
        self.problem = ""
        """Why the catalogue cannot be fetched, in one sentence."""

    @property
    def fetched(self) -> datetime | None:
        """When the catalogue in force was known to be the newest."""
        catalogue = self._subscribed.catalogue
        return catalogue.fetched if catalogue else None

    def hurry(self) -> None:
        self._hurried.set()

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; call `hurry` after that."""
        while not stop.is_set():
            self._hurried.clear()
            try:
                self._once()
            except Exception as error:  # whatever it is, the next revision is to be read
                log.exception("catalogue.unread")
                self.problem = f"{type(error).__name__}: {error}"
            pause = self._every if self._subscribed.revision else AGAIN
            if not stop.is_set():
                self._clock.wait(self._hurried, pause.total_seconds())

    def _once(self) -> None:
        fetched = self._clock.now()
        try:
            self._repository.fetch()
            self.problem = ""
        except GateError as error:
            log.warning("catalogue.stale revision=%s why=%r", self._subscribed.revision or "-", str(error))
            self.problem, fetched = str(error), self.fetched or self._repository.fetched() or fetched
        try:
            self._subscribed.knew(self._known.read())
            self._put(self._repository.read(fetched))
            if self._leads():
                self._known.save(self._subscribed.known)
        except GateError as error:
            log.warning("catalogue.unread why=%r", str(error))
            self.problem = self.problem or str(error)

    def _put(self, catalogue: Catalogue) -> None:
        is_new = catalogue.revision != self._subscribed.revision
        names = self._subscribed.put(catalogue)
        if not is_new:
            return
        log.info(
            "catalogue.read revision=%s subscriptions=%d workflows=%d broken=%d",
            catalogue.revision[:8],
            len(catalogue.loaded.subscriptions),
            len(catalogue.linked.workflows),
            len(catalogue.linked.broken),
        )
        for problem in catalogue.linked.problems:
            log.error("catalogue.broken why=%r", str(problem))
        self._changed(names)
