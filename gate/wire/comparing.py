"""Takes workloads that are due and compares each; what breaks off is tried again.

What follows from a decision waits until no other one is to be made: in a burst of upgrades each would else wait for the
runs of all before it.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from gate.errors import Conflict, GateError
from gate.model import WorkloadName
from gate.tracking.queue import WorkQueue
from gate.tracking.reconciler import Looked

log = logging.getLogger(__name__)

SOON = timedelta(milliseconds=50)
"""How soon to compare again, if a comparison broke off because something was written meanwhile."""
AGAIN = timedelta(seconds=2)
"""The same, if something does not work just now."""
AFTER_MISTAKE = timedelta(seconds=10)
"""The same, if nobody has thought of it."""
ASIDE = timedelta(minutes=1)
"""For how long at most the runs of a decision wait for other decisions."""


class Comparing:
    """Any number of threads may `run`; the queue gives no workload to two of them."""

    def __init__(
        self,
        due: WorkQueue[WorkloadName],
        look: Callable[[WorkloadName], Looked],
        *,
        leads: Callable[[], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._due, self._look, self._leads, self._now = due, look, leads, now
        self._term = 0
        self._rests: dict[WorkloadName, tuple[int, Callable[[], Looked]]] = {}
        """What was put aside, and in which term."""

    def begin(self) -> None:
        """Another term begins, or none: others may have acted, and what was put aside may be theirs by now."""
        self._term += 1

    def run(self) -> None:
        """Go on until the queue is closed."""
        while (name := self._due.take()) is not None:
            self.take_up(name)

    def take_up(self, name: WorkloadName) -> None:
        """Compare a workload that was taken, and give it back. Whoever begins to lead looks at everything."""
        term, (begun, rest) = self._term, self._rests.pop(name, (-1, None))
        going_on = rest if begun == term and self._due.was_aside(name) else None
        looked, again = self._next(name, going_on or partial(self._look, name)) if self._leads() else (None, None)
        if looked and looked.rest:
            self._rests[name] = (term, looked.rest)
        self._due.done(name)
        if looked and looked.rest:
            self._due.put_aside(name, within=ASIDE.total_seconds())
        elif again is not None:
            self._due.add(name, after=again)

    def _next(self, name: WorkloadName, act: Callable[[], Looked]) -> tuple[Looked | None, float | None]:
        """Looks, or goes on; what came of it, and in how many seconds to look again."""
        try:
            looked = act()
        except Conflict as error:  # somebody wrote it since it was read, as things should be: compare anew
            log.debug("decide.again workload=%s why=%r", name, str(error))
            return None, SOON.total_seconds()
        except GateError as error:
            log.warning("decide.again workload=%s why=%r", name, str(error))
            return None, AGAIN.total_seconds()
        except Exception:  # a mistake of ours about one workload must not end the thread that serves all others
            log.exception("decide.again workload=%s", name)
            return None, AFTER_MISTAKE.total_seconds()
        return looked, max(0.0, (looked.wake - self._now()).total_seconds()) if looked.wake else None
