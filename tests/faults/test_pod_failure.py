"""Pods run what cannot be pulled for a while: they stay, unready, and are the same pods afterwards."""

import pytest

from gate.errors import Permanent
from gate.faults import pod_failure
from gate.model import Undo
from tests.faults.application import PODS, Application, Eventually

on_the_sandbox = pytest.mark.parametrize("cluster", ["sandbox"], indirect=True)
"""The nodes of the real control plane are played by kwok: no container there feels anything."""


def images(web: Application, undo: Undo) -> list[str]:
    return [container["image"] for container in web.read("pods", undo.target.name)["spec"]["containers"]]


@on_the_sandbox
def test_the_pod_stays_and_is_not_ready_until_it_is_taken_back(web: Application, eventually: Eventually) -> None:
    before = {pod.uid for pod in web.pods()}
    (undo,) = web.plan("pod-failure")
    web.inject(undo)
    eventually(lambda: pod_failure.prove(undo, web.api))
    eventually(lambda: {pod.uid for pod in web.pods()} == before - {undo.target.uid})

    def waits_for_its_images() -> bool:
        statuses = web.read("pods", undo.target.name)["status"]["containerStatuses"]
        reasons = {status["state"].get("waiting", {}).get("reason") for status in statuses}
        return reasons <= {"ErrImagePull", "ImagePullBackOff"}

    eventually(waits_for_its_images)
    assert len(web.api.list("pods", web.namespace)[0]) == PODS, "its owner is content with it"
    web.revert(undo)
    eventually(lambda: {pod.uid for pod in web.pods()} == before)


@on_the_sandbox
def test_an_image_that_runs_does_not_prove_that_the_pod_failed(web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan("pod-failure", image="web:3")
    web.inject(undo)

    def runs_it() -> bool:
        statuses = web.read("pods", undo.target.name)["status"]["containerStatuses"]
        return all(status["image"].endswith("web:3") and status["ready"] for status in statuses)

    eventually(runs_it)
    assert pod_failure.prove(undo, web.api) is None


def test_one_container_may_be_chosen_and_the_others_are_left_alone(web: Application) -> None:
    (undo,) = web.plan("pod-failure", container="beside")
    web.inject(undo)
    assert images(web, undo) == ["web:1", pod_failure.NOTHING]
    web.revert(undo)
    assert images(web, undo) == ["web:1", "web:2"]


def test_a_container_that_there_is_not_is_named_with_those_that_there_are(web: Application) -> None:
    with pytest.raises(Permanent, match='no container "mian"; it has main, beside'):
        web.plan("pod-failure", container="mian")


def test_an_image_that_somebody_else_set_meanwhile_is_left(web: Application) -> None:
    (undo,) = web.plan("pod-failure")
    web.inject(undo)
    item = web.read("pods", undo.target.name)
    containers = [each | {"image": "web:4"} if each["name"] == "main" else each for each in item["spec"]["containers"]]
    web.change("pods", undo.target.name, {"spec": {"containers": containers}})
    assert "the image of main" in (said := web.revert(undo))
    assert "by somebody else" in said
    assert images(web, undo) == ["web:4", "web:2"]


def test_a_pod_whose_image_was_changed_after_the_plan_is_not_touched(web: Application) -> None:
    (undo,) = web.plan("pod-failure")
    item = web.read("pods", undo.target.name)
    changed = [each | {"image": "web:4"} for each in item["spec"]["containers"]]
    web.change("pods", undo.target.name, {"spec": {"containers": changed}})
    with pytest.raises(Permanent, match="was changed meanwhile"):
        web.inject(undo)
