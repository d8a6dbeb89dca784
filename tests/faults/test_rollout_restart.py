"""A restart is a rollout of the same images: new pods, the same version, nothing to put back."""

from typing import Any

import pytest

from gate.cluster.workloads import Workloads
from gate.errors import Permanent
from gate.faults import rollout_restart
from gate.model import Progress, WorkloadKind, WorkloadName
from tests.faults.application import Application, Eventually, step


def test_every_pod_is_new_and_the_version_is_the_same(web: Application, eventually: Eventually) -> None:
    before, workloads = {pod.uid for pod in web.pods()}, Workloads(web.api)
    rollout = workloads.rollout(web.name)
    assert rollout is not None
    (undo,) = web.plan("rollout-restart")
    web.inject(undo)
    eventually(lambda: rollout_restart.prove(undo, web.api))

    def is_complete() -> bool:
        now = workloads.rollout(web.name)
        return now is not None and now.progress is Progress.COMPLETE

    eventually(is_complete)
    assert not before & {pod.uid for pod in web.pods()}
    now = workloads.rollout(web.name)
    assert now is not None
    assert (now.version, now.image) == (rollout.version, rollout.image)


@pytest.mark.parametrize("first", [0, -1])
def test_it_is_felt_whichever_pod_is_the_first_to_go(first: int, web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan("rollout-restart")
    assert rollout_restart.prove(undo, web.api) is None
    pod = sorted(web.pods(), key=lambda pod: pod.uid)[first]
    web.api.delete("pods", web.namespace, pod.name, uid=pod.uid)
    eventually(lambda: rollout_restart.prove(undo, web.api) == f"pod {pod.name} was replaced")


def test_tried_again_it_starts_no_second_rollout_but_the_next_run_does(web: Application) -> None:
    def generation() -> int:
        return int(web.read("deployments", "web")["metadata"]["generation"])

    (undo,) = web.plan("rollout-restart")
    web.inject(undo)
    once = generation()
    web.inject(undo)
    web.revert(undo)
    assert generation() == once
    web.be_whole()
    (another,) = web.plan("rollout-restart")
    web.inject(another)
    assert generation() == once + 1


def test_an_argo_rollout_is_not_restarted_this_way(web: Application) -> None:
    nobody: Any = None
    name = WorkloadName(kind=WorkloadKind.ROLLOUT, namespace="shop", name="web")
    with pytest.raises(Permanent, match="Deployment, StatefulSet, DaemonSet"):
        rollout_restart.plan(step("rollout-restart"), name, web.pods(), "seed", nobody)


def test_a_workload_without_pods_is_no_target(web: Application, eventually: Eventually) -> None:
    web.change("deployments", "web", {"spec": {"replicas": 0}})
    eventually(lambda: not web.pods())
    assert web.plan("rollout-restart") == []
