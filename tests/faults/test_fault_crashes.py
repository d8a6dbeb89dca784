"""The executor is killed with SIGKILL between any two writes, and the records are enough to bring everything back."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from gate.cluster.runs import RunJournal, Runs
from gate.model import Evidence, Run, RunPhase, Undo
from gate.wire.reaping import reap
from tests.faults.application import Application, Eventually, is_felt
from tests.faults.cases import TAKES_TIME, often
from tests.faults.dying import begin, is_killed, look

every_fault = pytest.mark.parametrize(("fault", "settings"), often({"scale down"}))
"""Of one of them in `make test`: an executor is killed a dozen times for each."""
FEWEST = 8
"""Writes of a run: it begins, the guard, the undo, the act, what was felt, what was taken back, no guard, the end."""
SCALED = {"to": 1}


def killed(web: Application, fault: str, settings: dict[str, Any], *, before_write: int) -> Run | None:
    """The run as its executor left it; None if that was not killed."""
    name = f"run-{before_write}"
    begin(web, name, fault, settings)
    return look(web, name) if is_killed(web, name, before_write=before_write) else None


def killed_everywhere(web: Application, fault: str, settings: dict[str, Any]) -> Iterator[Run]:
    """A run for each of its writes, whose executor was killed right before that."""
    writes = 0
    while run := killed(web, fault, settings, before_write=writes):
        yield run
        writes += 1
    assert writes >= FEWEST, "it has died at few points only"


def killed_in_force(web: Application, eventually: Eventually) -> Run:
    """A run that was killed after its act and before anything else, and whose act is felt."""
    for run in killed_everywhere(web, "scale", SCALED):
        if web.read("deployments", "web")["spec"]["replicas"] == 1:
            eventually(lambda: len(web.pods()) == 1)
            return run
        reap(web.api)
    raise AssertionError("it never acted")


def anything_is_felt(web: Application, run: Run) -> bool:
    return any(is_felt(undo, web.api) for undo in run.status.evidence.undo)


def left_in_force(run: Run) -> list[str]:
    return [undo.id for undo in run.status.evidence.undo if undo.reverted is None]


@every_fault
def test_a_reaper_brings_everything_back_wherever_the_executor_was_killed(
    fault: str, settings: dict[str, Any], web: Application, eventually: Eventually
) -> None:
    before, felt = web.state(), 0
    for run in killed_everywhere(web, fault, settings):
        felt += anything_is_felt(web, run) or web.state() != before
        if fault in TAKES_TIME:
            eventually(lambda: reap(web.api)[1] == [])
        _, left = reap(web.api)
        assert left == [], run.name
        after = look(web, run.name)
        assert (left_in_force(after), after.guarded) == ([], False), run.name
        web.be_whole()
        eventually(lambda: web.state() == before)
    assert felt, "it was never in force when its executor was killed"


@every_fault
def test_the_next_executor_takes_back_what_was_left_and_ends_the_run(
    fault: str, settings: dict[str, Any], web: Application, eventually: Eventually
) -> None:
    before, guarded = web.state(), 0
    for writes in range(3, FEWEST, 2):
        run = killed(web, fault, settings, before_write=writes)
        assert run is not None
        guarded += run.guarded
        assert not is_killed(web, run.name, before_write=None)
        after = look(web, run.name)
        assert (after.status.phase, left_in_force(after), after.guarded) == (RunPhase.EXECUTED, [], False), writes
        web.be_whole()
        eventually(lambda: web.state() == before)
    assert guarded > 1


def test_the_command_alone_brings_it_back(web: Application, eventually: Eventually) -> None:
    before = web.state()
    run = killed_in_force(web, eventually)
    command = [sys.executable, "-m", "gate.cli", "reap"]
    environment = {**os.environ, "KUBECONFIG": str(web.ground.kubeconfig)}
    subprocess.run(command, env=environment, check=True, capture_output=True, timeout=60)
    assert not look(web, run.name).guarded
    web.be_whole()
    assert web.state() == before


def test_two_reapers_at_once_come_to_the_same_end(web: Application, eventually: Eventually) -> None:
    before = web.state()
    run = killed_in_force(web, eventually)
    reapers = [threading.Thread(target=reap, args=(web.api,)) for _ in range(2)]
    for reaper in reapers:
        reaper.start()
    for reaper in reapers:
        reaper.join()
    assert not look(web, run.name).guarded
    web.be_whole()
    assert web.state() == before


def test_a_run_that_is_deleted_is_held_until_a_reaper_has_brought_it_back(
    web: Application, eventually: Eventually
) -> None:
    before = web.state()
    run = killed_in_force(web, eventually)
    web.api.delete("chaosruns", web.namespace, run.name, uid=run.uid)
    assert look(web, run.name).deleting
    reap(web.api)
    eventually(lambda: web.api.get("chaosruns", web.namespace, run.name) is None)
    web.be_whole()
    assert web.state() == before


def test_a_namespace_that_is_deleted_waits_for_it_and_then_goes(web: Application, eventually: Eventually) -> None:
    """No lease can be made there any more, which keeps nobody from taking back."""
    run = killed_in_force(web, eventually)
    namespace = web.api.get("namespaces", "", web.namespace)
    assert namespace is not None
    web.api.delete("namespaces", "", web.namespace, uid=namespace["metadata"]["uid"])
    eventually(lambda: look(web, run.name).deleting)
    assert reap(web.api) == (1, [])
    eventually(lambda: web.api.get("namespaces", "", web.namespace) is None)


def test_a_run_that_cannot_be_taken_back_does_not_keep_the_others_from_it(
    web: Application, eventually: Eventually
) -> None:
    run = killed_in_force(web, eventually)
    begin(web, "hopeless", "scale", SCALED)
    nobody = Undo(id="a/web", step="a", fault="of-another-release", target=run.status.evidence.undo[0].target)
    status = replace(run.status, evidence=Evidence(undo=(nobody,)))
    RunJournal(Runs(web.api), look(web, "hopeless")).save(status, guarded=True)
    done, (left,) = reap(web.api)
    assert done == 1
    assert "of-another-release of web" in left
    assert (look(web, run.name).guarded, look(web, "hopeless").guarded) == (False, True)
    RunJournal(Runs(web.api), look(web, "hopeless")).save(replace(status, evidence=Evidence()), guarded=False)
