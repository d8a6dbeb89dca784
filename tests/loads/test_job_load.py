"""A container of the author's is started, told to end, asked what it sent, and leaves nothing behind."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gate.cluster.runs import RunJournal, Runs, run_from
from gate.errors import Denied, Permanent
from gate.loads import LOADS
from gate.loads.job import ContainerLoad, Settings, summary_of
from gate.model import Evidence, RunPhase, RunStatus, Undo, fingerprint
from gate.running import companions
from gate.running.companions import Ended
from gate.running.ports import LoadSummary, Surroundings
from gate.running.time import SystemClock
from gate.wire.reaping import reap
from tests.cluster.test_reaping import SPEC_OF_A_RUN
from tests.grounds import Ground

Eventually = Callable[[Callable[[], object]], None]
LOG = "/dev/termination-log"
SENT = json.dumps({"due": 100, "sent": 95, "failed": 2})
SENDS = f"trap 'echo {json.dumps(SENT)} >{LOG}; exit 0' TERM; touch $READY; while :; do sleep 1000d & wait; done"

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""On nodes that are played by kwok every Job is done at once."""


@dataclass
class Yard:
    """Where loads are started, with what was written down for taking them back."""

    ground: Ground
    namespace: str
    kept: list[Undo] = field(default_factory=list)

    @property
    def around(self) -> Surroundings:
        return Surroundings(
            cluster=self.ground.api,
            clock=SystemClock(),
            namespace=self.namespace,
            resolve=str,
            run="the-run",
            keep=self.keep,
            rest=self.rest,
            deadline=datetime.now(UTC) + timedelta(minutes=5),
            what="load shoppers",
        )

    def keep(self, undo: Undo) -> None:
        assert self.jobs() == [], "it is written down before it is made"
        self.kept.append(undo)

    def rest(self) -> None:
        SystemClock().wait(threading.Event(), 0.05)

    def revert(self) -> list[str]:
        return [companions.revert(undo, self.ground.api) for undo in self.kept]

    def jobs(self) -> list[dict[str, Any]]:
        return list(self.ground.api.list("jobs", self.namespace)[0])

    def pods(self) -> list[dict[str, Any]]:
        return list(self.ground.api.list("pods", self.namespace)[0])

    def start(self, script: str = "", **settings: Any) -> ContainerLoad:
        words = {"command": ["sh", "-c", script]} if script else {}
        load = LOADS["job"].start({"image": "web:1", "begins": "30s", **words, **settings}, self.around)
        assert isinstance(load, ContainerLoad)
        return load


@pytest.fixture
def yard(cluster: Ground, namespace: str) -> Yard:
    return Yard(ground=cluster, namespace=namespace)


@on_the_sandbox
def test_it_sends_until_it_is_told_to_end_and_says_what_it_sent(
    yard: Yard, tmp_path: Path, eventually: Eventually
) -> None:
    load = yard.start(SENDS, summary=True, env={"READY": str(tmp_path / "ready")})
    eventually((tmp_path / "ready").exists)
    assert load.stop() == LoadSummary(due=100, sent=95, failed=2)
    assert yard.revert() == ["it is removed"]
    assert yard.jobs() == []


@on_the_sandbox
def test_a_load_that_counts_nothing_only_has_to_last(yard: Yard) -> None:
    assert yard.start("trap exit TERM; sleep 1000d & wait").stop() == LoadSummary(due=0, sent=0, failed=0)


@on_the_sandbox
@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("echo no such host >&2; exit 3", 'ended before the run did, with exit code 3: "no such host"'),
        ("exit 0", "ended before the run did, with exit code 0"),
    ],
)
def test_a_load_that_ends_by_itself_was_not_the_load_that_was_asked_for(
    script: str, problem: str, yard: Yard, eventually: Eventually
) -> None:
    load = yard.start(script)
    eventually(load.has_ended)
    assert load.stop().problem == problem


@on_the_sandbox
@pytest.mark.parametrize("summary", [False, True])
def test_a_load_whose_pod_was_deleted_meanwhile_was_not_there_until_the_end(
    summary: bool, yard: Yard, eventually: Eventually
) -> None:
    """Even one that counts nothing: whoever passes with it would pass without a load."""
    load = yard.start("trap exit TERM; sleep 1000d & wait", summary=summary)
    (pod,) = yard.pods()
    yard.ground.api.delete("pods", yard.namespace, pod["metadata"]["name"], uid=pod["metadata"]["uid"])
    eventually(lambda: yard.pods() == [])
    assert load.stop().problem == "was gone before the run ended: nobody knows what it sent"


