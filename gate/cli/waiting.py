"""Waiting for a gate's final answer: asks on through restarts and network loss, until it knows or time is over."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import IntEnum
from typing import Protocol

from gate.cli.duration import spoken
from gate.cli.story import progress
from gate.errors import Temporary
from gate.model import Verdict
from gate.web.answer import Answer, State

POLL = 50.0
"""Seconds that the gate may hold a question until its answer changes. Proxies cut what is silent for a minute; where
one cuts sooner, a question is held for half as long from then on.
"""
SHORTEST_POLL = 10.0
"""Seconds."""
HEARTBEAT = 30.0
"""Seconds of silence after which a line is said, so that nobody takes the job for dead."""
PACE = 1.0
"""Seconds between two questions at least."""
GRACE = 3
"""Answers in a row that must say that nobody subscribed: the gate may be reading a new catalogue right now."""
LONGEST_BACKOFF = 15.0
"""Seconds."""


class Exit(IntEnum):
    """The exit codes of `chaos-gate wait`."""

    OPEN = 0
    FAILED = 1
    USAGE = 2
    ERRORED = 3
    CANCELED = 4
    LATE = 5
    UNSUBSCRIBED = 6


EXITS = {
    Verdict.PASSED: Exit.OPEN,
    Verdict.FAILED: Exit.FAILED,
    Verdict.ERRORED: Exit.ERRORED,
    Verdict.CANCELED: Exit.CANCELED,
}


class Gate(Protocol):
    """The gate, as far as one who waits sees it."""

    def ask(self, *, after: str, timeout: float) -> Answer:
        """The answer once its etag is not `after`, or after `timeout` seconds; `Temporary` if there is none now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How the wait ended. Without an answer the gate was never reached."""

    exit: Exit
    answer: Answer | None
    message: str = ""
    """What happened, where the answer itself does not say it."""


class Waiting:
    """One wait, from the first question to the end."""

    def __init__(
        self,
        gate: Gate,
        *,
        patience: timedelta,
        monotonic: Callable[[], float],
        sleep: Callable[[float], None],
        say: Callable[[str], None],
    ) -> None:
        self._gate = gate
        self._patience = patience
        self._monotonic = monotonic
        self._sleep = sleep
        self._say = say
        self._begun = self._spoke = monotonic()
        self._line = ""
        self._hold = POLL
        self._failures = 0
        self._unsubscribed = 0
        self._known: Answer | None = None

    def end(self) -> Ending:
        """Wait until the answer is final or the time is over. Errors other than `Temporary` come through."""
        while self._remaining() > 0:
            asked = self._monotonic()
            try:
                answer = self._ask()
            except Temporary as error:
                self._lost(error)
                continue
            self._found(answer)
            if answer.overrides:
                return Ending(exit=Exit.OPEN, answer=answer)
            if answer.verdict is not None:
                return Ending(exit=EXITS[answer.verdict], answer=answer)
            if self._unsubscribed >= GRACE:
                return Ending(exit=Exit.UNSUBSCRIBED, answer=answer, message=answer.message)
            self._rest(PACE - (self._monotonic() - asked))
        message = f"no verdict within {spoken(self._patience)}"
        if self._known is not None:
            message += f"; last heard: {progress(self._known)}"
        if self._failures:
            message += "; the gate could not be asked at the end"
        return Ending(exit=Exit.LATE, answer=self._known, message=message)

    def _ask(self) -> Answer:
        hold = 0.0 if self._unsubscribed else min(self._hold, self._remaining())
        return self._gate.ask(after=self._known.etag if self._known else "", timeout=hold)

    def _found(self, answer: Answer) -> None:
        if self._failures:
            self._tell("the gate answers again")
        self._failures = 0
        self._unsubscribed = self._unsubscribed + 1 if answer.state is State.UNSUBSCRIBED else 0
        self._known = answer
        line = progress(answer)
        if line != self._line:
            self._line = line
            self._tell(line)
        else:
            self._heartbeat(f"still {line}")

    def _lost(self, error: Temporary) -> None:
        self._failures += 1
        self._hold = max(self._hold / 2, SHORTEST_POLL)
        if self._failures == 1:
            self._tell(f"{error}; asking again for {spoken(timedelta(seconds=self._remaining()))}")
        else:
            self._heartbeat(f"still no answer: {error}")
        pause = min(2.0 ** (self._failures - 1), LONGEST_BACKOFF)
        self._rest(max(pause, error.retry_after or 0.0))

    def _heartbeat(self, line: str) -> None:
        if self._monotonic() - self._spoke >= HEARTBEAT:
            self._tell(line)

    def _tell(self, line: str) -> None:
        self._spoke = self._monotonic()
        self._say(f"[{spoken(timedelta(seconds=round(self._spoke - self._begun))):>12}] {line}")

    def _remaining(self) -> float:
        return self._begun + self._patience.total_seconds() - self._monotonic()

    def _rest(self, seconds: float) -> None:
        pause = min(seconds, self._remaining())
        if pause > 0:
            self._sleep(pause)
