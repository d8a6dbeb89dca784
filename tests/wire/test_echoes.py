"""A gate that is heard of as the tracker wrote it tells nothing; whatever somebody else wrote does."""

import gc
import weakref
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gate.errors import Conflict
from gate.model import (
    Gate,
    GateOverride,
    GateStatus,
    Reason,
    Run,
    RunSpec,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.wire.echoes import RECENT, Echoes, RunEchoes
from tests.runs import spec

NAME = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")


class Kept:
    """Gates that take what they are given, unless somebody was faster; and how often they were asked for."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = Gate(
            namespace="shop",
            name="deployment-checkout",
            uid="g",
            workload=Workload(name=NAME, uid="w"),
            status=said(""),
            resource_version="9",
        )
        self.conflicts = False

    def get(self, _name: WorkloadName) -> Gate | None:
        self.asked += 1
        return self.gate

    def create(self, _workload: Workload) -> Gate:
        return self.gate

    def delete(self, _gate: Gate) -> None:
        """It stays."""

    def save(self, gate: Gate, status: GateStatus) -> Gate:
        if self.conflicts:
            raise Conflict("somebody was faster")
        return replace(gate, status=status, resource_version=str(int(gate.resource_version) + 1))


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


def test_what_was_heard_of_is_not_asked_for(kept: Kept) -> None:
    heard = replace(kept.gate, status=said("heard"), resource_version="10")
    assert Echoes(kept, lambda _: heard).get(NAME) == heard
    assert kept.asked == 0


def test_what_was_never_heard_of_is_asked_for(kept: Kept) -> None:
    assert Echoes(kept, lambda _: None).get(NAME) == kept.gate
    assert kept.asked == 1


def test_what_was_answered_is_believed_until_something_newer_is_heard(kept: Kept) -> None:
    copies = [kept.gate]
    echoes = Echoes(kept, lambda _: copies[-1])
    saved = echoes.save(kept.gate, said("ours"))
    assert echoes.get(NAME) == saved
    copies.append(replace(saved, status=said("theirs"), resource_version="11"))
    assert echoes.get(NAME) == copies[-1]
    assert kept.asked == 0


class Watched(Gate):
    """A gate of which can be told whether anybody holds it."""

    __slots__ = ("__weakref__",)


def test_what_was_heard_before_it_was_answered_is_not_kept_a_second_time(kept: Kept) -> None:
    """Else a gate of a cluster with thousands of them would hold each of them twice."""
    name, workload = kept.gate.name, kept.gate.workload
    read = Watched(namespace="shop", name=name, uid="g", workload=workload, resource_version="9")
    heard = replace(kept.gate, status=said("ours"), resource_version="10")
    echoes = Echoes(kept, lambda _: heard)
    answer = weakref.ref(echoes.save(read, said("ours")))
    gc.collect()
    assert answer() is None


def test_after_a_conflict_the_gate_is_asked_for_and_no_copy_that_is_older_believed(kept: Kept) -> None:
    behind = replace(kept.gate, resource_version="7")
    echoes = Echoes(kept, lambda _: behind)
    kept.conflicts = True
    with pytest.raises(Conflict):
        echoes.save(behind, said("ours"))
    assert [echoes.get(NAME), echoes.get(NAME)] == [kept.gate, kept.gate]
    assert kept.asked == 1


def test_a_gate_that_was_deleted_is_asked_for_whatever_was_heard(kept: Kept) -> None:
    echoes = Echoes(kept, lambda _: kept.gate)
    echoes.delete(kept.gate)
    echoes.get(NAME)
    assert kept.asked == 1


def test_a_gate_that_was_made_here_is_an_echo_as_it_was_made(kept: Kept) -> None:
    kept.gate = replace(kept.gate, status=GateStatus())
    echoes = Echoes(kept)
    made = echoes.create(kept.gate.workload)
    assert [echoes.is_one(made), echoes.is_one(made)] == [True, False]


def test_a_gate_that_somebody_had_made_before_is_none(kept: Kept) -> None:
    kept.gate = replace(kept.gate, status=said("theirs"))
    echoes = Echoes(kept)
    echoes.create(kept.gate.workload)
    assert not echoes.is_one(replace(kept.gate, status=GateStatus()))
    assert not echoes.is_one(kept.gate)


class Made:
    """Runs that are made as they are asked for, unless something is in the way."""

    def __init__(self) -> None:
        self.conflicts = False

    def create(self, _gate: Gate, name: str, spec: RunSpec) -> Run:
        if self.conflicts:
            raise Conflict("somebody was faster")
        return a_run(name, spec)


def a_run(name: str, of: RunSpec) -> Run:
    return Run(namespace="shop", name=name, uid="r", created=datetime(2026, 11, 21, tzinfo=UTC), spec=of)


@pytest.fixture
def made() -> Any:
    return Made()


def test_a_run_that_was_made_here_is_an_echo_once(made: Any, kept: Kept) -> None:
    echoes = RunEchoes(made)
    run = echoes.create(kept.gate, "one", spec())
    assert [echoes.is_one(run), echoes.is_one(run)] == [True, False]


@pytest.mark.parametrize("touched", [{"guarded": True}, {"abort": Reason.ABORTED}, {"deleting": True}])
def test_a_run_that_somebody_has_touched_since_is_none(made: Any, kept: Kept, touched: Any) -> None:
    echoes = RunEchoes(made)
    run = echoes.create(kept.gate, "one", spec())
    assert not echoes.is_one(replace(run, **touched))


def test_a_run_that_somebody_else_made_is_none(made: Any, kept: Kept) -> None:
    echoes = RunEchoes(made)
    assert not echoes.is_one(a_run("other", spec()))
    made.conflicts = True
    with pytest.raises(Conflict):
        echoes.create(kept.gate, "one", spec())
    assert not echoes.is_one(a_run("one", spec()))
