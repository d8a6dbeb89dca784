"""What tests of probes stand on."""

from collections.abc import Iterator

import pytest

from tests import grounds
from tests.grounds import Ground


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One sandbox for all tests of a file: each has a namespace of its own."""
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (ground, _):
        yield ground
