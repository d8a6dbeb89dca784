"""Each fault is done, felt and taken back also by a Job, with the rights that a team gives to its account."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gate.model import RunPhase
from tests import grounds
from tests.faults.application import Application
from tests.faults.cases import CASES
from tests.grounds import Ground
from tests.wire.job_world import ELSEWHERE, Eventually, Shop, looked_after


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox")) as (ground, _):
        yield ground


@pytest.fixture
def web(
    request: pytest.FixtureRequest, cluster: Ground, namespace: str, in_time: Eventually, tmp_path: Path
) -> Iterator[tuple[Shop, Application]]:
    shop = Shop(ground=cluster, namespace=namespace, eventually=in_time, folder=tmp_path)
    with shop.around_an_application(request.node.callspec.params.get("settings")) as application:
        yield shop, application


@pytest.mark.thorough
@pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
@pytest.mark.parametrize(
    ("fault", "settings"), [pytest.param(*case, id=name) for name, case in CASES.items() if case[0] not in ELSEWHERE]
)
def test_it_is_done_felt_and_taken_back_by_a_job(
    fault: str, settings: dict[str, Any], web: tuple[Shop, Application]
) -> None:
    shop, application = web
    before = application.state()
    run = shop.begin(fault, timedelta(seconds=1), **settings)
    with looked_after(shop, api=shop.as_gate()):
        shop.eventually(lambda: shop.look(run).status.phase is RunPhase.EXECUTED and not shop.look(run).guarded)
    status = shop.look(run).status
    assert status.evidence.stopped is None, shop.story(run)
    assert {undo.id for undo in status.evidence.undo} == {effect.undo for effect in status.evidence.effects} != set()
    assert all(undo.injected and undo.reverted for undo in status.evidence.undo)
    assert (status.attempt, len(shop.jobs(run))) == (1, 1)
    shop.api.delete("chaosruns", run.namespace, run.name, uid=run.uid)  # its Jobs go with it
    application.be_whole()
    shop.eventually(lambda: application.state() == before)
