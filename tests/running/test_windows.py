"""What questions add up to: windows, streaks, and since when a service is steady."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gate.model import Sample, Tolerance, Window
from gate.running.sampling import Question
from gate.running.tally import Tally, summarise
from gate.running.windows import Marks, window_of
from tests.running.simulation import PROBE, START, seconds

TENTH = seconds(0.1)
MARKS = Marks(injected=START + seconds(2), reverted=START + seconds(4), ended=START + seconds(6))


def asked(at: float, ok: bool | None = True, latency: float = 0.01) -> Question:
    """A question and its answer; None: the answer is still to come."""
    when = START + seconds(at)
    sample = None if ok is None else Sample(at=when, ok=ok, latency=seconds(latency), detail="" if ok else "HTTP 502")
    return Question(at=when, sample=sample, open=ok is None)


def row(pattern: str) -> list[Question]:
    """One question each tenth of a second: `+` good, `-` bad, `?` still to come, `x` missed."""
    answers = {"+": True, "-": False, "?": None, "x": None}
    questions = [asked(place / 10, answers[sign]) for place, sign in enumerate(pattern)]
    for question, sign in zip(questions, pattern, strict=True):
        question.open = sign == "?"
    return questions


def tally(questions: list[Question]) -> Tally:
    return Tally(PROBE).with_more(questions)


def steady(pattern: str) -> datetime | None:
    return tally(row(pattern)).steady_since(START, span=seconds(1), least=3)


def test_a_question_belongs_to_the_window_in_which_it_was_put() -> None:
    windows = [window_of(asked(at), MARKS) for at in (0, 1.9, 2, 3.9, 4, 5.9, 6)]
    before, during, after = Window.BEFORE, Window.DURING, Window.AFTER
    assert windows == [before, before, during, during, after, after, None]


def test_a_question_that_was_under_way_at_the_injection_was_met_by_the_fault() -> None:
    assert window_of(asked(1.9, ok=False, latency=0.2), MARKS) is Window.DURING
    assert window_of(asked(1.9, ok=None), MARKS) is Window.DURING
    assert window_of(row("x")[0], MARKS) is Window.BEFORE  # it was never put


def test_a_slow_answer_after_the_revert_still_speaks_of_the_fault() -> None:
    assert window_of(asked(3.9, ok=False, latency=2), MARKS) is Window.DURING


def test_a_summary_counts_what_was_due_and_invents_nothing() -> None:
    summary = summarise(PROBE, Window.DURING, "s", row("+--x-++-"))
    assert (summary.due, summary.samples, summary.failures) == (8, 7, 4)
    assert (summary.streak, summary.streak_at_worst) == (seconds(0.1), seconds(0.3))
    assert (summary.first_failure, summary.last_failure) == (START + seconds(0.1), START + seconds(0.7))
    assert summary.detail == "HTTP 502"


def test_a_summary_says_why_its_first_missing_sample_is_missing() -> None:
    questions = row("+xx+")
    questions[1].why, questions[2].why = "the API server is away", "no time"
    assert summarise(PROBE, Window.DURING, "s", questions).missing == "the API server is away"


def test_slow_is_whatever_was_no_good_answer_in_time() -> None:
    hurried = replace(PROBE, tolerate=Tolerance(p95=seconds(0.3)))
    questions = [asked(at, latency=0.3) for at in range(5)] + [asked(5, latency=0.31), asked(6, ok=False)]
    assert summarise(hurried, Window.DURING, "s", questions).slow == 2
    assert summarise(PROBE, Window.DURING, "s", questions).slow == 0


def test_a_summary_keeps_the_extremes_of_the_numbers() -> None:
    questions = row("+-+")
    for question, value in zip(questions, (2.0, None, -1.0), strict=True):
        question.sample = question.sample and replace(question.sample, value=value)
    summary = summarise(PROBE, Window.DURING, "s", questions)
    assert (summary.numbers, summary.lowest, summary.highest) == (2, -1, 2)


def test_a_streak_is_as_long_as_from_its_first_bad_answer_to_its_last() -> None:
    assert tally(row("+---")).certain.now == seconds(0.2)
    assert tally(row("---++-")).certain.longest == seconds(0.2)
    assert tally(row("--+")).certain.now == timedelta(0)
    assert tally([]).certain.longest == timedelta(0)


def test_what_was_missed_may_have_been_good_and_ends_what_is_certain_of_a_streak() -> None:
    missed = tally(row("---xx--"))
    assert missed.certain.longest == seconds(0.2)
    assert missed.at_worst.longest == seconds(0.6)


def test_a_bad_answer_that_came_too_late_to_count_still_says_that_the_service_was_bad_then() -> None:
    questions = row("-----")
    questions[2].why = "the gate was too busy to ask in time"
    summary = summarise(PROBE, Window.DURING, "s", questions)
    assert (summary.due, summary.samples, summary.failures) == (5, 4, 4)
    assert summary.streak == seconds(0.4)


def test_steady_is_three_good_samples_and_a_second_without_a_bad_one() -> None:
    assert steady("+" * 11) == START
    assert steady("+" * 10) is None
    assert steady("--" + "+" * 11) == START + seconds(0.2)
    assert steady("+" * 11 + "-" + "+" * 5) is None
    assert steady("+" * 8 + "x" + "+" * 8) is None, "a question that was missed is no good answer"


answers = st.lists(st.booleans(), max_size=40)


def questions_of(oks: list[bool]) -> list[Question]:
    samples = [Sample(at=START + place * TENTH, ok=ok, latency=place * TENTH) for place, ok in enumerate(oks)]
    return [Question(at=sample.at, sample=sample, open=False) for sample in samples]


@given(answers, st.integers(0, 39))
def test_a_bad_answer_more_never_shortens_the_longest_streak(oks: list[bool], place: int) -> None:
    worse = [ok and number != place for number, ok in enumerate(oks)]
    assert tally(questions_of(worse)).certain.longest >= tally(questions_of(oks)).certain.longest


@given(answers, st.integers(0, 39))
def test_to_take_questions_in_one_after_the_other_or_to_look_ahead_is_the_same(oks: list[bool], place: int) -> None:
    questions = questions_of(oks)
    before = tally(questions[:place])
    one = before.with_more([]).summary(Window.DURING, "s")
    assert before.with_more(questions[place:]) == tally(questions)
    assert before.summary(Window.DURING, "s") == one, "what looks ahead leaves it as it is"


@given(answers, st.randoms(use_true_random=False))
def test_a_summary_does_not_depend_on_the_order_of_arrival(oks: list[bool], random: Any) -> None:
    questions = questions_of(oks)
    expected = summarise(PROBE, Window.DURING, "s", questions)
    random.shuffle(questions)
    assert summarise(PROBE, Window.DURING, "s", questions) == expected
    if expected.p50 is not None and expected.p95 is not None:
        assert expected.p50 <= expected.p95 <= max(question.sample.latency for question in questions if question.sample)
