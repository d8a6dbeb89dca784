"""What tests of several rooms use."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gate.cluster.api import Api
from gate.sandbox.kubernetes.cluster import Kubernetes

CRDS = sorted((Path(__file__).parent.parent / "charts" / "chaos-gate" / "crds").glob("*.yaml"))


@pytest.fixture
def kubernetes() -> Iterator[Kubernetes]:
    """An API server with our custom resources, and no controllers."""
    with Kubernetes(crds=CRDS) as running:
        yield running


@pytest.fixture
def api(kubernetes: Kubernetes, tmp_path: Path) -> Api:
    """The product's client of that server."""
    config = tmp_path / "kubeconfig"
    config.write_text(kubernetes.kubeconfig())
    return Api.from_environment(str(config))


@pytest.fixture
def eventually() -> Callable[[Callable[[], object]], None]:
    """Waits until something holds, and fails when it does not within ten seconds."""

    def wait(holds: Callable[[], object]) -> None:
        deadline = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < deadline, f"{holds} did not come to hold"
            time.sleep(0.01)

    return wait
