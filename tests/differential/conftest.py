"""The two grounds as they are compared: one of each for all tests of a process, a namespace for each script."""

from collections.abc import Iterator

import pytest

from tests import grounds
from tests.differential.comparing import Pair
from tests.grounds import Ground


@pytest.fixture(scope="session")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (ground, _):
        yield ground


@pytest.fixture(scope="session")
def pair(lasting_sandbox: Ground, real: Ground) -> Pair:
    return Pair(lasting_sandbox, real)
