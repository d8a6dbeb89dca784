"""Every upgrade is judged exactly once: thousands of random histories in which everything goes wrong that can.

    CHAOS_GATE_TEST_SEED=123 pytest tests/tracking/test_histories.py -k replayed

plays one of them again, and prints its story. CHAOS_GATE_TEST_HISTORIES=5000 plays so many.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gate.model import Gate, GateStatus, Verdict
from tests.tracking.simulation.histories import play
from tests.tracking.simulation.invariants import (
    INVARIANTS,
    a_workload_that_is_made_under_a_subscription_is_never_recorded,
    no_fault_begins_beside_another,
)
from tests.tracking.simulation.world import World

SEED = "CHAOS_GATE_TEST_SEED"
TOGETHER = 50
HISTORIES = int(os.environ.get("CHAOS_GATE_TEST_HISTORIES", "100"))
"""So many while one works; `.ci/run` plays thousands."""


@pytest.fixture(autouse=True)
def _without_logs() -> Iterator[None]:
    """The story says more than the logs of several processes at once."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def broken(world: World) -> str:
    """What does not hold of a history; empty if everything does."""
    for invariant in INVARIANTS:
        try:
            invariant(world)
        except AssertionError as error:
            return f"{invariant.__name__}: {invariant.__doc__}\n  {error}"
    return ""


def told(world: World, why: str) -> str:
    replay = f"{SEED}={world.seed} pytest tests/tracking/test_histories.py -k replayed"
    return "\n".join(["", *world.story, "", why, f"  replay: {replay}"])


@pytest.mark.parametrize("first", range(0, HISTORIES, TOGETHER))
def test_every_upgrade_is_judged_exactly_once(first: int) -> None:
    for seed in range(first, first + TOGETHER):
        world = play(seed)
        if why := broken(world):
            pytest.fail(told(world, why), pytrace=False)


@pytest.mark.skipif(SEED not in os.environ, reason=f"{SEED} names no history to replay")
def test_a_history_is_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    world = play(int(os.environ[SEED]))
    why = broken(world)
    with capsys.disabled():
        print(told(world, why or "everything holds"))  # noqa: T201 - it was asked for
    assert not why


def test_a_seed_tells_the_same_story_each_time() -> None:
    assert play(7).story == play(7).story


def test_of_ten_upgrades_in_ten_seconds_the_last_is_judged_and_no_other_gets_a_verdict_about_itself() -> None:
    world = World(1)
    world.start()
    world.shop.create(world.now)
    world.come_to_rest()
    for _ in range(10):
        world.shop.deploy(world.now)
        end = world.now + 1
        while world.now < end:
            world.step()
    world.calm()
    assert not broken(world)
    gate = world.gate()
    assert gate is not None
    verdicts = {each.version: each.judgement.verdict for each in gate.status.judged}
    last = verdicts.pop(world.shop.releases[-1].version)
    assert last is gate.status.verdict
    assert set(verdicts.values()) <= {Verdict.CANCELED}
    assert all(said.state.final for said in gate.status.announcements)


class Worse:
    """A port that does one thing worse than the real one."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Renaming(Worse):
    """Runs that get another name each time that they are made, a few times over."""

    def create(self, gate: Gate, name: str, spec: Any) -> Any:
        self.made = min(getattr(self, "made", 0) + 1, 3)  # without an end to it the gate would make runs for ever
        return self._real.create(gate, f"{name}-{self.made}", spec)


class Forgetful(Worse):
    """A gate that does not remember which versions it has judged."""

    def save(self, gate: Gate, status: GateStatus) -> Any:
        return self._real.save(gate, replace(status, judged=()))


class Blind(Worse):
    """A gate that does not remember that it has looked."""

    def save(self, gate: Gate, status: GateStatus) -> Any:
        return self._real.save(gate, replace(status, looked=None, image=""))


class Hasty(Worse):
    """A gate that thinks that every rollout has been complete for long."""

    def get(self, name: Any) -> Gate | None:
        gate: Gate | None = self._real.get(name)
        long_ago = datetime.min.replace(tzinfo=UTC)
        return gate and replace(gate, status=replace(gate.status, complete_since=long_ago))


class Presuming(Worse):
    """A gate that takes whatever it finds for an upgrade."""

    def get(self, name: Any) -> Gate | None:
        gate: Gate | None = self._real.get(name)
        looked = datetime.max.replace(tzinfo=UTC)
        return gate and replace(gate, status=replace(gate.status, looked=looked))


class Own(Worse):
    """A gate that believes the clock of its own machine."""

    def now(self) -> datetime:
        now: datetime = self._real._machine.now()
        return now


@pytest.mark.parametrize(
    ("worse", "seen"),
    [
        pytest.param({"runs": Renaming}, 6, id="runs have new names each time"),
        pytest.param({"gates": Forgetful}, 104, id="what was judged is forgotten"),
        pytest.param({"gates": Blind}, 9, id="the first look is forgotten"),
        pytest.param({"gates": Hasty}, 154, id="nothing needs to settle"),
        pytest.param({"gates": Presuming}, 79, id="what is there first is taken for an upgrade"),
    ],
)
def test_the_simulation_notices_when(worse: Any, seen: int) -> None:
    """It was seen in that history. When the simulation changes, histories change too, and it is seen in others."""
    assert any(broken(play(seed, **worse)) for seed in (seen, *range(1000)))


class Reluctant(Worse):
    """A gate that takes every version for one that was there before."""

    def save(self, gate: Gate, status: GateStatus) -> Any:
        return self._real.save(gate, replace(status, recorded=status.version))


def made_under_its_subscription(**worse: Any) -> World:
    """A workload that is created when the gate has known its subscription for long; the clocks of all replicas are an
    hour ahead of the API server's.
    """
    world = World(1, **worse)
    world.offsets = [3600.0 for _ in world.offsets]
    world.start()
    world.now += 10
    world.shop.create(world.now)
    world.come_to_rest()
    return world


def test_a_workload_that_is_created_late_is_judged() -> None:
    world = made_under_its_subscription()
    assert world.record.begun
    a_workload_that_is_made_under_a_subscription_is_never_recorded(world)


@pytest.mark.parametrize(
    "worse",
    [pytest.param({"gates": Reluctant}, id="always"), pytest.param({"clock": Own}, id="by clocks that do not agree")],
)
def test_the_simulation_notices_a_workload_that_is_created_late_and_recorded(worse: Any) -> None:
    with pytest.raises(AssertionError, match="was recorded of a workload that was made at"):
        a_workload_that_is_made_under_a_subscription_is_never_recorded(made_under_its_subscription(**worse))


def test_the_simulation_notices_a_run_that_begins_beside_another() -> None:
    world = made_under_its_subscription()
    no_fault_begins_beside_another(world)
    world.record.begun.append(replace(world.record.begun[-1], guarded=("another",)))
    with pytest.raises(AssertionError, match="had something to take back"):
        no_fault_begins_beside_another(world)
