"""A fault of one's own: one Job does it, another one takes it back, and none of them stays."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gate.errors import Futile, Permanent, Temporary
from gate.faults import job
from gate.model import Undo
from gate.running.jobs import FAILED, JOB_NAME, condition
from tests.faults.application import Application, Eventually

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""On nodes that are played by kwok no command is run: every Job is done at once."""


def commands(**scripts: str) -> dict[str, Any]:
    return {"image": "web:1"} | {act: ["sh", "-c", script] for act, script in scripts.items()}


def jobs(web: Application) -> list[str]:
    return [item["metadata"]["name"] for item in web.api.list("jobs", web.namespace)[0]]


def pods_of_jobs(web: Application) -> list[dict[str, Any]]:
    return list(web.api.list("pods", web.namespace, labels=JOB_NAME)[0])


@on_the_sandbox
def test_what_is_run_knows_what_it_is_for(web: Application, tmp_path: Path) -> None:
    facts = " ".join(f"$CHAOS_GATE_{fact}" for fact in ("ACT", "POD", "NAMESPACE", "WORKLOAD_KIND", "WORKLOAD"))
    say = f'echo "{facts} $HOW" >>{tmp_path}/said'
    (undo,) = web.plan("job", **commands(inject=say, effect=say, revert=say), env={"HOW": "badly"})
    web.inject(undo)
    web.feel(undo)
    assert str(job.prove(undo, web.api)).endswith("-inject is complete")
    assert "a Job took it back" in web.revert(undo)
    facts = f"{undo.target.name} {web.namespace} Deployment web badly"
    assert (tmp_path / "said").read_text().splitlines() == [f"{act} {facts}" for act in ("inject", "effect", "revert")]
    assert jobs(web) == []
    web.eventually(lambda: not pods_of_jobs(web))


@on_the_sandbox
@pytest.mark.parametrize("broken", ["inject", "effect"])
def test_what_fails_is_not_felt_and_is_taken_back(
    broken: str, web: Application, tmp_path: Path, eventually: Eventually
) -> None:
    fails = "echo the queue is read-only >&2; exit 3"
    scripts = {"inject": "true", "effect": "true", broken: fails, "revert": f"touch {tmp_path}/taken-back"}
    (undo,) = web.plan("job", **commands(**scripts))
    web.inject(undo)
    eventually(lambda: condition(web.read("jobs", job._doing(undo)), FAILED))
    said = f'{broken} ended with exit code 3: "the queue is read-only"'
    with pytest.raises(Futile, match=f"the Job {job._doing(undo)} failed: {said}"):
        job.prove(undo, web.api)
    assert f"the one that did it had failed: {said}" in web.revert(undo)
    assert (tmp_path / "taken-back").exists()


