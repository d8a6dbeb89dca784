"""What the probes of one run saw, told apart by windows: the baseline, then each step."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from gate.model import SECOND, Probe, Summary, Window
from gate.running.sampling import Question
from gate.running.tally import Tally
from gate.running.windows import Marks, window_of

Keep = Callable[[str, Window, str, Sequence[Question]], None]
"""Told of the questions of a probe, a window and a step, once nothing about them changes any more."""

STEADY_FOR = SECOND
STEADY_SAMPLES = 3
"""Steady again: that many good samples over that long, of every probe, without a bad one in between."""


class Questions(Protocol):
    """Where the questions come from."""

    def questions(self, probe: str) -> Sequence[Question]:
        """Those that were due so far and are not forgotten, in the order of their times."""
        ...

    def waiting(self, before: datetime) -> bool:
        """Whether an answer to a question from before that time may still come."""
        ...

    def forget(self, probe: str, questions: Sequence[Question]) -> None: ...


class Observation:
    """The samples of the run's current part, and the summaries of the parts before it.

    A question is taken into its tally as soon as neither its answer nor one before it can change, and forgotten: what
    is kept of a long step is no more than of a short one.
    """

    def __init__(
        self,
        probes: Sequence[Probe],
        sampler: Questions,
        past: Sequence[Summary] = (),
        keep: Keep = lambda _probe, _window, _step, _questions: None,
        stage: str = "",
    ) -> None:
        """`stage` tells its baseline from others among the `past`."""
        self._probes = probes
        self._sampler = sampler
        self._keep = keep
        self._over = False
        self._past = tuple(past)
        self._stage = stage
        self._baseline_over = any((each.window, each.step) == (Window.BEFORE, stage) for each in past)
        self._step = ""
        self._marks: Marks | None = None
        self._tallies: dict[tuple[str, Window], Tally] = {}
        self._unkept: list[tuple[str, Window, Question]] = []

    # ----------------------------------------------------------------------------------------------- how far the run is

    def begin(self, step: str, injected: datetime) -> None:
        """From now on what is seen belongs to that step."""
        first = self._marks is None and not self._baseline_over
        self._step, self._marks = step, Marks(injected=injected)
        if first:
            self._settle(Window.BEFORE)
        self._past = tuple(summary for summary in self._past if summary.step != step)

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
        self._settle(Window.DURING, Window.AFTER)

    def finish(self) -> None:
        """Nothing more is looked at: answers that are still under way are missing."""
        if self._over:
            return
        if self._marks:
            self._settle(Window.DURING, Window.AFTER)
        elif not self._baseline_over:
            self._settle(Window.BEFORE)
        self._over = True

    # -------------------------------------------------------------------------------------------------- what was seen

    def summaries(self) -> tuple[Summary, ...]:
        """All windows so far, the current one as it stands. What is settled of it is kept."""
        if self._over or (self._marks is None and self._baseline_over):
            return self._past
        self._look()
        self._keep_all()
        windows = (Window.DURING, Window.AFTER) if self._marks else (Window.BEFORE,)
        return self._with_past(self._summaries(windows))

    def baseline(self, now: datetime) -> tuple[Summary, ...]:
        """The windows before the first step, if its fault came now: a question that is under way would meet it."""
        self._look()
        return self._summaries((Window.BEFORE,), Marks(injected=now))

    def longest_now(self, probe: Probe) -> timedelta:
        """For how long the newest answers to the probe have been bad, within the step, as far as all are known."""
        self._look_at(probe)
        tally = self._tallies.get((probe.name, Window.DURING)) if Window.DURING in probe.when else None
        return tally.certain.now if tally else timedelta(0)

    def first_bad(self) -> datetime | None:
        """When the step's first bad sample was asked for."""
        found = (self._tally(probe, window) for probe, window in self._counting((Window.DURING, Window.AFTER)))
        return min((tally.first_bad.at for tally in found if tally.first_bad), default=None)

    def complaint(self, probe: str) -> str:
        """The first bad answer to that probe since the fault came, in one clause; also where it does not count. Empty
        while there is none.
        """
        named = next((each for each in self._probes if each.name == probe), None)
        bad = self._tally(named, Window.DURING).first_bad if named and self._marks else None
        return f'"{probe}" says {bad.detail}' if bad else ""

    def steady(self, since: datetime) -> datetime | None:
        """The moment after `since`, when the fault was taken back, from which every probe that counts there was good,
        if they have been so for long enough.
        """
        self._look()
        moments = []
        for probe in self._of(Window.AFTER):
            tally = self._tallies.get((probe.name, Window.AFTER))
            moment = tally.steady_since(since, span=STEADY_FOR, least=STEADY_SAMPLES) if tally else None
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

    # ------------------------------------------------------------------------------------------------------- inside

    def _of(self, window: Window) -> list[Probe]:
        return [probe for probe in self._probes if window in probe.when]

    def _counting(self, windows: Sequence[Window]) -> Iterator[tuple[Probe, Window]]:
        return ((probe, window) for probe in self._probes for window in windows if window in probe.when)

    def _look(self) -> None:
        for probe in self._probes:
            self._look_at(probe)

    def _look_at(self, probe: Probe) -> None:
        """Take in what does not change any more. Behind an open question of its window, the order may still change."""
        settled, blocked = list[Question](), set[Window | None]()
        for question in self._sampler.questions(probe.name):
            window = self._window(question)
            if question.open:
                blocked.add(window)
            elif window not in blocked:
                settled.append(question)
        self._take(probe, settled)

    def _settle(self, *windows: Window) -> None:
        """These windows are over: take in what is left of them as it is, and keep the sums. An answer that comes later
        must not make them differ from what was kept.
        """
        self._look()
        for probe in self._probes:
            self._take(probe, [q for q in self._sampler.questions(probe.name) if self._window(q) in windows])
        self._keep_all()
        self._past = self._with_past(self._summaries(windows))
        self._baseline_over = self._baseline_over or Window.BEFORE in windows
        self._tallies = {key: tally for key, tally in self._tallies.items() if key[1] not in windows}

    def _take(self, probe: Probe, questions: Sequence[Question]) -> None:
        self._sampler.forget(probe.name, questions)
        for each in questions:
            question = replace(each)
            window = self._window(question)
            if window is None or (window is Window.BEFORE and self._baseline_over):
                continue
            self._tallies.setdefault((probe.name, window), Tally(probe)).add(question)
            if window in probe.when:
                self._unkept.append((probe.name, window, question))

    def _window(self, question: Question) -> Window | None:
        return window_of(question, self._marks) if self._marks else Window.BEFORE

    def _keep_all(self) -> None:
        for probe, window in dict.fromkeys((probe, window) for probe, window, _ in self._unkept):
            step = self._step_of(window)
            self._keep(probe, window, step, [q for name, where, q in self._unkept if (name, where) == (probe, window)])
        self._unkept.clear()

    def _tally(self, probe: Probe, window: Window, marks: Marks | None = None) -> Tally:
        """As it stands, with what may still change."""
        marks = marks or self._marks
        rest = self._sampler.questions(probe.name)
        inside = [q for q in rest if (window_of(q, marks) if marks else Window.BEFORE) is window]
        return self._tallies.get((probe.name, window), Tally(probe)).with_more(inside)

    def _summaries(self, windows: Sequence[Window], marks: Marks | None = None) -> tuple[Summary, ...]:
        """Those of the windows that have questions."""
        tallies = ((self._tally(probe, window, marks), window) for probe, window in self._counting(windows))
        return tuple(tally.summary(window, self._step_of(window)) for tally, window in tallies if tally.due)

    def _step_of(self, window: Window) -> str:
        return self._stage if window is Window.BEFORE else self._step

    def _with_past(self, fresh: tuple[Summary, ...]) -> tuple[Summary, ...]:
        known = {(summary.probe, summary.step, summary.window) for summary in fresh}
        return (*(each for each in self._past if (each.probe, each.step, each.window) not in known), *fresh)
