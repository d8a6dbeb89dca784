"""Where all that is seen of one execution is written down whole; the run's status has only what it adds up to."""

from collections.abc import Sequence
from typing import Protocol

from gate.model import Evidence, Judgement, RunSpec, RunStatus, Target, TimelineEntry, Window
from gate.running.sampling import Question


class Record(Protocol):
    """The record of one execution. It never raises: to miss it is no reason to leave a fault in force."""

    def begin(self, spec: RunSpec, status: RunStatus) -> None:
        """The plan, and what another executor left behind."""
        ...

    def attempt(self, number: int) -> None:
        """The run begins, or begins again: what was seen before counts no more."""
        ...

    def note(self, entry: TimelineEntry) -> None:
        """One more line of the run's story."""
        ...

    def samples(self, probe: str, window: Window, step: str, questions: Sequence[Question]) -> None:
        """Questions of that window, in the order of their times, none of which changes any more. After the last ones
        of a window no more come.
        """
        ...

    def after(self, pods: Sequence[Target]) -> None:
        """The pods that ran when the last step had ended."""
        ...

    def finish(self, evidence: Evidence, judgement: Judgement, score: int) -> str:
        """The run is over. Returns where its record is, in one clause; empty if it could not be kept."""
        ...

    def close(self) -> None:
        """Let go of it, finished or not."""
        ...


class Unrecorded:
    """Nobody keeps a record."""

    def begin(self, spec: RunSpec, status: RunStatus) -> None: ...

    def attempt(self, number: int) -> None: ...

    def note(self, entry: TimelineEntry) -> None: ...

    def samples(self, probe: str, window: Window, step: str, questions: Sequence[Question]) -> None: ...

    def after(self, pods: Sequence[Target]) -> None: ...

    def finish(self, evidence: Evidence, judgement: Judgement, score: int) -> str:
        return ""

    def close(self) -> None: ...


UNRECORDED = Unrecorded()