@on_the_sandbox
def test_what_does_not_begin_says_why(web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan("job", **commands(inject="true", revert="true") | {"image": "nowhere:1"})
    web.inject(undo)

    def said() -> str:
        with pytest.raises(Temporary, match=f"the Job {job._doing(undo)} has not ended") as error:
            job.prove(undo, web.api)
        return str(error.value)

    eventually(lambda: "inject waits, ErrImagePull" in said() or "inject waits, ImagePullBackOff" in said())


def test_an_act_waits_as_long_for_its_revert_as_its_author_says(web: Application) -> None:
    (undo,) = web.plan("job", **commands(inject="true", revert="true"), revertWithin="7m")
    assert undo.patience == timedelta(minutes=7)
    with pytest.raises(Temporary, match="has begun to take it back"):
        job.revert(replace(undo, injected=datetime.now(UTC)), web.api)
    assert web.read("jobs", job._undoing(undo))["spec"]["activeDeadlineSeconds"] == 7 * 60


@pytest.mark.parametrize("privileged", [False, True])
def test_containers_run_privileged_only_where_the_author_says_so(web: Application, privileged: bool) -> None:
    (undo,) = web.plan("job", **commands(inject="true", revert="true"), privileged=privileged)
    with pytest.raises(Temporary, match="has begun to take it back"):
        job.revert(replace(undo, injected=datetime.now(UTC)), web.api)
    (container,) = web.read("jobs", job._undoing(undo))["spec"]["template"]["spec"]["containers"]
    assert container.get("securityContext", {}).get("privileged", False) is privileged


@on_the_sandbox
def test_what_is_still_being_done_is_stopped_before_it_is_taken_back(
    web: Application, tmp_path: Path, eventually: Eventually
) -> None:
    said = tmp_path / "said"
    inject = f"trap 'echo stopped >>{said}; exit' TERM; echo begun >>{said}; sleep 1000d & wait"
    (undo,) = web.plan("job", **commands(inject=inject, revert=f"echo taken back >>{said}"))
    web.inject(undo)
    eventually(said.exists)
    web.revert(undo)
    assert said.read_text().splitlines() == ["begun", "stopped", "taken back"]
    assert jobs(web) == []


@on_the_sandbox
def test_taking_back_is_tried_until_it_works(web: Application, tmp_path: Path, eventually: Eventually) -> None:
    (undo,) = web.plan("job", **commands(inject="true", revert=f"test -e {tmp_path}/mended"))
    web.inject(undo)
    web.feel(undo)
    failures = []

    def fails() -> bool:
        with pytest.raises(Temporary) as error:
            job.revert(undo, web.api)
        failures.extend([str(error.value)] if "failed to take it back" in str(error.value) else [])
        return len(failures) == 2

    eventually(fails)
    assert "revert ended with exit code 1" in failures[0]
    (tmp_path / "mended").touch()
    web.revert(undo)
    assert jobs(web) == []


def test_a_record_that_says_it_was_done_is_enough_to_take_it_back(web: Application, eventually: Eventually) -> None:
    """Somebody has tidied up, and deleted the Job that did it."""
    (undo,) = web.plan("job", **commands(inject="true", revert="true"))
    assert web.revert(undo).startswith("nothing was begun")
    done = replace(undo, injected=datetime.now(UTC))
    assert "a Job took it back" in web.revert(done)


def test_the_job_of_somebody_else_is_left_alone(web: Application) -> None:
    (undo,) = web.plan("job", **commands(inject="true", revert="true"))
    pod = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}
    body = {"metadata": {"name": job._doing(undo)}, "spec": {"suspend": True, "template": {"spec": pod}}}
    web.api.create("jobs", web.namespace, body)
    with pytest.raises(Permanent, match="is somebody else's"):
        job.inject(undo, web.api)
    assert job.prove(undo, web.api) is None
    web.revert(undo)
    assert jobs(web) == [job._doing(undo)]


def test_jobs_end_by_themselves_and_speak_to_the_api_only_as_somebody(web: Application) -> None:
    about = commands(inject="true", revert="true")

    def spec(undo: Undo) -> dict[str, Any]:
        web.inject(undo)
        return dict(web.read("jobs", job._doing(undo))["spec"])

    (nobody,) = web.plan("job", **about)
    assert spec(nobody)["activeDeadlineSeconds"] == 31
    assert spec(nobody)["template"]["spec"]["automountServiceAccountToken"] is False
    (somebody,) = web.plan("job", seed="another", **about, serviceAccount="breaker")
    pod = spec(somebody)["template"]["spec"]
    assert (pod["serviceAccountName"], pod["automountServiceAccountToken"]) == ("breaker", True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"revert": None}, "revert"),
        ({"revert": []}, "at least 1 item"),
        ({"inject": "true"}, "valid list"),
        ({"env": {"A B": "x"}}, '"A B" cannot be the name of a variable'),
        ({"env": {"CHAOS_GATE_POD": "x"}}, "is set by the gate"),
        ({"image": ""}, "image"),
    ],
)
def test_what_cannot_be_run_or_taken_back_is_refused(change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        job.Settings.model_validate(commands(inject="true", revert="true") | change)
