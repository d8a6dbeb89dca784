"""Which part of a step a question belongs to, and what a window's questions add up to. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gate.model import Probe, Sample, Summary, Window
from gate.running.sampling import Question
from gate.running.tolerance import is_slow


@dataclass(frozen=True, slots=True, kw_only=True)
class Marks:
    """The moments that divide a step. One that is None has not come."""

    injected: datetime
    reverted: datetime | None = None
    ended: datetime | None = None


def window_of(question: Question, marks: Marks) -> Window | None:
    """The window in which the question was put; None after the end of the step.

    A question that was under way when the fault was injected was met by the fault, and belongs to DURING.
    """
    if question.at < marks.injected:
        answered = question.answered
        under_way = question.open if answered is None else answered > marks.injected
        return Window.DURING if under_way else Window.BEFORE
    if marks.reverted is None or question.at < marks.reverted:
        return Window.DURING
    if marks.ended is None or question.at < marks.ended:
        return Window.AFTER
    return None


def summarise(probe: Probe, window: Window, step: str, questions: Sequence[Question]) -> Summary:
    """What the questions of one probe in one window add up to. What was due and has no sample stays counted as due."""
    questions = sorted(questions, key=lambda question: question.at)
    samples = [question.sample for question in questions if question.sample is not None]
    bad = [sample for sample in samples if not sample.ok]
    latencies = sorted(sample.latency for sample in samples)
    numbers = [sample.value for sample in samples if sample.value is not None]
    return Summary(
        probe=probe.name,
        window=window,
        step=step,
        due=len(questions),
        samples=len(samples),
        missing=next((question.why for question in questions if question.why), ""),
        failures=len(bad),
        slow=sum(is_slow(probe, sample) for sample in samples),
        numbers=len(numbers),
        lowest=min(numbers, default=None),
        highest=max(numbers, default=None),
        streak=longest_streak(samples),
        streak_at_worst=streak_at_worst(questions),
        first_failure=bad[0].at if bad else None,
        last_failure=bad[-1].at if bad else None,
        detail=bad[0].detail if bad else "",
        p50=_percentile(latencies, 50),
        p95=_percentile(latencies, 95),
    )


def longest_streak(samples: Iterable[Sample]) -> timedelta:
    """The longest time for which it is certain that no answer was good: from first to last of bad ones in a row.

    A single bad sample has no length: how long it was bad around it, nobody asked.
    """
    return _longest((sample.at, sample.ok) for sample in samples)


def streak_at_worst(questions: Iterable[Question]) -> timedelta:
    """How long that streak may have been, as nobody knows what the missing answers would have been."""
    return _longest((question.at, question.good) for question in questions)


def _longest(answers: Iterable[tuple[datetime, bool]]) -> timedelta:
    longest = timedelta(0)
    since: datetime | None = None
    for at, good in answers:
        if good:
            since = None
        else:
            since = since or at
            longest = max(longest, at - since)
    return longest


def current_streak(questions: Sequence[Question]) -> timedelta:
    """How long the newest answers have been bad in a row, as far as all are known. Cheap enough to be asked always."""
    last: datetime | None = None
    first: datetime | None = None
    for question in reversed(questions):
        if question.open:  # it may turn out good, and end the streak here
            first = last = None
        elif question.good:
            break
        elif question.sample is not None:
            first = question.sample.at
            last = last or first
    return timedelta(0) if first is None or last is None else last - first


def steady_since(questions: Sequence[Question], *, since: datetime, span: timedelta, least: int) -> datetime | None:
    """Since when the answers to what was asked after `since` are good; None if they are not, or not for long enough.

    Only what lies before the oldest open question is looked at: behind it, a bad answer may still be on its way.
    """
    run: list[Question] = []
    seen_bad = False
    for question in questions:
        if question.at < since:
            continue
        if question.open:
            break
        if question.good:
            run.append(question)
        else:
            run, seen_bad = [], True
    if len(run) < least or run[-1].at - run[0].at < span:
        return None
    return run[0].at if seen_bad else since


def _percentile(ordered: Sequence[timedelta], percent: int) -> timedelta | None:
    """The smallest value that is not exceeded by that share of all (nearest rank)."""
    if not ordered:
        return None
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
