"""A gate that is heard of as the tracker wrote it tells nothing; whatever somebody else wrote does."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from gate.errors import Conflict
from gate.model import Gate, GateOverride, GateStatus, Workload, WorkloadKind, WorkloadName
from gate.wire.echoes import RECENT, Echoes

NAME = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")


class Kept:
    """Gates that take what they are given, unless somebody was faster."""

    def __init__(self) -> None:
        self.gate = Gate(
            namespace="shop",
            name="deployment-checkout",
            uid="g",
            workload=Workload(name=NAME, uid="w"),
            status=said(""),
        )
        self.conflicts = False

    def get(self, _name: WorkloadName) -> Gate | None:
        return self.gate

    def create(self, _workload: Workload) -> Gate:
        return self.gate

    def delete(self, _gate: Gate) -> None:
        """It stays."""

    def save(self, gate: Gate, status: GateStatus) -> Gate:
        if self.conflicts:
            raise Conflict("somebody was faster")
        return replace(gate, status=status)


def said(message: str) -> GateStatus:
    return GateStatus(message=message)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_each_write_is_an_echo_once_in_the_order_of_the_writes(kept: Kept) -> None:
    echoes = Echoes(kept)
    written = [echoes.save(kept.gate, said(each)) for each in ("one", "two")]
    assert [echoes.is_one(each) for each in (*written, *written)] == [True, True, False, False]


def test_one_that_was_heard_after_a_later_one_is_none(kept: Kept) -> None:
    echoes = Echoes(kept)
    first, second = (echoes.save(kept.gate, said(each)) for each in ("one", "two"))
    assert echoes.is_one(second)
    assert not echoes.is_one(first)


def test_what_somebody_else_wrote_is_none(kept: Kept) -> None:
    echoes = Echoes(kept)
    ours = echoes.save(kept.gate, said("ours"))
    assert not echoes.is_one(replace(ours, status=said("theirs")))


def test_what_somebody_has_let_through_since_is_none(kept: Kept) -> None:
    """A list shows it with the status that was written here."""
    echoes = Echoes(kept)
    ours = echoes.save(kept.gate, said("ours"))
    now = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    jane = GateOverride(version="v1", who="jane", reason="INC-4711", at=now, until=now)
    assert not echoes.is_one(replace(ours, overrides=(jane,)))


def test_what_was_not_taken_is_none(kept: Kept) -> None:
    echoes, kept.conflicts = Echoes(kept), True
    with pytest.raises(Conflict):
        echoes.save(kept.gate, said("ours"))
    assert not echoes.is_one(replace(kept.gate, status=said("ours")))


def test_only_the_last_few_are_remembered(kept: Kept) -> None:
    echoes = Echoes(kept)
    written = [echoes.save(kept.gate, said(str(number))) for number in range(RECENT + 1)]
    assert [echoes.is_one(each) for each in written] == [False, *[True] * RECENT]
