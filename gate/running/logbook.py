"""The status of one run as it grows, and when it is written into the cluster."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from gate.errors import Temporary
from gate.model import RunStatus, StepRecord, TimelineEntry, Undo
from gate.running.ports import Journal
from gate.running.record import UNRECORDED, Record
from gate.running.time import Timekeeper

log = logging.getLogger(__name__)

SAVE_EVERY = timedelta(seconds=1)
"""How often those who watch the run see it move."""


class Logbook:
    """Keeps the status of a run and writes it down."""

    def __init__(self, status: RunStatus, journal: Journal, time: Timekeeper, record: Record = UNRECORDED) -> None:
        self.status = status
        self._record = record
        self._journal = journal
        self._time = time
        self._saved: datetime | None = None

    @property
    def guarded(self) -> bool:
        """Something is still to be taken back."""
        return any(undo.reverted is None for undo in self.status.evidence.undo)

    def note(self, what: str, **changes: Any) -> None:
        """One more line in the run's story, together with changes of the status that it tells about."""
        log.info("run.note what=%r", what)
        entry = TimelineEntry(at=self._time.now(), what=what)
        self.status = replace(self.status, timeline=(*self.status.timeline, entry), **changes)
        self._record.note(entry)

    def evidence(self, **changes: Any) -> None:
        """Put something into the evidence."""
        self.status = replace(self.status, evidence=replace(self.status.evidence, **changes))

    def undo(self, undo: Undo) -> None:
        """Put the undo in the place of the one with its id."""
        self.evidence(undo=tuple(undo if undo.id == each.id else each for each in self.status.evidence.undo))

    def step(self, record: StepRecord) -> None:
        """Put the step's record in the place of the one that is there, or at the end."""
        others = tuple(each for each in self.status.evidence.steps if each.step != record.step)
        self.evidence(steps=(*others, record))

    def save(self) -> None:
        """Write the status. Raises what the journal raises."""
        self._journal.save(self.status, guarded=self.guarded)
        self._saved = self._time.now()

    @property
    def due(self) -> bool:
        """It is time to show how far the run is."""
        return self._saved is None or self._time.now() - self._saved >= SAVE_EVERY

    def show(self) -> None:
        """Write the status for those who watch. Nothing depends on it: what does not work now will a second later."""
        try:
            self.save()
        except Temporary as error:
            log.warning("run.show why=%r", str(error))
            self._saved = self._time.now()
