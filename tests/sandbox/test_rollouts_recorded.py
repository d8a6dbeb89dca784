"""The sandbox's controllers tell the story that the real ones told when the same was done to them.

Compared is the `Story` of a rollout: conditions, generations, revisions, every size that any ReplicaSet is given in the
order in which that happens, what is counted whenever the rollout rests, and how everything is at the end. Not compared
are the counts in between, for on the real control plane they are chance (see `stories`); they have to stay within the
bounds of the strategy. The recordings are in `tests/samples`.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.sandbox.kubernetes.controllers.running import Controllers
from tests import grounds
from tests.grounds import Ground
from tests.samples.node import Kwok
from tests.samples.record import kept, recorded
from tests.samples.rollouts import SCENARIOS
from tests.samples.stories import out_of_bounds, story_of


@pytest.fixture
def controllers(tmp_path: Path) -> Iterator[Ground]:
    """A sandbox whose node does to pods what kwok does on the real control plane."""
    with contextlib.ExitStack() as running:
        yield running.enter_context(grounds.sandbox(tmp_path, images=None, parts=[Controllers, Kwok]))[0]


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_rollout_on_the_sandbox_is_the_story_of_the_real_one(controllers: Ground, name: str) -> None:
    steps = recorded(controllers, "rollouts", name).steps
    assert story_of(steps) == story_of(kept("rollouts", name).steps)
    assert out_of_bounds(steps) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_recorded_rollout_stays_within_its_bounds(name: str) -> None:
    assert out_of_bounds(kept("rollouts", name).steps) == []


@pytest.mark.cluster
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recorded_story_is_still_that_of_the_real_one(real: Ground, name: str) -> None:
    """Played on the real control plane in each run, so that the recordings cannot grow old."""
    steps = recorded(real, "rollouts", name).steps
    assert story_of(steps) == story_of(kept("rollouts", name).steps)
    assert out_of_bounds(steps) == []
