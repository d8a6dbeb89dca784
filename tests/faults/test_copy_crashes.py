"""A run that hits a copy is killed between any two of its writes, and nothing of the copy stays."""

from datetime import timedelta

import pytest

from gate.model import COPY, Isolation, Run, RunPhase
from gate.wire.reaping import reap
from tests.faults.application import Application, Eventually
from tests.faults.dying import begin, is_killed, look

FEWEST = 13
"""Writes of such a run: those of any, and the copy's undo, its Service, its Deployment, itself, its end."""


def killed(web: Application, *, before_write: int) -> Run | None:
    """The run as its executor left it; None if that was not killed."""
    name = f"run-{before_write}"
    begin(web, name, "pod-kill", {}, Isolation.COPY)
    return look(web, name) if is_killed(web, name, before_write=before_write) else None


def is_there(web: Application, run: Run) -> bool:
    names = [undo.settings["name"] for undo in run.status.evidence.undo if undo.fault == COPY]
    return any(web.api.get(resource, web.namespace, name) for name in names for resource in ("deployments", "services"))


@pytest.mark.thorough
def test_a_reaper_takes_the_copy_away_wherever_the_executor_was_killed(
    web: Application, eventually: Eventually
) -> None:
    before, pods, there, writes = web.state(), {pod.uid for pod in web.pods()}, 0, 0
    while run := killed(web, before_write=writes):
        there += is_there(web, run)
        assert reap(web.api)[1] == [], run.name
        after = look(web, run.name)
        assert (is_there(web, after), after.guarded) == (False, False), run.name
        eventually(lambda: web.state() == before)
        writes += 1
    assert writes >= FEWEST
    assert there > 5
    assert {pod.uid for pod in web.pods()} == pods, "the workload itself was not hit"


@pytest.mark.parametrize("writes", [4, 5, 9])
def test_who_finds_the_record_takes_the_copy_away(web: Application, eventually: Eventually, writes: int) -> None:
    """Before there is a Deployment, when there is nothing else, and while the fault is in force."""
    before, pods = web.state(), {pod.uid for pod in web.pods()}
    run = killed(web, before_write=writes)
    assert run is not None
    assert run.guarded
    assert reap(web.api) == (1, [])
    assert not is_there(web, look(web, run.name))
    eventually(lambda: web.state() == before)
    assert {pod.uid for pod in web.pods()} == pods


@pytest.mark.thorough
def test_the_next_executor_ends_the_run_and_leaves_no_copy(web: Application, eventually: Eventually) -> None:
    before = web.state()
    for writes in (5, 7, 9, 11):
        run = killed(web, before_write=writes)
        assert run is not None
        assert not is_killed(web, run.name, before_write=None)
        after = look(web, run.name)
        assert (after.status.phase, is_there(web, after), after.guarded) == (RunPhase.EXECUTED, False, False), writes
        eventually(lambda: web.state() == before)


def test_should_nobody_find_the_record_the_copy_goes_with_the_run(web: Application, eventually: Eventually) -> None:
    before = web.state()
    run = killed(web, before_write=7)
    assert run is not None
    assert is_there(web, run)
    web.change("chaosruns", run.name, {"metadata": {"finalizers": None}})
    web.api.delete("chaosruns", web.namespace, run.name, uid=run.uid)
    eventually(lambda: not is_there(web, run))
    eventually(lambda: web.state() == before)


def test_a_variable_is_another_one_in_the_copy_alone(web: Application, eventually: Eventually) -> None:
    before, pods = web.state(), {pod.uid for pod in web.pods()}
    after = changed_for_long_enough(web)
    story = "\n".join(entry.what for entry in after.status.timeline)
    assert "MODE in main of Deployment" in story, story
    assert all(undo.reverted for undo in after.status.evidence.undo)
    assert after.status.evidence.effects, story
    assert not is_there(web, after)
    assert {pod.uid for pod in web.pods()} == pods, "the workload itself was not hit"
    eventually(lambda: web.state() == before)


def changed_for_long_enough(web: Application) -> Run:
    """A new pod has to start while the variable is held. How long that takes is the machine's affair."""
    for seconds in (1, 4, 16, 64):
        name = f"held-for-{seconds}"
        begin(
            web,
            name,
            "config-change",
            {"env": "MODE", "value": "wild"},
            Isolation.COPY,
            hold=timedelta(seconds=seconds),
        )
        assert not is_killed(web, name, before_write=None)
        after = look(web, name)
        if after.status.evidence.effects:
            break
    return after
