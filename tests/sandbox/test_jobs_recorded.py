"""Jobs on the sandbox go the way that the real ones went when the same happened to their pods."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gate.sandbox.kubernetes.controllers.running import Controllers
from gate.sandbox.kubernetes.language.objects import Object, is_terminating
from gate.sandbox.kubernetes.registry.resources import EVENTS, JOBS, PODS
from gate.sandbox.kubernetes.store.changes import Change
from tests import grounds
from tests.grounds import Ground
from tests.samples.jobs import SCENARIOS, job
from tests.samples.node import Kwok
from tests.samples.record import kept, recorded
from tests.samples.stories import job_story_of


@pytest.mark.long
@pytest.mark.parametrize("name", SCENARIOS)
def test_a_job_on_the_sandbox_is_the_story_of_the_real_one(tmp_path: Path, name: str) -> None:
    with grounds.sandbox(tmp_path, images=None, parts=[Controllers, Kwok]) as (ground, _):
        played = recorded(ground, "jobs", name)
    assert job_story_of(played.steps) == job_story_of(kept("jobs", name).steps)


@pytest.mark.cluster
@pytest.mark.parametrize("name", SCENARIOS)
def test_the_recorded_story_of_a_job_is_still_that_of_the_real_one(real: Ground, name: str) -> None:
    assert job_story_of(recorded(real, "jobs", name).steps) == job_story_of(kept("jobs", name).steps)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"completionMode": "Foo"}, 'spec.completionMode: Unsupported value: "Foo"'),
        ({"parallelism": -2}, "spec.parallelism: Invalid value: -2: must be greater than or equal to 0"),
        ({"backoffLimit": -1}, "spec.backoffLimit: Invalid value: -1"),
        ({"selector": {"matchLabels": {"a": "b"}}}, "`selector` not auto-generated"),
        (
            {"template": {"spec": {"containers": [{"name": "m", "image": "web:1"}]}}},
            'valid values: "OnFailure", "Never"',
        ),
    ],
)
def test_a_job_that_cannot_be_is_refused(cluster: Ground, namespace: str, spec: dict[str, object], said: str) -> None:
    wanted = job()
    answer = cluster.ask(
        "POST", f"/apis/batch/v1/namespaces/{namespace}/jobs", wanted | {"spec": wanted["spec"] | spec}
    )
    assert answer.status_code == 422
    assert said in answer.json()["message"]


@pytest.mark.parametrize("spec", [{"completionMode": "Indexed", "completions": 2}, {"podReplacementPolicy": "Failed"}])
def test_what_the_sandbox_does_not_do_with_jobs_it_refuses(sandbox: Ground, spec: dict[str, object]) -> None:
    wanted = job()
    answer = sandbox.ask("POST", "/apis/batch/v1/namespaces/default/jobs", wanted | {"spec": wanted["spec"] | spec})
    assert answer.status_code == 422
    assert "the sandbox does" in answer.json()["message"]


@pytest.mark.parametrize(
    ("field", "value"), [("completions", 3), ("template", {"spec": {"restartPolicy": "OnFailure"}})]
)
def test_what_a_job_was_made_for_does_not_change(cluster: Ground, namespace: str, field: str, value: object) -> None:
    path = f"/apis/batch/v1/namespaces/{namespace}/jobs"
    assert cluster.ask("POST", path, job(suspend=True)).status_code == 201
    answer = cluster.ask("PATCH", f"{path}/once", {"spec": {field: value}}, media="application/merge-patch+json")
    assert answer.status_code == 422
    assert answer.json()["details"]["causes"][0]["field"] == f"spec.{field}"


@pytest.mark.parametrize(("query", "left"), [("", True), ("?propagationPolicy=Background", False)])
def test_pods_outlive_a_job_that_is_deleted_without_a_policy(
    cluster: Ground, namespace: str, query: str, left: bool, eventually: Callable[[Callable[[], object]], object]
) -> None:
    path, pods = f"/apis/batch/v1/namespaces/{namespace}/jobs", f"/api/v1/namespaces/{namespace}/pods"
    assert cluster.ask("POST", path, job("never-starts")).status_code == 201
    eventually(lambda: cluster.ask("GET", pods).json()["items"])
    cluster.ask("DELETE", f"{path}/once{query}")
    eventually(lambda: cluster.ask("GET", f"{path}/once").status_code == 404)

    def rests() -> bool:
        found = cluster.ask("GET", pods).json()["items"]
        tracked = any("finalizers" in pod["metadata"] or "ownerReferences" in pod["metadata"] for pod in found)
        return bool(found) is left and not tracked

    eventually(rests)


def test_a_pod_that_is_given_up_does_not_count_as_failed_though_the_job_is_written_meanwhile(
    tmp_path: Path, eventually: Callable[[Callable[[], object]], object]
) -> None:
    with grounds.sandbox(tmp_path, images=None, parts=[Controllers, Kwok]) as (ground, running):
        jobs = "/apis/batch/v1/namespaces/default/jobs"

        def status() -> dict[str, Any]:
            return dict(ground.ask("GET", f"{jobs}/once").json()["status"])

        def meanwhile(change: Change) -> None:
            """While its pod goes: what the controller then writes of the Job comes too late."""
            if is_terminating(change.entry.shared):
                running.store.patch(JOBS, "default", "once", annotated)

        running.store.observe(PODS, meanwhile)
        ground.ask("POST", jobs, job("never-starts", backoffLimit=0))
        eventually(lambda: status().get("active"))
        ground.ask("PATCH", f"{jobs}/once", {"spec": {"suspend": True}}, media="application/merge-patch+json")
        eventually(lambda: "active" not in status() and not status()["terminating"])

        assert "failed" not in status()
        assert [each["type"] for each in status()["conditions"]] == ["Suspended"]
        assert ground.ask("GET", f"{jobs}/once").json()["metadata"]["annotations"] == {"somebody": "else"}


def test_the_end_of_a_job_is_told_once_though_the_job_is_written_meanwhile(
    tmp_path: Path, eventually: Callable[[Callable[[], object]], object]
) -> None:
    with grounds.sandbox(tmp_path, images=None, parts=[Controllers, Kwok]) as (ground, running):

        def told() -> list[Any]:
            found = ground.ask("GET", "/api/v1/namespaces/default/events?fieldSelector=reason=Completed").json()
            return [event["count"] for event in found["items"]]

        def meanwhile(change: Change) -> None:
            if change.entry.shared["reason"] == "Completed":
                running.store.patch(JOBS, "default", "once", annotated)

        running.store.observe(EVENTS, meanwhile)
        jobs = "/apis/batch/v1/namespaces/default/jobs"
        ground.ask("POST", jobs, job())
        eventually(lambda: told() and ground.ask("GET", f"{jobs}/once").json()["status"].get("completionTime"))
        assert told() == [1]


def annotated(job: Object) -> Object:
    """Written by somebody else."""
    job["metadata"]["annotations"] = {"somebody": "else"}
    return job
