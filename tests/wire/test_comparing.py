"""Decisions come before what follows from them."""

from datetime import UTC, datetime

import pytest

from gate.errors import Conflict
from gate.model import WorkloadKind, WorkloadName
from gate.tracking.queue import WorkQueue
from gate.tracking.reconciler import Looked
from gate.wire.comparing import ASIDE, Comparing

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def named(name: str) -> WorkloadName:
    return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name=name)


A, B = named("a"), named("b")


class Tracked:
    """A comparison that decides something for each workload, and then has the rest to do."""

    def __init__(self) -> None:
        self.seconds, self.leads = 0.0, True
        self.done: list[str] = []
        self.fails: Exception | None = None
        self.due: WorkQueue[WorkloadName] = WorkQueue(lambda: self.seconds)
        self.comparing = Comparing(self.due, self.look, leads=lambda: self.leads, now=lambda: NOW)

    def look(self, name: WorkloadName) -> Looked:
        self.done.append(f"decide {name.name}")
        return Looked(rest=lambda: self.go_on(name))

    def go_on(self, name: WorkloadName) -> Looked:
        if self.fails:
            raise self.fails
        self.done.append(f"go on with {name.name}")
        return Looked()

    def works(self, times: int) -> list[str]:
        """Take up so much of what is to be done; what was done."""
        self.done.clear()
        for _ in range(times):
            name = self.due.take()
            assert name is not None
            self.comparing.take_up(name)
        return self.done


@pytest.fixture
def tracked() -> Tracked:
    made = Tracked()
    for name in (A, B):
        made.due.add(name)
    return made


def test_every_decision_is_made_before_anything_that_follows_from_one(tracked: Tracked) -> None:
    assert tracked.works(4) == ["decide a", "decide b", "go on with a", "go on with b"]
    assert tracked.due.due_in() is None


def test_what_follows_does_not_wait_for_ever(tracked: Tracked) -> None:
    tracked.works(2)
    tracked.seconds = ASIDE.total_seconds()
    tracked.due.add(B)
    assert tracked.works(2) == ["go on with a", "decide b"]


def test_who_is_heard_of_meanwhile_is_looked_at_anew(tracked: Tracked) -> None:
    tracked.works(2)
    tracked.due.add(A)
    assert tracked.works(3) == ["decide a", "go on with b", "go on with a"]


def test_what_follows_from_a_decision_of_an_earlier_term_is_not_done(tracked: Tracked) -> None:
    tracked.works(1)
    tracked.comparing.begin()
    assert tracked.works(2) == ["decide b", "decide a"]


def test_who_does_not_lead_any_more_does_nothing(tracked: Tracked) -> None:
    tracked.works(2)
    tracked.leads = False
    assert tracked.works(2) == []
    assert tracked.due.due_in() is None


def test_what_breaks_off_is_looked_at_anew(tracked: Tracked) -> None:
    tracked.works(2)
    tracked.fails = Conflict("somebody has written")
    assert tracked.works(2) == []
    tracked.seconds, tracked.fails = 1.0, None
    assert tracked.works(2) == ["decide a", "decide b"]