@pytest.mark.parametrize(
    ("status", "gone"),
    [
        ({"phase": "Failed", "reason": "Evicted"}, True),
        ({"phase": "Failed", "containerStatuses": [{"state": {"terminated": {"exitCode": 137}}}]}, False),
        ({"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}, False),
    ],
    ids=["evicted", "ended", "runs"],
)
def test_a_pod_that_is_over_and_does_not_say_how_its_container_ended_is_gone(
    status: dict[str, Any], gone: bool
) -> None:
    assert companions.is_gone({"status": status}) is gone


@on_the_sandbox
def test_a_load_whose_image_is_not_there_never_begins_and_says_why(yard: Yard) -> None:
    with pytest.raises(Permanent, match=r"it was not there within 5s: main waits, (ErrImagePull|ImagePullBackOff)"):
        yard.start("exit 0", image="nowhere:1", begins="5s")
    assert yard.revert() == ["it is removed"]


def test_on_either_ground_it_is_made_for_its_run_and_ends_by_itself(yard: Yard, eventually: Eventually) -> None:
    load = yard.start("exit 0", env={"SHOPPERS": "5"}, args=["fast"])
    (job,) = yard.jobs()
    (container,) = job["spec"]["template"]["spec"]["containers"]
    told = {each["name"]: each["value"] for each in container["env"]}
    assert told == {"CHAOS_GATE_NAMESPACE": yard.namespace, "CHAOS_GATE_RUN": "the-run", "SHOPPERS": "5"}
    assert (container["command"], container["args"]) == (["sh", "-c", "exit 0"], ["fast"])
    assert 5 * 60 < job["spec"]["activeDeadlineSeconds"] <= 7 * 60
    eventually(load.has_ended)
    assert load.stop().problem == "ended before the run did, with exit code 0"
    assert yard.revert() == ["it is removed"]
    assert yard.revert() == ["it is not there"]


def test_a_reaper_removes_what_a_run_has_left(yard: Yard, eventually: Eventually) -> None:
    yard.start("trap exit TERM; sleep 1000d & wait")
    body = {
        "apiVersion": "chaosgate.dev/v1alpha1",
        "kind": "ChaosRun",
        "metadata": {"name": "the-run"},
        "spec": SPEC_OF_A_RUN,
    }
    run = run_from(yard.ground.api.create("chaosruns", yard.namespace, body))
    left = RunStatus(phase=RunPhase.RUNNING, attempt=1, evidence=Evidence(undo=tuple(yard.kept)))
    RunJournal(Runs(yard.ground.api), run).save(left, guarded=True)
    reap(yard.ground.api)
    eventually(lambda: yard.jobs() == [])
    after = Runs(yard.ground.api).get(yard.namespace, "the-run")
    assert after is not None
    assert ([undo.reverted is not None for undo in after.status.evidence.undo], after.guarded) == ([True], False)


def test_the_job_of_somebody_else_is_neither_used_nor_removed(yard: Yard) -> None:
    name = "chaos-gate-" + fingerprint(yard.namespace, "the-run", "load shoppers")
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}
    body = {"metadata": {"name": name}, "spec": {"suspend": True, "template": {"spec": pod}}}
    yard.ground.api.create("jobs", yard.namespace, body)
    with pytest.raises(Permanent, match="somebody else's"):
        LOADS["job"].start({"image": "web:1"}, replace(yard.around, keep=yard.kept.append))
    assert yard.revert() == ["it is not there"]
    assert len(yard.jobs()) == 1


@pytest.mark.parametrize(
    ("last", "problem"),
    [
        (Ended(code=0, message=""), "left no summary in its termination log, exit code 0"),
        (Ended(code=1, message="no"), 'left no summary in its termination log: "no", exit code 1'),
        (Ended(code=0, message="[]"), 'left no summary in its termination log: "[]", exit code 0'),
        (Ended(code=0, message='{"sent": -1, "failed": 0}'), "left no summary in its termination log"),
        (Ended(code=0, message='{"sent": true, "failed": 0}'), "left no summary in its termination log"),
        (Ended(code=0, message='{"sent": 1e999, "failed": 0}'), "left no summary in its termination log"),
        (Ended(code=0, message='{"sent": 0, "failed": 0, "due": 9}'), "sent nothing"),
    ],
)
def test_what_cannot_be_read_is_no_summary(last: Ended, problem: str) -> None:
    assert summary_of(last).problem.startswith(problem)


def test_what_was_due_may_be_left_out_and_whatever_the_exit_code_the_summary_counts() -> None:
    """k6 ends with 105 when it is told to end."""
    assert summary_of(Ended(code=105, message='{"sent": 10.0, "failed": 1}')) == LoadSummary(due=10, sent=10, failed=1)


def test_who_may_not_write_down_how_to_undo_it_makes_nothing(yard: Yard) -> None:
    def keep(undo: Undo) -> None:
        raise Denied("not here")

    with pytest.raises(Denied):
        LOADS["job"].start({"image": "web:1"}, replace(yard.around, keep=keep))
    assert yard.jobs() == []


def test_a_block_that_has_not_the_form_is_refused() -> None:
    with pytest.raises(ValidationError, match="imgae"):
        Settings.model_validate({"imgae": "k6"})
