"""What tests of execution by Jobs stand on."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.grounds import Ground
from tests.waiting import pauses
from tests.wire.job_world import Eventually, Shop


@pytest.fixture
def in_time() -> Eventually:
    """Waits for what takes a process or two, each of which loads the whole product, on a machine that is busy."""

    def wait(holds: Any) -> None:
        deadline, pause = time.monotonic() + 150, pauses()
        while not holds():
            assert time.monotonic() < deadline, f"{holds} did not come to hold"
            time.sleep(next(pause))

    return wait


@pytest.fixture
def shop(cluster: Ground, namespace: str, in_time: Eventually, tmp_path: Path) -> Iterator[Shop]:
    """A workload on either ground, with its team's account, and a namespace for the gate."""
    made = Shop(ground=cluster, namespace=namespace, eventually=in_time, folder=tmp_path)
    made.create()
    yield made
    made.delete()
