"""Asks each probe on its rhythm, however slow the answers are."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gate.model import Probe, Sample
from gate.running.ports import Answer, Asker, Background, NoSample, never
from gate.running.time import Timekeeper

TOO_LATE = 1.0
"""Seconds by which a question may be late and is still put. A later one was missed: it is due, without a sample."""

OURS = 0.5
"""The share of the time that an answer took for which the gate must have stood still to be the reason for it."""

MISSED = "the gate was too busy to ask in time"
STOOD_STILL = "the gate stood still meanwhile, so that it cannot say how long the answer took"
BELATED = "the gate was too busy to ask in time, and a bad answer at another time counts for nothing"


@dataclass(slots=True)
class Question:
    """A question that was due: when it was put (or should have been), and its sample when there is one."""

    at: datetime
    sample: Sample | None = None
    open: bool = True
    """An answer may still come."""
    why: str = ""
    """Why there is no sample and none will come, or why the one that there is does not count."""

    @property
    def counts(self) -> bool:
        return self.sample is not None and not self.why

    @property
    def good(self) -> bool:
        return self.sample is not None and self.sample.ok

    @property
    def bad(self) -> bool:
        """There was a bad answer at that time, whether it counts or not."""
        return self.sample is not None and not self.sample.ok

    @property
    def answered(self) -> datetime | None:
        return None if self.sample is None else self.sample.at + self.sample.latency


class _Rhythm:
    """One probe, and when it is to be asked next: at whole multiples of its interval, so that nothing drifts."""

    def __init__(self, probe: Probe, asker: Asker, start: float) -> None:
        self.name = probe.name
        self.asker = asker
        self.questions: list[Question] = []
        self.every = probe.every.total_seconds()
        self._p95 = probe.tolerate.p95
        self._start = start
        self._count = 0

    @property
    def due(self) -> float:
        return self._start + self._count * self.every

    def is_slow(self, latency: timedelta) -> bool:
        """Whether an answer that took so long is more than `tolerate.p95` allows."""
        return self._p95 is not None and latency > self._p95

    def advance(self) -> None:
        self._count += 1


class Sampler:
    """Puts the questions of one run and keeps what comes back. Safe to read while it is at work."""

    def __init__(
        self,
        probes: Sequence[Probe],
        askers: Mapping[str, Asker],
        time: Timekeeper,
        background: Background,
        stood_still: Callable[[float], float] = never,
    ) -> None:
        start = time.monotonic()
        self._stood_still = stood_still
        self._rhythms = [_Rhythm(probe, askers[probe.name], start) for probe in probes]
        self._time = time
        self._background = background
        self._lock = threading.Lock()
        self._end = background.beat(self._tick) if self._rhythms else lambda: None

    def questions(self, probe: str) -> list[Question]:
        """The questions of one probe that were due so far and are not forgotten, in their order."""
        with self._lock:
            found = [question for rhythm in self._rhythms if rhythm.name == probe for question in rhythm.questions]
        return sorted(found, key=lambda question: question.at)

    def waiting(self, before: datetime) -> bool:
        """Whether an answer to a question from before that time may still come."""
        with self._lock:
            return any(q.open and q.at < before for rhythm in self._rhythms for q in rhythm.questions)

    def forget(self, probe: str, questions: Sequence[Question]) -> None:
        """Let go of these questions of that probe; what is still answered to them, nobody hears."""
        gone = {id(question) for question in questions}
        with self._lock:
            for rhythm in self._rhythms:
                if gone and rhythm.name == probe:
                    rhythm.questions = [question for question in rhythm.questions if id(question) not in gone]

    def stop(self) -> None:
        """Put no more questions. Answers that are under way still come."""
        self._end()

    def _tick(self) -> float:
        now = self._time.monotonic()
        for rhythm in self._rhythms:
            while rhythm.due <= now:
                self._put(rhythm, late=now - rhythm.due > TOO_LATE)
                rhythm.advance()
        return max(0.0, min(rhythm.due for rhythm in self._rhythms) - self._time.monotonic())

    def _put(self, rhythm: _Rhythm, *, late: bool) -> None:
        due = rhythm.due
        question = Question(at=self._time.at(due), open=not late, why=MISSED if late else "")
        with self._lock:
            rhythm.questions.append(question)
        if late:
            return
        try:
            self._background.do(lambda: self._ask(rhythm, question, due))
        except RuntimeError:  # there is no thread for it now, and nobody would ever answer it
            question.why, question.open = MISSED, False

    def _ask(self, rhythm: _Rhythm, question: Question, due: float) -> None:
        """What the service is not to blame for is no sample: neither a question that had to wait for us, nor an answer
        that was bad or slow while we stood still. Nor does a bad answer count to a question that was put when the next
        one was due: that moment counts once.
        """
        began = self._time.monotonic()
        if began - due > TOO_LATE:
            question.why, question.open = MISSED, False
            return
        question.at = self._time.at(began)
        try:
            match rhythm.asker():
                case Answer(ok=ok, detail=detail, value=value):
                    latency = timedelta(seconds=self._time.monotonic() - began)
                    ours = timedelta(seconds=self._stood_still(began))
                    if (not ok or rhythm.is_slow(latency)) and ours and ours >= OURS * latency:
                        question.why = STOOD_STILL
                        return
                    question.why = BELATED if not ok and began - due >= rhythm.every else ""
                    question.sample = Sample(at=question.at, ok=ok, latency=latency, detail=detail, value=value)
                case NoSample(why=why):
                    question.why = why
        finally:  # an asker never raises; one that does has no answer that is worth waiting for
            question.open = False
