"""What several subscriptions of one workload ask for together, and where they cannot stand beside each other. Pure.

What adds up: workflows (equal ones run once), the longest `settle`, the shortest `deadline`. In everything else a
subscription that says nothing leaves it to the others, and two that say different things contradict each other. Only
`judge` is never left out: who does not ask for the canary wants a version judged that is healthy.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from gate.model import JudgeAt, OnRollback, OnSubscribe, Subscription

AGREE: Mapping[str, Callable[[Subscription], str]] = {
    "environment": lambda each: each.environment,
    "onSubscribe": lambda each: each.on_subscribe or "",
    "onRollback": lambda each: each.on_rollback or "",
    "judge": lambda each: each.judge,
    "gitlab.project": lambda each: each.project.lower(),
    "gitlab.promote": lambda each: str(each.promote or ""),
}
"""Fields in which the subscriptions of one workload must not differ, with what one of them says; empty: nothing."""

ADD_UP = ("workflows", "settle", "deadline")
"""Fields in which they may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two subscriptions that say different things."""

    field: str
    one: Subscription
    said: str
    other: Subscription
    but: str

    def __str__(self) -> str:
        return f"{self.one.name} ({self.field}: {self.said}), {self.other.name} ({self.field}: {self.but})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """What the subscriptions of a workload add up to."""

    settle: timedelta
    deadline: timedelta
    on_subscribe: OnSubscribe
    on_rollback: OnRollback
    judge: JudgeAt


def together(subscriptions: Sequence[Subscription]) -> Together:
    """Of those that do not contradict each other; where nobody says anything, the default."""
    return Together(
        settle=max((each.settle for each in subscriptions), default=timedelta(0)),
        deadline=min((each.deadline for each in subscriptions), default=timedelta(0)),
        on_subscribe=next((each.on_subscribe for each in subscriptions if each.on_subscribe), OnSubscribe.RECORD),
        on_rollback=next((each.on_rollback for each in subscriptions if each.on_rollback), OnRollback.REUSE),
        judge=next((each.judge for each in subscriptions), JudgeAt.HEALTHY),
    )


def contradictions(subscriptions: Sequence[Subscription]) -> list[Contradiction]:
    """Each subscription that differs from the first that says anything, field by field."""
    found = []
    for field, says in AGREE.items():
        said = [(each, word) for each in subscriptions if (word := says(each))]
        found += [
            Contradiction(field=field, one=said[0][0], said=said[0][1], other=other, but=word)
            for other, word in said[1:]
            if word != said[0][1]
        ]
    return found
