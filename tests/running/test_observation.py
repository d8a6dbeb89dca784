"""What is made of questions whose answers are still to come when a window is looked at."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gate.model import Window
from gate.running.observation import Observation
from gate.running.sampling import Question
from gate.running.tolerance import unknown
from tests.running.simulation import PROBE, START, seconds
from tests.running.test_windows import row


@dataclass
class Asked:
    """A sampler that has asked these questions."""

    so_far: list[Question]

    def questions(self, probe: str) -> list[Question]:
        return self.so_far

    def waiting(self, before: datetime) -> bool:
        return any(question.open for question in self.so_far)

    def forget(self, probe: str, questions: Sequence[Question]) -> None:
        self.so_far = [each for each in self.so_far if not any(each is one for one in questions)]


def seen(pattern: str) -> Observation:
    return Observation((PROBE,), Asked(row(pattern)))


def test_a_service_that_takes_its_time_has_a_baseline_all_the_same() -> None:
    (baseline,) = seen("+" * 20 + "?" * 3).baseline(START + seconds(2.3))
    assert (baseline.window, baseline.due, baseline.samples) == (Window.BEFORE, 20, 20)
    assert not unknown(PROBE, baseline)


def test_a_question_that_nobody_will_answer_is_missing_from_the_baseline() -> None:
    (baseline,) = seen("+" * 10 + "x" * 3 + "?").baseline(START + seconds(1.4))
    assert (baseline.due, baseline.samples) == (13, 10)
    assert unknown(PROBE, baseline)
