"""Runs that people made by hand get their verdicts here: from their evidence, as all do, and no gate hears of it."""

import logging
from collections.abc import Callable
from datetime import timedelta

from gate.cluster.mirror import Key
from gate.errors import GateError
from gate.model import Run, RunPhase
from gate.tracking.ports import Judge, Runs
from gate.tracking.queue import WorkQueue

log = logging.getLogger(__name__)

AGAIN = timedelta(seconds=2)
"""How soon to try again what does not work just now."""
AFTER_MISTAKE = timedelta(seconds=10)
"""The same, if nobody has thought of it."""


def awaits_verdict(run: Run) -> bool:
    """It was made by hand, and its evidence is complete."""
    return bool(run.spec.asked_by) and run.status.phase is RunPhase.EXECUTED


class Judging:
    """Takes runs that were made by hand, and judges each that has been executed."""

    def __init__(self, due: WorkQueue[Key], runs: Runs, judge: Judge, *, leads: Callable[[], bool]) -> None:
        self._due, self._runs, self._judge, self._leads = due, runs, judge, leads

    def run(self) -> None:
        """Go on until the queue is closed."""
        while (key := self._due.take()) is not None:
            again = self.look(key) if self._leads() else None
            self._due.done(key)
            if again is not None:
                self._due.add(key, after=again.total_seconds())

    def look(self, key: Key) -> timedelta | None:
        """Judge the run if it is one that waits for it; returns when to look again."""
        try:
            run = self._runs.get(*key)
            if run is not None and awaits_verdict(run):
                self._give(run)
        except GateError as error:
            log.warning("judge.again run=%s/%s why=%r", *key, str(error))
            return AGAIN
        except Exception:  # a mistake of ours about one run must not end the thread that serves all others
            log.exception("judge.again run=%s/%s", *key)
            return AFTER_MISTAKE
        return None

    def _give(self, run: Run) -> None:
        judgement, score = self._judge(run)
        log.info(
            "run.judged run=%s asked_by=%r verdict=%s reason=%s why=%r",
            run.name,
            run.spec.asked_by,
            judgement.verdict,
            judgement.reason,
            judgement.message,
        )
        self._runs.save_verdict(run, judgement, score)
