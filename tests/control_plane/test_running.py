"""A real control plane starts soon enough that nobody avoids it."""

import time
from pathlib import Path

import pytest

from tests.control_plane.running import ControlPlane

GOAL = 15.0
"""Seconds. On two idle cores it takes five."""


ATTEMPTS = 3
"""The machine may have other things to do at first: one start within the time shows that it can be done."""


def seconds_to_start(place: Path) -> float:
    place.mkdir()
    began = time.monotonic()
    with ControlPlane(place):
        return time.monotonic() - began


@pytest.mark.cluster
def test_a_control_plane_is_there_within_15_seconds(tmp_path: Path) -> None:
    took: list[float] = []
    while len(took) < ATTEMPTS and min(took, default=GOAL) >= GOAL:
        took.append(seconds_to_start(tmp_path / str(len(took))))
    assert min(took) < GOAL, took
