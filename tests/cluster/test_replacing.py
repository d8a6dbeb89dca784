"""Whether pods are being replaced by those of another template, as a workload's own status tells it."""

import time
from collections.abc import Callable

import pytest

from gate.cluster.kinds.observed import Observed
from gate.cluster.workloads import Workloads
from gate.model import Progress, Rollout, WorkloadKind, WorkloadName
from tests.builders import deployment
from tests.grounds import Ground
from tests.waiting import pauses

PATIENCE = 60.0


def seen_until(ground: Ground, name: WorkloadName, holds: Callable[[Rollout], bool]) -> list[bool]:
    """Whether it was replacing, look by look, until that holds."""
    workloads, found = Workloads(ground.api), []
    deadline, pause = time.monotonic() + PATIENCE, pauses()
    while True:
        rollout = workloads.rollout(name)
        assert rollout is not None
        found.append(rollout.replacing)
        if holds(rollout):
            return found
        assert time.monotonic() < deadline, rollout
        time.sleep(next(pause))


def complete(rollout: Rollout) -> bool:
    return rollout.progress is Progress.COMPLETE


def test_another_template_replaces_pods_and_a_scaling_does_not(cluster: Ground, namespace: str) -> None:
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="web")
    # A pod counts as available after two seconds only, so that those of before are there for as long.
    cluster.api.create("deployments", namespace, deployment("web", namespace, replicas=2, minReadySeconds=2))
    assert not any(seen_until(cluster, name, complete))
    cluster.api.patch("deployments", namespace, "web", {"spec": {"replicas": 3}})
    assert not any(seen_until(cluster, name, lambda rollout: complete(rollout) and rollout.message.startswith("3")))
    annotations = {"kubectl.kubernetes.io/restartedAt": "now"}
    cluster.api.patch(
        "deployments", namespace, "web", {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    )
    assert seen_until(cluster, name, lambda rollout: rollout.replacing)[-1]
    assert not seen_until(cluster, name, complete)[-1]


def test_a_template_is_another_one_also_where_all_pods_of_before_are_gone_at_once(
    cluster: Ground, namespace: str
) -> None:
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="web")
    cluster.api.create(
        "deployments", namespace, deployment("web", namespace, replicas=1, strategy={"type": "Recreate"})
    )
    seen_until(cluster, name, complete)
    workloads = Workloads(cluster.api)

    def template() -> str:
        rollout = workloads.rollout(name)
        assert rollout
        return rollout.template

    before = template()
    cluster.api.patch("deployments", namespace, "web", {"spec": {"replicas": 2}})
    assert before == template() != ""
    annotations = {"kubectl.kubernetes.io/restartedAt": "now"}
    cluster.api.patch(
        "deployments", namespace, "web", {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    )
    assert template() not in {"", before}


@pytest.mark.parametrize(
    ("update", "strategy", "replacing"),
    [("web-1", "RollingUpdate", False), ("web-2", "RollingUpdate", True), ("web-2", "OnDelete", False)],
)
def test_a_stateful_set_says_by_its_revisions_whether_a_missing_pod_is_replaced_unless_people_replace_them(
    update: str, strategy: str, replacing: bool
) -> None:
    status = {
        "observedGeneration": 1,
        "replicas": 3,
        "updatedReplicas": 2,
        "currentRevision": "web-1",
        "updateRevision": update,
    }
    spec = {"updateStrategy": {"type": strategy}}
    seen = Observed(workload={"metadata": {"generation": 1}, "spec": spec, "status": status}, revisions=(), pods=())
    assert seen.is_replacing is replacing
