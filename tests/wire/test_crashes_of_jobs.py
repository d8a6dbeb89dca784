"""The Job of a run is killed with SIGKILL between any two of its writes, and `chaos-gate reap` alone brings it back."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gate.cluster.executor_jobs import ExecutorJobs, Outfit
from gate.model import Run
from gate.running.jobs import COMPLETE, condition
from gate.running.time import SystemClock
from gate.wire.reaping import reap
from tests import grounds
from tests.faults.application import Application
from tests.faults.cases import CASES
from tests.grounds import Ground
from tests.wire.job_world import ACCOUNT, ELSEWHERE, Eventually, Shop, fragile

MOST = 60
"""Writes that any of these runs may have."""
FEWEST = 8
"""It begins, the guard, the undo, the act, what was felt, what was taken back, no guard, the end."""
OFTEN = (4, 6)
"""The points of which `make test` plays what is minutes for all: right before the act, and when it is in force."""
MOMENT = timedelta(milliseconds=200)
FAULTS = [pytest.param(*case, id=name) for name, case in CASES.items() if case[0] not in ELSEWHERE]

pytestmark = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""On nodes that are played by kwok nothing is executed."""


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    images = [fragile(number) for number in range(MOST)]
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox"), more=images, back_off=0.01) as (ground, _):
        yield ground


@pytest.fixture
def web(
    request: pytest.FixtureRequest, cluster: Ground, namespace: str, in_time: Eventually, tmp_path: Path
) -> Iterator[tuple[Shop, Application]]:
    shop = Shop(ground=cluster, namespace=namespace, eventually=in_time, folder=tmp_path)
    with shop.around_an_application(request.node.callspec.params.get("settings")) as application:
        yield shop, application


def killed(shop: Shop, fault: str, settings: dict[str, Any], *, before_write: int) -> Run | None:
    """The run as its Job left it; None if that was not killed."""
    run = shop.begin(fault, MOMENT, **settings)
    outfit = Outfit(image=fragile(before_write).name, account=ACCOUNT, environment=shop.told)
    jobs = ExecutorJobs(shop.api, outfit, SystemClock().now)
    jobs.make(run, 1)
    shop.eventually(lambda: all(job.over for job in jobs.of(run)))
    (job,) = shop.jobs(run)
    return None if condition(job, COMPLETE) else shop.look(run)


def brought_back(shop: Shop, application: Application, left: Run, before: Any) -> bool:
    """Whether there was anything to bring back, once a reaper has done so and the run is forgotten."""
    had = left.guarded or application.state() != before
    shop.eventually(lambda: reap(shop.api)[1] == [] and not shop.look(left).guarded)
    assert all(undo.reverted for undo in shop.look(left).status.evidence.undo)
    shop.api.delete("chaosruns", left.namespace, left.name, uid=left.uid)  # its Job goes with it
    shop.eventually(lambda: shop.api.get("chaosruns", left.namespace, left.name) is None)
    application.be_whole()
    shop.eventually(lambda: application.state() == before)
    return had


def test_a_job_that_is_killed_around_its_act_is_brought_back_by_a_reaper(web: tuple[Shop, Application]) -> None:
    shop, application = web
    before = application.state()
    for point in OFTEN:
        left = killed(shop, "scale", {"to": 1}, before_write=point)
        assert left is not None, point
        assert brought_back(shop, application, left, before), point


@pytest.mark.thorough
@pytest.mark.parametrize(("fault", "settings"), FAULTS)
def test_a_reaper_alone_brings_everything_back_wherever_the_job_was_killed(
    fault: str, settings: dict[str, Any], web: tuple[Shop, Application]
) -> None:
    shop, application = web
    before, point, had = application.state(), 0, 0
    while left := killed(shop, fault, settings, before_write=point):
        had += brought_back(shop, application, left, before)
        point += 1
        assert point < MOST, "it goes on writing, and does not end"
    assert point >= FEWEST, "it has died at few points only"
    assert had, "there was never anything to bring back"
