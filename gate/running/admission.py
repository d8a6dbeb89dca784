"""What the policy says against the beginning of runs that nobody has begun. It is asked beside the loop that beats for
those that run: whoever is asked about alerts and freezes may take his time.
"""

import logging
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta

from gate.errors import GateError, Temporary
from gate.model import Run, RunSpec
from gate.running.hands import Hands

log = logging.getLogger(__name__)

AGAIN = timedelta(seconds=5)
"""How often it is asked about one run; more seldom where so many wait that it would be asked more often than this:"""
APART = timedelta(milliseconds=100)
ASKERS = 4


@dataclass(slots=True)
class _Asked:
    """What is known of one run."""

    holder: str | None = None
    due: float = float("-inf")
    under_way: bool = False


class Admission:
    """Remembers for a moment what holds each run. Thread-safe."""

    def __init__(
        self,
        admits: Callable[[RunSpec], str],
        monotonic: Callable[[], float],
        told: Callable[[], None] = lambda: None,
    ) -> None:
        """`admits` as in `gate.running.ports.World`; `told` is called when something is known that was not."""
        self._admits, self._monotonic, self._told = admits, monotonic, told
        self._hands = Hands("admission", ASKERS)
        self._lock = threading.Lock()
        self._known: dict[str, _Asked] = {}

    def holder(self, run: Run) -> str | None:
        """What the policy has against its beginning; empty: nothing. None: it is not known yet, and is being asked."""
        with self._lock:
            known = self._known.setdefault(run.uid, _Asked())
            asks = not known.under_way and self._monotonic() >= known.due
            known.under_way = known.under_way or asks
        if asks:
            try:
                self._hands.do(lambda: self._ask(run, known))
            except RuntimeError:  # the machine has no thread for it now
                log.exception("admission.again run=%s", run.name)
                known.under_way = False
        return known.holder

    def keep(self, uids: Collection[str]) -> None:
        """Forget all other runs."""
        with self._lock:
            self._known = {uid: known for uid, known in self._known.items() if uid in uids}

    def close(self) -> None:
        """Wait for what is being asked."""
        self._hands.close()

    def _ask(self, run: Run, known: _Asked) -> None:
        before = known.holder
        try:
            known.holder = self._answer(run)
        finally:
            with self._lock:
                pause = max(AGAIN, len(self._known) * APART)
            known.due = self._monotonic() + pause.total_seconds()
            known.under_way = False
        if known.holder != before:
            self._told()

    def _answer(self, run: Run) -> str:
        try:
            return self._admits(run.spec)
        except Temporary as error:
            return f"the policy, which cannot be asked now: {error}"
        except GateError as error:  # it never will be otherwise: whoever executes the run asks again, and ends it
            log.info("run.refused run=%s why=%r", run.name, str(error))
            return ""
