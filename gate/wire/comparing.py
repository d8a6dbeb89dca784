"""Takes workloads that are due and compares each; what breaks off is tried again."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from gate.errors import Conflict, GateError
from gate.model import WorkloadName
from gate.tracking.queue import WorkQueue

log = logging.getLogger(__name__)

SOON = timedelta(milliseconds=50)
"""How soon to compare again, if a comparison broke off because something was written meanwhile."""
AGAIN = timedelta(seconds=2)
"""The same, if something does not work just now."""
AFTER_MISTAKE = timedelta(seconds=10)
"""The same, if nobody has thought of it."""


class Comparing:
    """Any number of threads may `run`; the queue gives no workload to two of them."""

    def __init__(
        self,
        due: WorkQueue[WorkloadName],
        compare: Callable[[WorkloadName], datetime | None],
        *,
        leads: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        """`compare` returns when to compare again even if nothing is heard."""
        self._due, self._compare, self._leads, self._now = due, compare, leads, now

    def run(self) -> None:
        """Go on until the queue is closed."""
        while (name := self._due.take()) is not None:
            self.take_up(name)

    def take_up(self, name: WorkloadName) -> None:
        """Compare a workload that was taken, and give it back. Whoever begins to lead looks at everything."""
        again = self._next(name) if self._leads() else None
        self._due.done(name)
        if again is not None:
            self._due.add(name, after=again)

    def _next(self, name: WorkloadName) -> float | None:
        """Compares; returns in how many seconds to compare again."""
        try:
            wake = self._compare(name)
        except Conflict as error:  # somebody wrote it since it was read, as things should be: compare anew
            log.debug("decide.again workload=%s why=%r", name, str(error))
            return SOON.total_seconds()
        except GateError as error:
            log.warning("decide.again workload=%s why=%r", name, str(error))
            return AGAIN.total_seconds()
        except Exception:  # a mistake of ours about one workload must not end the thread that serves all others
            log.exception("decide.again workload=%s", name)
            return AFTER_MISTAKE.total_seconds()
        return max(0.0, (wake - self._now()).total_seconds()) if wake else None
