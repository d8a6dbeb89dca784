"""What a tolerance says to the samples of a window: a bad sample more or a sample less is never better news."""

from dataclasses import replace
from enum import IntEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.model import Probe, Sample, Summary, Tolerance, Window
from gate.running.sampling import Question
from gate.running.tally import summarise
from gate.running.tolerance import broken, unknown
from gate.running.wording import complaint, tolerated
from tests.running.simulation import PROBE, START, seconds

BOUND = 0.3


class News(IntEnum):
    """What is known about a window, from best to worst."""

    FINE = 0
    UNKNOWN = 1
    BROKEN = 2


def news(tolerance: Tolerance, questions: list[Question]) -> News:
    probe, summary = probe_with(tolerance), summary_of(tolerance, questions)
    return News.BROKEN if broken(probe, summary) else News.UNKNOWN if unknown(probe, summary) else News.FINE


def probe_with(tolerance: Tolerance) -> Probe:
    return replace(PROBE, tolerate=tolerance)


def summary_of(tolerance: Tolerance, questions: list[Question]) -> Summary:
    return summarise(probe_with(tolerance), Window.DURING, "s", questions)


def asked(place: int, *, ok: bool = True, latency: float = 0.01, value: float | None = 5.0) -> Question:
    at = START + seconds(place / 10)
    return Question(at=at, sample=Sample(at=at, ok=ok, latency=seconds(latency), value=value), open=False)


def lost(question: Question) -> Question:
    return Question(at=question.at, open=False, why="the API server is away")


def bad(question: Question) -> Question:
    return replace(question, sample=Sample(at=question.at, ok=False, latency=seconds(0.01), value=None))


TOLERANCES = st.builds(
    Tolerance,
    failures=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    streak=st.sampled_from([None, seconds(0), seconds(0.5)]),
    p95=st.sampled_from([None, seconds(BOUND)]),
    at_least=st.sampled_from([None, 2.0]),
    at_most=st.sampled_from([None, 8.0]),
)


@st.composite
def windows(draw: st.DrawFn, *, with_missing: bool = True) -> list[Question]:
    """Up to four seconds, in which most is well."""
    answers = st.tuples(
        st.sampled_from([True] * 9 + [False]),
        st.sampled_from([0.01] * 9 + [BOUND + 0.01]),
        st.sampled_from([5.0] * 9 + [1.0, 9.0, None]),
        st.sampled_from([False] * 9 + [with_missing]),
    )
    found = []
    for place, (ok, latency, value, missing) in enumerate(draw(st.lists(answers, min_size=1, max_size=40))):
        question = asked(place, ok=ok, latency=latency, value=value)
        found.append(lost(question) if missing else question)
    return found


PLACES = st.integers(min_value=0, max_value=39)


@given(TOLERANCES, windows(), PLACES)
def test_a_sample_that_turns_bad_is_never_better_news(tolerance: Tolerance, window: list[Question], place: int) -> None:
    place %= len(window)
    if window[place].sample is None:
        return
    worse = [bad(question) if number == place else question for number, question in enumerate(window)]
    assert news(tolerance, worse) >= news(tolerance, window)


@given(TOLERANCES, windows(with_missing=False))
def test_one_more_bad_sample_is_never_better_news(tolerance: Tolerance, window: list[Question]) -> None:
    assert news(tolerance, [*window, bad(asked(len(window)))]) >= news(tolerance, window)


@given(TOLERANCES, windows())
def test_what_is_broken_stays_broken_with_one_more_bad_sample(tolerance: Tolerance, window: list[Question]) -> None:
    if news(tolerance, window) is News.BROKEN:
        assert news(tolerance, [*window, bad(asked(len(window)))]) is News.BROKEN


@given(TOLERANCES, windows(), PLACES)
def test_a_sample_that_is_lost_never_makes_a_window_fine(
    tolerance: Tolerance, window: list[Question], place: int
) -> None:
    less = [lost(question) if number == place % len(window) else question for number, question in enumerate(window)]
    if news(tolerance, window) is not News.FINE:
        assert news(tolerance, less) is not News.FINE


@given(TOLERANCES, windows())
def test_a_window_that_is_fine_would_be_so_whatever_the_missing_samples_had_been(
    tolerance: Tolerance, window: list[Question]
) -> None:
    if news(tolerance, window) is News.FINE:
        filled = [bad(each) if each.sample is None else each for each in window]
        assert news(tolerance, filled) is News.FINE


ROW = [asked(place) for place in range(40)]
SLOW = [asked(place, latency=BOUND + 0.01) for place in range(3)]
LOW = [asked(0, value=1.0)]


@pytest.mark.parametrize(
    ("tolerance", "window", "expected"),
    [
        (Tolerance(failures=1.0, p95=seconds(BOUND)), SLOW[:2] + ROW[2:], News.FINE),
        (Tolerance(failures=1.0, p95=seconds(BOUND)), SLOW + ROW[3:], News.BROKEN),
        (Tolerance(failures=1.0, p95=seconds(BOUND)), [bad(each) for each in ROW[:3]] + ROW[3:], News.BROKEN),
        (Tolerance(failures=1.0, p95=seconds(BOUND)), [*SLOW[:2], lost(ROW[2]), *ROW[3:]], News.UNKNOWN),
        (Tolerance(failures=1.0, at_least=2.0), LOW + ROW[1:], News.BROKEN),
        (Tolerance(failures=1.0, at_least=1.0, at_most=5.0), LOW + ROW[1:], News.FINE),
        (Tolerance(failures=1.0, at_most=4.9), ROW, News.BROKEN),
        (Tolerance(failures=1.0, at_least=2.0), [lost(ROW[0]), *ROW[1:]], News.UNKNOWN),
        (Tolerance(failures=1.0, at_least=2.0), [asked(0, value=None), *ROW[1:]], News.BROKEN),
        (Tolerance(failures=1.0, streak=seconds(0.2)), [lost(each) for each in ROW[:4]] + ROW[4:], News.UNKNOWN),
        (Tolerance(failures=1.0, streak=seconds(0.3)), [lost(each) for each in ROW[:4]] + ROW[4:], News.FINE),
        (Tolerance(), [lost(each) for each in ROW], News.UNKNOWN),
    ],
)
def test_each_limit_is_kept_by_itself(tolerance: Tolerance, window: list[Question], expected: News) -> None:
    assert news(tolerance, window) is expected


@pytest.mark.parametrize(
    ("tolerance", "window", "said", "limits"),
    [
        (Tolerance(failures=0.1), [bad(each) for each in ROW], "failed 40 of 40 samples", "10%"),
        (
            Tolerance(failures=1.0, p95=seconds(BOUND)),
            SLOW + ROW[3:],
            "had no good answer within 300ms in 3 of 40 samples",
            "5% without a good answer within 300ms",
        ),
        (Tolerance(at_least=2.0), LOW + ROW[1:], "left its bounds: it went down to 1", "0% and numbers from 2 up"),
        (Tolerance(failures=1.0, at_most=4.0), ROW, "left its bounds: it went up to 5", "numbers up to 4"),
        (
            Tolerance(failures=1.0, streak=seconds(1), at_most=4.0),
            [asked(0, value=None)],
            "left its bounds: 1 of 1 samples gave no number",
            "1s on end and numbers up to 4",
        ),
    ],
)
def test_what_was_broken_is_said_in_its_own_words(
    tolerance: Tolerance, window: list[Question], said: str, limits: str
) -> None:
    assert complaint(probe_with(tolerance), summary_of(tolerance, window)) == said
    assert tolerated(probe_with(tolerance)) == f"tolerated are {limits}"
