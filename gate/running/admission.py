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
    refused: str = ""
    due: float = float("-inf")
    """When the answer is as old as one may be, and it is asked again."""
    under_way: bool = False
    awaited: bool = False
    """Somebody was told that it is not known yet."""


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
        """What the policy has against its beginning; empty: nothing, or it is refused for good. None: it is not known
        now, and is being asked. Whoever waited meanwhile for something else may not begin on what was said before that.
        """
        with self._lock:
            known = self._known.setdefault(run.uid, _Asked())
            is_old = self._monotonic() >= known.due
            holder = None if is_old and not known.holder else known.holder
            known.awaited = known.awaited or holder is None
            asks = not known.under_way and is_old
            known.under_way = known.under_way or asks
        if asks:
            try:
                self._hands.do(lambda: self._ask(run, known))
            except RuntimeError:  # the machine has no thread for it now
                log.exception("admission.again run=%s", run.name)
                known.under_way = False
        return holder

    def refused(self, run: Run) -> str:
        """Why the policy forbids it at any time, as it was last found; empty if it does not, as far as is known."""
        with self._lock:
            known = self._known.get(run.uid)
            return known.refused if known else ""

    def keep(self, uids: Collection[str]) -> None:
        """Forget all other runs."""
        with self._lock:
            self._known = {uid: known for uid, known in self._known.items() if uid in uids}

    def close(self) -> None:
        """Wait for what is being asked."""
        self._hands.close()

    def _ask(self, run: Run, known: _Asked) -> None:
        before, found = known.holder, None
        try:
            found = self._answer(run)
        finally:
            with self._lock:
                if found:
                    known.holder, known.refused = found
                pause = max(AGAIN, len(self._known) * APART)
                known.due = self._monotonic() + pause.total_seconds()
                known.under_way = False
                tells, known.awaited = known.awaited or known.holder != before, False
            if tells:
                self._told()

    def _answer(self, run: Run) -> tuple[str, str]:
        """What holds it, and why it is refused."""
        try:
            return self._admits(run.spec), ""
        except Temporary as error:
            return f"the policy, which cannot be asked now: {error}", ""
        except GateError as error:  # it never will be otherwise: it goes, and whoever is to execute it ends it
            log.info("run.refused run=%s why=%r", run.name, str(error))
            return "", str(error)
