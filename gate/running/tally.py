"""What the questions of one probe in one window add up to, taken in one after the other. Pure.

A question costs the same whether it is the tenth or the ten-thousandth: nothing that was taken in is looked at again.
"""

from bisect import insort
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from gate.model import Probe, Sample, Summary, Window
from gate.running.sampling import Question
from gate.running.tolerance import is_slow


@dataclass(slots=True)
class Streak:
    """Answers that were not good in a row: for how long, now and at most.

    One alone has no length: how long it was bad around it, nobody asked.
    """

    since: datetime | None = None
    now: timedelta = timedelta(0)
    longest: timedelta = timedelta(0)

    def go_on(self, at: datetime) -> None:
        self.since = self.since or at
        self.now = at - self.since
        self.longest = max(self.longest, self.now)

    def end(self) -> None:
        self.since, self.now = None, timedelta(0)


@dataclass(slots=True)
class Calm:
    """The newest good answers in a row: from when to when, how many, and whether anything else came before them."""

    since: datetime | None = None
    until: datetime | None = None
    count: int = 0
    disturbed: bool = False

    def go_on(self, at: datetime) -> None:
        self.since = self.since or at
        self.until = at
        self.count += 1

    def end(self) -> None:
        self.since, self.count, self.disturbed = None, 0, True


@dataclass(slots=True)
class Tally:
    """Takes in questions in the order of their times. What was due and has no sample stays counted as due."""

    probe: Probe
    due: int = 0
    missing: str = ""
    slow: int = 0
    failures: int = 0
    first_bad: Sample | None = None
    last_bad: Sample | None = None
    numbers: int = 0
    lowest: float | None = None
    highest: float | None = None
    latencies: list[timedelta] = field(default_factory=list)
    """Of all samples, in order of length."""
    certain: Streak = field(default_factory=Streak)
    """How long it is certain that no answer was good: a question that was missed may have had a good one."""
    at_worst: Streak = field(default_factory=Streak)
    """The same, if all that is missing had been bad."""
    calm: Calm = field(default_factory=Calm)

    def add(self, question: Question) -> None:
        """One more, which is not older than those before."""
        self.due += 1
        self.missing = self.missing or question.why
        if question.good:
            self.certain.end()
            self.at_worst.end()
            self.calm.go_on(question.at)
        else:
            self.at_worst.go_on(question.at)
            self.calm.end()
            if question.bad:
                self.certain.go_on(question.at)
            else:
                self.certain.end()
        if question.sample is not None and question.counts:
            self._count(question.sample)

    def _count(self, sample: Sample) -> None:
        insort(self.latencies, sample.latency)
        self.slow += is_slow(self.probe, sample)
        if not sample.ok:
            self.failures += 1
            self.first_bad, self.last_bad = self.first_bad or sample, sample
        if sample.value is not None:
            self.numbers += 1
            self.lowest = sample.value if self.lowest is None else min(self.lowest, sample.value)
            self.highest = sample.value if self.highest is None else max(self.highest, sample.value)

    def with_more(self, questions: Iterable[Question]) -> "Tally":
        """What it would be with these as well; itself it stays as it is."""
        more = copy(self)
        more.latencies = self.latencies.copy()
        more.certain, more.at_worst, more.calm = copy(self.certain), copy(self.at_worst), copy(self.calm)
        for question in questions:
            more.add(question)
        return more

    def summary(self, window: Window, step: str) -> Summary:
        return Summary(
            probe=self.probe.name,
            window=window,
            step=step,
            due=self.due,
            samples=len(self.latencies),
            missing=self.missing,
            failures=self.failures,
            slow=self.slow,
            numbers=self.numbers,
            lowest=self.lowest,
            highest=self.highest,
            streak=self.certain.longest,
            streak_at_worst=self.at_worst.longest,
            first_failure=self.first_bad.at if self.first_bad else None,
            last_failure=self.last_bad.at if self.last_bad else None,
            detail=self.first_bad.detail if self.first_bad else "",
            p50=_percentile(self.latencies, 50),
            p95=_percentile(self.latencies, 95),
        )

    def steady_since(self, since: datetime, *, span: timedelta, least: int) -> datetime | None:
        """Since when all answers are good, of a window that began with `since`; None if not, or not for long enough."""
        calm = self.calm
        if calm.since is None or calm.until is None or calm.count < least or calm.until - calm.since < span:
            return None
        return calm.since if calm.disturbed else since


def summarise(probe: Probe, window: Window, step: str, questions: Sequence[Question]) -> Summary:
    """What the questions of one probe in one window add up to, in whatever order they come."""
    tally = Tally(probe)
    for question in sorted(questions, key=lambda question: question.at):
        tally.add(question)
    return tally.summary(window, step)


def _percentile(ordered: Sequence[timedelta], percent: int) -> timedelta | None:
    """The smallest value that is not exceeded by that share of all (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
