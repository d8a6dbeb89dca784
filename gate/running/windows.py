"""Which part of a step a question belongs to. Pure."""

from dataclasses import dataclass
from datetime import datetime

from gate.model import Window
from gate.running.sampling import Question


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
