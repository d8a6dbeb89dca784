"""Each fault: what it would touch, that it is felt, and that it comes back from its record alone."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.cluster.api import Api
from gate.cluster.workloads import Workloads
from gate.errors import Permanent
from gate.faults import FAULTS, pod_kill, scale_to_zero
from gate.model import Step, Target, WorkloadKind, WorkloadName
from gate.sandbox.demo.seeding import Rest, apply
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.images import Image, Images
from tests.conftest import CRDS

Eventually = Callable[[Callable[[], object]], None]
NAME = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="default", name="idle")
SECONDS = timedelta(seconds=1)


def step(fault: str, **settings: Any) -> Step:
    return Step(name="it breaks", fault=fault, settings=settings, hold=SECONDS, recover=SECONDS)


def target(uid: str) -> Target:
    return Target(kind="Pod", namespace="default", name=f"pod-{uid}", uid=uid)


@pytest.fixture
def cluster(tmp_path: Path, eventually: Eventually) -> Iterator[Api]:
    """A cluster with a Deployment of three pods that do nothing."""
    images = Images([Image(name="idle:1", argv=("sleep", "3600"))])
    template = {"metadata": {"labels": {"app": "idle"}}, "spec": {"containers": [{"name": "c", "image": "idle:1"}]}}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "idle", "namespace": "default"},
        "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "idle"}}, "template": template},
    }
    with Kubernetes(crds=CRDS, images=images) as kubernetes:
        rest = Rest(kubernetes.admin_url)
        apply(rest, manifest)
        rest.close()
        config = tmp_path / "kubeconfig"
        config.write_text(kubernetes.kubeconfig())
        api = Api.from_environment(str(config))
        eventually(lambda: len(Workloads(api).ready_pods(NAME)) == 3)
        yield api


def replicas(api: Api) -> int:
    found = api.get("deployments", "default", "idle")
    assert found is not None
    return int(found["spec"]["replicas"])


def test_a_killed_pod_is_gone_and_its_owner_replaces_it(cluster: Api, eventually: Eventually) -> None:
    pods = Workloads(cluster).ready_pods(NAME)
    (undo,) = pod_kill.plan(step("pod-kill"), NAME, pods, "seed", cluster)
    assert pod_kill.prove(undo, cluster) is None
    pod_kill.inject(undo, cluster)
    eventually(lambda: pod_kill.prove(undo, cluster))
    eventually(lambda: len(Workloads(cluster).ready_pods(NAME)) == 3)
    assert undo.target.uid not in {pod.uid for pod in Workloads(cluster).ready_pods(NAME)}


def test_killing_the_same_pod_twice_kills_no_other(cluster: Api, eventually: Eventually) -> None:
    pods = Workloads(cluster).ready_pods(NAME)
    (undo,) = pod_kill.plan(step("pod-kill"), NAME, pods, "seed", cluster)
    pod_kill.inject(undo, cluster)
    eventually(lambda: len(Workloads(cluster).ready_pods(NAME)) == 3)
    survivors = {pod.uid for pod in Workloads(cluster).ready_pods(NAME)}
    pod_kill.inject(undo, cluster)
    assert {pod.uid for pod in Workloads(cluster).ready_pods(NAME)} == survivors


@given(st.sets(st.text("abcdef0123456789", min_size=4, max_size=8), min_size=2, max_size=8), st.text(max_size=5))
def test_the_same_seed_and_pods_give_the_same_victims_in_any_order(uids: set[str], seed: str) -> None:
    pods = [target(uid) for uid in sorted(uids)]
    nobody: Any = None
    chosen = pod_kill.plan(step("pod-kill", count=2), NAME, pods, seed, nobody)
    assert chosen == pod_kill.plan(step("pod-kill", count=2), NAME, pods[::-1], seed, nobody)
    assert len({undo.target.uid for undo in chosen}) == 2


def test_fewer_pods_than_asked_for_are_no_target_at_all() -> None:
    nobody: Any = None
    assert pod_kill.plan(step("pod-kill", count=3), NAME, [target("a"), target("b")], "seed", nobody) == []


def test_a_workload_is_scaled_to_zero_and_back_from_the_record_alone(cluster: Api, eventually: Eventually) -> None:
    pods = Workloads(cluster).ready_pods(NAME)
    (undo,) = scale_to_zero.plan(step("scale-to-zero"), NAME, pods, "seed", cluster)
    assert scale_to_zero.prove(undo, cluster) is None
    scale_to_zero.inject(undo, cluster)
    scale_to_zero.inject(undo, cluster)
    eventually(lambda: scale_to_zero.prove(undo, cluster))
    for _ in range(2):
        scale_to_zero.revert(undo, cluster)
        assert replicas(cluster) == 3
    eventually(lambda: len(Workloads(cluster).ready_pods(NAME)) == 3)


def test_what_somebody_else_scaled_meanwhile_is_left_to_them(cluster: Api) -> None:
    (undo,) = scale_to_zero.plan(step("scale-to-zero"), NAME, [], "seed", cluster)
    scale_to_zero.inject(undo, cluster)
    cluster.patch("deployments", "default", "idle", {"spec": {"replicas": 2}})
    assert "by somebody else" in scale_to_zero.revert(undo, cluster)
    assert replicas(cluster) == 2


def test_a_workload_that_was_scaled_after_the_plan_is_not_touched(cluster: Api) -> None:
    (undo,) = scale_to_zero.plan(step("scale-to-zero"), NAME, [], "seed", cluster)
    cluster.patch("deployments", "default", "idle", {"spec": {"replicas": 2}})
    with pytest.raises(Permanent, match="was scaled from 3 to 2"):
        scale_to_zero.inject(undo, cluster)
    assert replicas(cluster) == 2


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_a_target_that_is_gone_is_nothing_to_put_back(kind: str, cluster: Api) -> None:
    pods = Workloads(cluster).ready_pods(NAME)
    undos = FAULTS[kind].plan(step(kind), NAME, pods, "seed", cluster)
    found = cluster.get("deployments", "default", "idle")
    assert found is not None
    cluster.delete("deployments", "default", "idle", uid=found["metadata"]["uid"])
    for undo in undos:
        assert FAULTS[kind].revert(undo, cluster)


@pytest.mark.parametrize("kind", sorted(FAULTS))
def test_taking_back_what_was_never_done_changes_nothing(kind: str, cluster: Api) -> None:
    pods = Workloads(cluster).ready_pods(NAME)
    before = {pod.uid for pod in pods}
    for undo in FAULTS[kind].plan(step(kind), NAME, pods, "seed", cluster):
        FAULTS[kind].revert(undo, cluster)
    assert replicas(cluster) == 3
    assert {pod.uid for pod in Workloads(cluster).ready_pods(NAME)} == before


def test_a_workload_without_pods_cannot_lose_them(cluster: Api) -> None:
    cluster.patch("deployments", "default", "idle", {"spec": {"replicas": 0}})
    assert scale_to_zero.plan(step("scale-to-zero"), NAME, [], "seed", cluster) == []
