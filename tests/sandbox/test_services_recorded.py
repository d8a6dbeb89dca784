"""Endpoints and EndpointSlices on the sandbox say what the real ones said about the same pods.

Not compared: generation and the annotation last-change-trigger-time, which the sandbox does not write.
"""

from pathlib import Path

import pytest

from gate.sandbox.kubernetes.controllers.running import Controllers
from tests import grounds
from tests.grounds import Ground
from tests.samples.node import Kwok
from tests.samples.record import kept, recorded
from tests.samples.services import SCENARIOS
from tests.samples.stories import service_story_of


@pytest.mark.parametrize("name", SCENARIOS)
def test_what_stands_behind_a_service_is_told_as_by_the_real_controllers(tmp_path: Path, name: str) -> None:
    with grounds.sandbox(tmp_path, images=None, parts=[Controllers, Kwok]) as (ground, _):
        played = recorded(ground, "services", name)
    assert service_story_of(played.steps) == service_story_of(kept("services", name).steps)


@pytest.mark.cluster
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recorded_story_of_a_service_is_still_that_of_the_real_one(real: Ground, name: str) -> None:
    assert service_story_of(recorded(real, "services", name).steps) == service_story_of(kept("services", name).steps)
