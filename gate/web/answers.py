"""Answers to questions as the gate knows things now: of one that is asked, and of all that wait for another one."""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime

from werkzeug.exceptions import ServiceUnavailable

from gate.model import Subscription
from gate.tracking.overrides import standing
from gate.web.answer import Answer, Question
from gate.web.answering import Knowledge
from gate.web.parking import Lot
from gate.web.views import Views

Now = Callable[[], datetime]


def read(views: Views) -> Sequence[Subscription]:
    """The subscriptions; nobody is answered, or sent away, before they have been read."""
    subscriptions = views.subscriptions()
    if subscriptions is None:
        raise ServiceUnavailable("the gate has not read its catalogue and the cluster yet; ask again")
    return subscriptions


def answers(views: Views, questions: Collection[Question], now: datetime) -> Mapping[Question, Answer]:
    """What is known is gathered once, whatever number of questions there are."""
    known = Knowledge(
        gates=views.gates(),
        subscriptions=read(views),
        selecting=views.selecting(),
        unreadable=views.unreadable(),
        runs=views.runs(),
        judges=views.judges,
        is_there=views.is_there,
        stands=lambda gate, version: standing(gate.overrides, version, now),
    )
    return {question: known.answer(question) for question in questions}


def lot_of(views: Views, now: Now = lambda: datetime.now(UTC)) -> Lot:
    """Where those are kept who wait for another answer."""

    def look(questions: Collection[Question]) -> Mapping[Question, str]:
        try:
            found = answers(views, questions, now())
        except ServiceUnavailable:  # whoever waits is told so
            return {}
        return {question: each.etag for question, each in found.items()}

    return Lot(views.changed, look)
