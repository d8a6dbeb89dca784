"""An Argo Rollout as a rollout: its controller's word, and what a pause at a canary step means."""

from typing import Any

import pytest

from gate.cluster.kinds.observed import Observed
from gate.cluster.rollouts import current_pods, rollout_of
from gate.model import Progress, WorkloadKind

Json = dict[str, Any]
KIND = WorkloadKind.ROLLOUT
CANARY: Json = {"canary": {"steps": [{"setWeight": 20}, {"pause": {}}]}}
ROUTED: Json = {"canary": {"trafficRouting": {"nginx": {}}}}
PAUSED = {"phase": "Paused", "pauseConditions": [{"reason": "CanaryPauseStep"}], "currentStepIndex": 1}


def rollout(strategy: Json = CANARY, *, replicas: int = 3, **status: Any) -> Json:
    return {
        "metadata": {
            "name": "checkout",
            "namespace": "shop",
            "uid": "r",
            "generation": 4,
            "creationTimestamp": "2026-11-21T12:00:00Z",
        },
        "spec": {"replicas": replicas, "template": template("2"), "strategy": strategy},
        "status": {"observedGeneration": "4", "currentPodHash": "new", "phase": "Healthy", **status},
    }


def template(tag: str) -> Json:
    return {"spec": {"containers": [{"name": "checkout", "image": f"checkout:{tag}"}]}}


def replica_set(hash_: str, wanted: int, available: int | None = None) -> Json:
    return {
        "metadata": {
            "uid": f"rs-{hash_}",
            "labels": {"rollouts-pod-template-hash": hash_},
            "ownerReferences": [{"uid": "r", "controller": True}],
        },
        "spec": {"replicas": wanted, "template": template("2" if hash_ == "new" else "1")},
        "status": {"availableReplicas": wanted if available is None else available},
    }


def pod(hash_: str, number: int = 0) -> Json:
    return {
        "metadata": {
            "name": f"{hash_}-{number}",
            "namespace": "shop",
            "uid": f"{hash_}-{number}",
            "labels": {"rollouts-pod-template-hash": hash_},
            "ownerReferences": [{"uid": f"rs-{hash_}", "controller": True}],
        },
        "spec": {},
        "status": {
            "containerStatuses": [
                {"name": "checkout", "imageID": f"shop@sha256:{'2' * 64 if hash_ == 'new' else '1' * 64}"}
            ]
        },
    }


def seen(workload: Json, *pods: Json, new: int = 3, available: int | None = None) -> Observed:
    sets = [replica_set("new", new, available), replica_set("old", 2)]
    return Observed(workload=workload, revisions=sets, pods=pods)


def test_a_healthy_rollout_is_complete() -> None:
    assert rollout_of(KIND, seen(rollout(), pod("new"))).progress is Progress.COMPLETE


@pytest.mark.parametrize(
    ("workload", "progress"),
    [
        (rollout(), Progress.ROLLING),
        (rollout(ROUTED), Progress.COMPLETE),
        (rollout({"blueGreen": {"activeService": "shop"}}), Progress.COMPLETE),
    ],
    ids=["canary", "canary with routed traffic", "blue-green"],
)
def test_old_pods_count_only_where_they_still_serve(workload: Json, progress: Progress) -> None:
    assert rollout_of(KIND, seen(workload, pod("new"), pod("old"))).progress is progress


@pytest.mark.parametrize(
    ("workload", "progress"),
    [
        (rollout(phase="Degraded", message="rollout aborted"), Progress.FAILED),
        (rollout(phase="Progressing"), Progress.ROLLING),
        (rollout(observedGeneration="3"), Progress.ROLLING),
        (rollout(phase="Paused", pauseConditions=[{"reason": "BlueGreenPause"}]), Progress.ROLLING),
        (rollout(replicas=0), Progress.ROLLING),
        (rollout(phase=""), Progress.ROLLING),
    ],
    ids=["degraded", "progressing", "not taken up", "paused blue-green", "zero", "no phase"],
)
def test_everything_else_is_not_complete(workload: Json, progress: Progress) -> None:
    assert rollout_of(KIND, seen(workload, pod("new"))).progress is progress


def test_a_pause_at_a_canary_step_is_complete_for_the_canary_alone() -> None:
    observed = seen(rollout(**PAUSED), pod("new"), pod("old", 1), pod("old", 2), new=1)
    found = rollout_of(KIND, observed)
    assert found.progress is Progress.CANARY
    assert found.version is not None
    assert found.version.images[0].digest == f"sha256:{'2' * 64}"
    assert [each["metadata"]["name"] for each in current_pods(KIND, observed)] == ["new-0"]


@pytest.mark.parametrize(("new", "available"), [(0, 0), (2, 1)])
def test_a_canary_without_all_of_its_pods_is_waited_for(new: int, available: int) -> None:
    observed = seen(rollout(**PAUSED), pod("new"), new=new, available=available)
    assert rollout_of(KIND, observed).progress is Progress.ROLLING


def test_the_template_of_a_workload_reference_is_that_of_the_current_replica_set() -> None:
    referring = rollout()
    del referring["spec"]["template"]
    found = rollout_of(KIND, seen(referring, pod("new")))
    assert (found.progress, found.image) == (Progress.COMPLETE, "checkout:2")
