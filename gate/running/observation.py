"""What the probes of one run saw, told apart by windows: the baseline, then each step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from gate.model import SECOND, Probe, Summary, Window
from gate.running.sampling import Question, Sampler
from gate.running.windows import Marks, current_streak, steady_since, summarise, window_of

Keep = Callable[[Summary, Sequence[Question]], None]
"""Told of each window that is over: what it adds up to, and of which questions."""

STEADY_FOR = SECOND
STEADY_SAMPLES = 3
"""Steady again: that many good samples over that long, of every probe, without a bad one in between."""


class Observation:
    """The samples of the run's current part, and the summaries of the parts before it."""

    def __init__(
        self,
        probes: Sequence[Probe],
        sampler: Sampler,
        past: Sequence[Summary] = (),
        keep: Keep = lambda _summary, _questions: None,
    ) -> None:
        self._probes = probes
        self._sampler = sampler
        self._keep = keep
        self._over = False
        self._past = tuple(past)
        self._step = ""
        self._marks: Marks | None = None

    def begin(self, step: str, injected: datetime) -> None:
        """From now on what is seen belongs to that step."""
        before = self._settled(injected) if self._marks is None and not self._past else self._past
        self._past = tuple(summary for summary in before if summary.step != step)
        self._step, self._marks = step, Marks(injected=injected)

    def resume(self, step: str, injected: datetime, reverted: datetime) -> None:
        """Go on watching a step that another executor left behind; what it saw stays."""
        self._past = tuple(each for each in self._past if (each.step, each.window) != (step, Window.AFTER))
        self._step, self._marks = step, Marks(injected=injected, reverted=reverted)

    def mark(self, *, reverted: datetime | None = None, ended: datetime | None = None) -> None:
        """The step has come so far."""
        if self._marks:
            marks = self._marks
            self._marks = replace(marks, reverted=reverted or marks.reverted, ended=ended or marks.ended)

    def close(self) -> None:
        """The step is over, and all its answers are there: keep the sums, let go of the samples."""
        self._past = self._with_past(self._settled(None))
        if self._marks and self._marks.ended:
            self._sampler.forget(self._marks.ended)

    def finish(self) -> None:
        """Nothing more is looked at: answers that are still under way are missing."""
        self._past = self._with_past(self._settled(None)) if self._marks else self._past or self._settled(None)
        self._over = True

    def summaries(self) -> tuple[Summary, ...]:
        """All windows so far, the current one as it stands."""
        if self._over:
            return self._past
        if self._marks is None:
            return self._past or self._summaries(None)
        return self._with_past(self._summaries(None))

    def _with_past(self, fresh: tuple[Summary, ...]) -> tuple[Summary, ...]:
        known = {(summary.probe, summary.step, summary.window) for summary in fresh}
        return (*(each for each in self._past if (each.probe, each.step, each.window) not in known), *fresh)

    def baseline(self, now: datetime) -> tuple[Summary, ...]:
        """The windows before the first step, if its fault came now: a question that is under way would meet it."""
        return self._summaries(now)

    def longest_now(self, probe: Probe) -> timedelta:
        """For how long the newest answers to the probe have been bad, within the step."""
        return current_streak(self._in(probe, Window.DURING))

    def first_bad(self) -> datetime | None:
        """When the step's first bad sample was asked for."""
        windows = (Window.DURING, Window.AFTER)
        questions = [q for probe in self._probes for window in windows for q in self._in(probe, window)]
        return min((q.at for q in questions if q.sample is not None and not q.good), default=None)

    def complaint(self, probe: str) -> str:
        """The first bad answer to that probe since the fault came, in one clause; also where it does not count. Empty
        while there is none.
        """
        marks = self._marks
        during = [q for q in self._sampler.questions(probe) if marks and window_of(q, marks) is Window.DURING]
        return next((f'"{probe}" says {q.sample.detail}' for q in during if q.sample and not q.good), "")

    def steady(self, since: datetime) -> datetime | None:
        """The moment after `since` from which every probe that counts there was good, if they have been so for long
        enough.
        """
        moments = []
        for probe in self._of(Window.AFTER):
            questions = self._sampler.questions(probe.name)
            moment = steady_since(questions, since=since, span=STEADY_FOR, least=STEADY_SAMPLES)
            if moment is None:
                return None
            moments.append(moment)
        return max(moments, default=None)

    def stretch(self) -> timedelta:
        """How long it takes to see that the service is steady."""
        spans = [STEADY_FOR, *(STEADY_SAMPLES * probe.every for probe in self._of(Window.AFTER))]
        return max(spans) + STEADY_FOR / 4

    def waiting(self, before: datetime) -> bool:
        """Answers to questions from before that time are still to come."""
        return self._sampler.waiting(before)

    def _of(self, window: Window) -> list[Probe]:
        return [probe for probe in self._probes if window in probe.when]

    def _in(self, probe: Probe, window: Window) -> list[Question]:
        """The probe's questions of that window; none where it does not count."""
        marks = self._marks if window in probe.when else None
        return [q for q in self._sampler.questions(probe.name) if marks and window_of(q, marks) is window]

    def _summaries(self, injected: datetime | None) -> tuple[Summary, ...]:
        """The windows of the current part; with `injected`, of the baseline that ends there."""
        return tuple(summarise(*window) for window in self._windows(injected))

    def _settled(self, injected: datetime | None) -> tuple[Summary, ...]:
        """The same, for good. An answer that comes later must not make the sums differ from what was kept."""
        settled = []
        for probe, window, step, questions in self._windows(injected):
            as_they_are = [replace(question) for question in questions]
            settled.append(summarise(probe, window, step, as_they_are))
            self._keep(settled[-1], as_they_are)
        return tuple(settled)

    def _windows(self, injected: datetime | None) -> Iterator[tuple[Probe, Window, str, Sequence[Question]]]:
        """The windows that have questions, with the step that they belong to."""
        marks = Marks(injected=injected) if injected else self._marks
        windows = [Window.DURING, Window.AFTER] if marks and not injected else [Window.BEFORE]
        for probe in self._probes:
            questions = self._sampler.questions(probe.name)
            for window in (window for window in windows if window in probe.when):
                inside = [q for q in questions if marks is None or window_of(q, marks) is window]
                if inside:
                    yield probe, window, "" if window is Window.BEFORE else self._step, inside
