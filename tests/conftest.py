"""What tests of several rooms use."""

import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from gate.cluster.api import Api
from gate.sandbox.gitlab import GitLab
from gate.sandbox.kubernetes.cluster import Kubernetes
from tests import grounds
from tests.catalogues import Origin
from tests.clocks import HandClock
from tests.grounds import CRDS, Ground
from tests.ordering import long_first
from tests.sandbox import gitlab_world
from tests.waiting import pauses

EXAMPLES = int(os.environ.get("CHAOS_GATE_TEST_EXAMPLES", "25"))
"""So many of each rule while one works, others each time; `.ci/run` tries hundreds."""

# Rules are tried on a machine that has other things to do: an example may take as long as it takes.
settings.register_profile(
    "unhurried", max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")

LONG = {"demo", "long"}
"""The marks of tests that begin before the others."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long tests begin first, and a comparison with the real control plane has three tries.

    Of such a comparison one that differs is played up to twice more; the summary tells. The real one's controllers
    race with each other and with what is asked: of two writes that follow each other it shows one or both, it counts a
    moment later or earlier. The sandbox has to tell one of its stories, not each. Tests of the product take `cluster`
    and get no second chance, on neither ground.
    """
    for item in items:
        if isinstance(item, pytest.Function) and "real" in item.fixturenames:
            item.add_marker(pytest.mark.flaky(reruns=2))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    items[:] = long_first(items, lambda item: not LONG.isdisjoint(mark.name for mark in item.iter_markers()), workers)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What failed and was played again is shown whole, whatever became of it."""
    again = terminalreporter.getreports("rerun")
    if again:
        terminalreporter.section("FAILED AT FIRST, and played again")
    for report in again:
        terminalreporter.write_sep("_", report.nodeid)
        terminalreporter.write_line(report.longreprtext)


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """A real control plane, one for all tests of a process. Tests that use it carry the mark `cluster`."""
    with grounds.control_plane(tmp_path_factory.mktemp("control-plane")) as (ground, _):
        yield ground


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Ground]:
    """A fresh sandbox that lives: its controllers act, and its pods are processes."""
    with grounds.sandbox(tmp_path) as (ground, _):
        yield ground


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One sandbox for all tests of a file, which have namespaces of their own there, as on the real control plane."""
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (ground, _):
        yield ground


@pytest.fixture(params=["sandbox", pytest.param("real", marks=pytest.mark.cluster)])
def cluster(request: pytest.FixtureRequest) -> Ground:
    """A test that takes this is played on both grounds."""
    ground = request.getfixturevalue("lasting_sandbox" if request.param == "sandbox" else request.param)
    assert isinstance(ground, Ground)
    return ground


@pytest.fixture
def namespace(cluster: Ground) -> Iterator[str]:
    """A namespace of the test's own on that ground, with its service account; it goes when the test ends.

    It goes with the runs that the test left guarded: they would hold it, and every reaper of a later test would see
    them.
    """
    name = f"test-{uuid.uuid4().hex[:8]}"
    made = cluster.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    assert made.status_code == 201, made.text
    yield name
    api = cluster.api
    for run in api.list("chaosruns", name)[0]:
        if run["metadata"].get("finalizers"):
            api.patch("chaosruns", name, run["metadata"]["name"], {"metadata": {"finalizers": None}})
    cluster.ask("DELETE", f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="session")
def gitlab() -> Iterator[GitLab]:
    """An embedded GitLab for all tests of a process. Each has a project of its own there."""
    with GitLab(root_token=gitlab_world.ROOT) as running:
        yield running


@pytest.fixture
def project(gitlab: GitLab, request: pytest.FixtureRequest) -> Iterator[gitlab_world.Project]:
    """A project of the test's own there, as root sees it."""
    client = gitlab_world.Client(gitlab.url)
    yield gitlab_world.Project(client, f"test/p{abs(hash(request.node.nodeid))}")
    client.close()


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Origin]:
    """An empty git repository for documents."""
    made = Origin(tmp_path / "catalogue")
    yield made
    made.close()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


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
    """Waits until something holds, and fails when it does not within half a minute."""

    def wait(holds: Callable[[], object]) -> None:
        deadline, pause = time.monotonic() + 30, pauses()
        while not holds():
            assert time.monotonic() < deadline, f"{holds} did not come to hold"
            time.sleep(next(pause))

    return wait
