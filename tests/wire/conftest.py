"""What tests of execution by Jobs stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.grounds import Ground
from tests.wire.job_world import Eventually, Shop


@pytest.fixture
def shop(cluster: Ground, namespace: str, eventually: Eventually, tmp_path: Path) -> Iterator[Shop]:
    """A workload on either ground, with its team's account, and a namespace for the gate."""
    made = Shop(ground=cluster, namespace=namespace, eventually=eventually, folder=tmp_path)
    made.create()
    yield made
    made.delete()
