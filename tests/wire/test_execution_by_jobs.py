"""A run is executed by a Job with the team's rights, and whatever becomes of that Job has a defined end."""

import contextlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from gate.cluster.executor_jobs import ExecutorJobs, Outfit, name_of
from gate.cluster.job_template import JobTemplate
from gate.cluster.runs import Runs
from gate.model import Reason, Run, RunPhase, Verdict
from gate.reports.verification import verify
from gate.running.job_executor import MOST_JOBS
from gate.running.jobs import COMPLETE, condition
from gate.running.mode import Mode
from gate.running.runner import MOST_ATTEMPTS
from gate.running.time import SystemClock
from gate.wire.reaping import reap
from tests import grounds
from tests.grounds import Ground
from tests.wire.job_world import ACCOUNT, DONE, Shop, fragile, judged, looked_after

LONG = timedelta(minutes=3)
SHORT = timedelta(seconds=1)

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""On nodes that are played by kwok nothing is executed."""


on_the_control_plane = pytest.mark.parametrize(
    "cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True
)
"""The sandbox asks nobody whether there is such a service account."""


FRAGILE = [fragile(number) for number in range(0, 12, 2)]


@pytest.fixture(scope="module")
def lasting_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """One sandbox for all tests of the file, which has the image of the gate."""
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox"), more=(DONE, *FRAGILE)) as (ground, _):
        yield ground


def has_ended(shop: Shop, run: Run) -> bool:
    return shop.look(run).status.phase is RunPhase.EXECUTED


def is_done(shop: Shop, run: Run) -> bool:
    """It has ended, and nothing holds it any more."""
    return has_ended(shop, run) and not shop.look(run).guarded


def is_in_force(shop: Shop, run: Run) -> bool:
    return shop.replicas() == 1 and any(each.injected for each in shop.look(run).status.evidence.undo)


def ended(shop: Shop, run: Run) -> tuple[Verdict, Reason | None, int, bool]:
    """Verdict, reason, replicas, and whether it is still guarded."""
    after = shop.look(run)
    judgement = judged(after)
    return judgement.verdict, judgement.reason, shop.replicas(), after.guarded


@on_the_sandbox
def test_a_job_executes_the_run_to_its_end_for_a_gate_that_may_break_nothing(shop: Shop) -> None:
    run = shop.begin("scale", SHORT, to=1)
    with looked_after(shop, api=shop.as_gate()):
        shop.eventually(lambda: is_done(shop, run))
        shop.eventually(lambda: all(condition(job, COMPLETE) for job in shop.jobs(run)))
    after = shop.look(run)
    assert len(shop.jobs(run)) == 1
    assert after.status.attempt == 1
    assert [(bool(undo.injected), bool(undo.reverted)) for undo in after.status.evidence.undo] == [(True, True)]
    assert (shop.replicas(), after.guarded) == (2, False)


@on_the_sandbox
def test_what_a_job_saw_is_kept_where_its_template_says_and_can_be_judged_again(shop: Shop, tmp_path: Path) -> None:
    template = JobTemplate(container={"env": [{"name": "CHAOS_GATE_EVIDENCE", "value": str(tmp_path / "evidence")}]})
    run = shop.begin("scale", SHORT, to=1)
    with looked_after(shop, template=template):
        shop.eventually(lambda: is_done(shop, run))
    (file,) = (tmp_path / "evidence").rglob("*.jsonl.gz")
    verified = verify(file)
    assert verified.same, verified.problems
    assert f"the evidence is in {run.namespace}/{file.name}, sha256 {verified.digest}" in shop.story(run)


@on_the_sandbox
def test_a_template_that_the_server_refuses_ends_the_run_with_what_it_said(shop: Shop) -> None:
    run = shop.begin("scale", LONG, to=1)
    with looked_after(shop, template=JobTemplate(pod={"securityContext": {"runAsNonRot": True}})):
        shop.eventually(lambda: has_ended(shop, run))
    assert ended(shop, run) == (Verdict.ERRORED, Reason.EXECUTOR_LOST, 2, False)
    assert re.search(r"no Job can be made to execute it: .*runAsNonRot", shop.story(run))


def processes(run: Run) -> list[int]:
    """The processes of the sandbox that execute it."""
    mark = f"execute\0{run.namespace}/{run.name}\0".encode()
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found += [int(path.parent.name)] if mark in path.read_bytes() else []
    return found


def signalled(run: Run, number: signal.Signals) -> list[int]:
    found = processes(run)
    for pid in found:
        os.kill(pid, number)
    return found


def deleted(shop: Shop, run: Run) -> None:
    for job in shop.jobs(run):
        shop.api.delete("jobs", run.namespace, job["metadata"]["name"], uid=job["metadata"]["uid"])


def evicted(shop: Shop, run: Run) -> None:
    """Told to end, as by a node that is drained."""
    for pod in shop.pods_of_jobs(run):
        shop.api.evict(run.namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"])


LOSSES: dict[str, Callable[[Shop, Run], object]] = {
    "killed": lambda _, run: signalled(run, signal.SIGKILL),
    "deleted": deleted,
    "evicted": evicted,
    "stopped": lambda _, run: signalled(run, signal.SIGSTOP),
}


@on_the_sandbox
@pytest.mark.parametrize(
    "how", ["killed", *(pytest.param(how, marks=pytest.mark.thorough) for how in LOSSES if how != "killed")]
)
def test_a_job_that_is_lost_has_a_successor_that_takes_back_and_begins_again(how: str, shop: Shop) -> None:
    run = shop.begin("scale", LONG, to=1)
    with looked_after(shop):
        shop.eventually(lambda: is_in_force(shop, run))
        LOSSES[how](shop, run)
        shop.eventually(lambda: shop.look(run).status.attempt == 2)
        signalled(run, signal.SIGCONT)  # who wakes finds that it is not his any more
        shop.eventually(lambda: is_in_force(shop, run))
        shop.say(Mode.ABORT)  # it is the Job that reads it
        shop.eventually(lambda: is_done(shop, run))
    assert ended(shop, run) == (Verdict.CANCELED, Reason.ABORTED, 2, False)
    assert shop.look(run).status.attempt == 2
    assert "the executor was lost; another one takes over" in shop.story(run)


@on_the_sandbox
@pytest.mark.thorough
@pytest.mark.parametrize("image", [image.name for image in FRAGILE])
def test_wherever_the_first_job_is_killed_everything_comes_back(image: str, shop: Shop) -> None:
    """One that dies before it has begun the run has lost nothing, and ends it; any other one has a successor."""
    run = shop.begin("scale", SHORT, to=1)
    with looked_after(shop, image=image):
        shop.eventually(lambda: is_done(shop, run))
    after = shop.look(run)
    assert shop.replicas() == 2
    assert all(undo.reverted for undo in after.status.evidence.undo)
    assert (judged(after).reason is Reason.EXECUTOR_LOST) == (not after.status.attempt)


@on_the_sandbox
@pytest.mark.thorough
def test_a_run_whose_every_job_is_lost_is_given_up_and_brought_back_by_a_reaper(shop: Shop) -> None:
    """Its gate may not take it back; the record says what is left, and blocks the namespace until somebody has."""
    run = shop.begin("scale", LONG, to=1)
    with looked_after(shop):
        shop.eventually(lambda: is_in_force(shop, run))
    status = replace(shop.look(run).status, attempt=MOST_ATTEMPTS)
    Runs(shop.api).save_status(run, status)
    for job in shop.jobs(run):
        shop.api.delete("jobs", run.namespace, job["metadata"]["name"], uid=job["metadata"]["uid"])
    signalled(run, signal.SIGKILL)
    ExecutorJobs(shop.api, Outfit(image="nowhere:1", account=ACCOUNT), SystemClock().now).make(run, MOST_JOBS)
    with looked_after(shop, image="nowhere:1", begins=SHORT, api=shop.as_gate()):
        shop.eventually(lambda: has_ended(shop, run))
    assert ended(shop, run) == (Verdict.ERRORED, Reason.EXECUTOR_LOST, 1, True)
    assert "ErrImagePull" in judged(shop.look(run)).message or "ImagePullBackOff" in judged(shop.look(run)).message
    (undo,) = shop.look(run).status.evidence.undo
    assert "403" in undo.error
    shop.eventually(lambda: reap(shop.api)[1] == [] and not shop.look(run).guarded)
    assert ended(shop, run) == (Verdict.ERRORED, Reason.EXECUTOR_LOST, 2, False)


@on_the_sandbox
def test_an_image_that_is_not_there_is_an_error_that_names_it(shop: Shop) -> None:
    run = shop.begin("scale", LONG, to=1)
    with looked_after(shop, image="nowhere:1", begins=timedelta(seconds=5)):
        shop.eventually(lambda: has_ended(shop, run))
    assert ended(shop, run) == (Verdict.ERRORED, Reason.EXECUTOR_LOST, 2, False)
    assert re.search(r"did not begin within 5s: executor waits, (ErrImagePull|ImagePullBackOff)", shop.story(run))
    assert "nowhere:1" in shop.story(run)


@on_the_sandbox
def test_a_team_that_may_not_read_the_mode_learns_which_right_is_missing(shop: Shop) -> None:
    """It would not know when to stop. Nothing is begun."""
    run = shop.begin("scale", LONG, to=1)
    shop.take("chaos-gate-mode", shop.home)
    with looked_after(shop):
        shop.eventually(lambda: has_ended(shop, run))
    assert ended(shop, run) == (Verdict.ERRORED, Reason.EXECUTOR_LOST, 2, False)
    assert 'cannot get resource "configmaps"' in shop.story(run)
    assert shop.look(run).status.attempt == 0


def test_a_job_that_ends_without_a_word_is_no_pass(shop: Shop) -> None:
    """On nodes that are played by kwok each Job is done at once, whatever it was to do; so is this image here."""
    run = shop.begin("scale", LONG, to=1)
    with looked_after(shop, image=DONE.name):
        shop.eventually(lambda: has_ended(shop, run))
    assert ended(shop, run) == (Verdict.ERRORED, Reason.EXECUTOR_LOST, 2, False)
    assert f"the Job {name_of(run, 1)} has ended, and the run has not" in shop.story(run)


@on_the_control_plane
def test_a_job_that_gets_no_pod_is_given_up_and_removed(shop: Shop) -> None:
    run = shop.begin("scale", LONG, to=1)
    shop.dismiss()
    with looked_after(shop, begins=SHORT):
        shop.eventually(lambda: has_ended(shop, run))
        shop.eventually(lambda: not shop.jobs(run))
    assert ended(shop, run) == (Verdict.ERRORED, Reason.EXECUTOR_LOST, 2, False)
    assert "did not begin within 1s" in shop.story(run)
