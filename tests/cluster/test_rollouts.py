"""A Deployment as a rollout: when it is complete, which pods are current, and which version they run."""

import copy
from typing import Any

import pytest

from gate.cluster.kinds.observed import Observed
from gate.cluster.rollouts import current_pods, is_ready, rollout_of, target_of
from gate.model import Commit, ContainerImage, Progress, WorkloadKind

Json = dict[str, Any]
KIND = WorkloadKind.DEPLOYMENT
DIGEST = {letter: f"sha256:{letter * 64}" for letter in "abc"}


def template(tag: str, **extra: Any) -> Json:
    return {"metadata": {"labels": {"app": "checkout"}}, "spec": {"containers": [container(tag)], **extra}}


def container(tag: str, name: str = "checkout") -> Json:
    return {"name": name, "image": f"checkout:{tag}"}


def deployment(tag: str = "1", wanted: int = 2, **status: Any) -> Json:
    whole = {"replicas": wanted, "updatedReplicas": wanted, "availableReplicas": wanted, "observedGeneration": 3}
    return {
        "metadata": {
            "name": "checkout",
            "namespace": "shop",
            "uid": "d",
            "generation": 3,
            "creationTimestamp": "2026-11-21T12:00:00Z",
        },
        "spec": {"replicas": wanted, "template": template(tag)},
        "status": {**whole, **status},
    }


def replica_set(tag: str, owner: str = "d") -> Json:
    made = template(tag)
    made["metadata"]["labels"]["pod-template-hash"] = f"hash{tag}"
    return {"metadata": {"uid": f"rs{tag}", "ownerReferences": [owned(owner)]}, "spec": {"template": made}}


def owned(uid: str) -> Json:
    return {"uid": uid, "controller": True}


def pod(name: str, tag: str = "1", image: str = DIGEST["a"], **metadata: Any) -> Json:
    return {
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": name,
            "ownerReferences": [owned(f"rs{tag}")],
            **metadata,
        },
        "spec": {"nodeName": "n1"},
        "status": {
            "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "checkout", "imageID": f"docker-pullable://shop/checkout@{image}"}],
        },
    }


def seen(*pods: Json, sets: tuple[str, ...] = ("1",), **changes: Any) -> Observed:
    return Observed(workload=deployment(**changes), revisions=[replica_set(tag) for tag in sets], pods=pods)


def test_a_rollout_is_complete_when_all_replicas_are_updated_and_available() -> None:
    rollout = rollout_of(KIND, seen(pod("a"), pod("b")))
    assert rollout.progress is Progress.COMPLETE
    assert rollout.version is not None
    assert rollout.version.images == (ContainerImage("checkout", DIGEST["a"]),)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"observedGeneration": 2}, "has not been taken up"),
        ({"updatedReplicas": 1}, "1 of 2 replicas are updated"),
        ({"replicas": 3}, "1 pods of an older template"),
        ({"availableReplicas": 1}, "1 of 2 updated replicas are available"),
    ],
)
def test_a_rollout_is_not_complete_before_that(status: Json, why: str) -> None:
    rollout = rollout_of(KIND, seen(pod("a"), pod("b"), **status))
    assert rollout.progress is Progress.ROLLING
    assert why in rollout.message


def test_an_old_pod_that_is_still_terminating_keeps_the_rollout_from_being_complete() -> None:
    old = pod("old", tag="0", deletionTimestamp="2026-11-21T12:00:00Z")
    assert rollout_of(KIND, seen(pod("a"), pod("b"), old, sets=("1", "0"))).progress is Progress.ROLLING


@pytest.mark.parametrize(
    ("pods", "status", "quiet"),
    [
        ([pod("a"), pod("b")], {}, False),
        ([pod("a"), pod("b")], {"availableReplicas": 1}, False),
        ([pod("a"), pod("b")], {"replicas": 0, "wanted": 0}, False),
        ([pod("a"), pod("b"), pod("old", tag="0")], {}, True),
        ([pod("a"), pod("b", image=DIGEST["b"])], {}, True),
    ],
    ids=["complete", "not by its status", "scaled to zero", "an old pod is left", "the pods do not agree"],
)
def test_a_rollout_that_waits_only_for_pods_says_so_because_its_workload_will_not(
    pods: list[Json], status: Json, quiet: bool
) -> None:
    assert rollout_of(KIND, seen(*pods, sets=("1", "0"), **status)).quiet is quiet


@pytest.mark.parametrize("tag", ["1", "0"])
def test_a_pod_that_was_evicted_and_lies_about_is_nothing_of_the_version_that_runs(tag: str) -> None:
    evicted = pod("evicted", tag=tag, image=DIGEST["b"])
    evicted["status"] = {"phase": "Failed", "reason": "Evicted"}
    rollout = rollout_of(KIND, seen(pod("a"), pod("b"), evicted, sets=("1", "0")))
    assert rollout.progress is Progress.COMPLETE
    assert rollout.version is not None
    assert rollout.version.images == (ContainerImage("checkout", DIGEST["a"]),)


def test_a_rollout_that_exceeded_its_deadline_has_failed() -> None:
    condition = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "too slow"}
    rollout = rollout_of(KIND, seen(pod("a"), updatedReplicas=1, conditions=[condition]))
    assert (rollout.progress, rollout.message) == (Progress.FAILED, "too slow")


def test_pods_that_do_not_agree_are_no_version() -> None:
    rollout = rollout_of(KIND, seen(pod("a"), pod("b", image=DIGEST["b"])))
    assert (rollout.progress, rollout.version) == (Progress.ROLLING, None)


def test_a_pod_whose_containers_have_not_started_is_waited_for() -> None:
    starting = pod("b")
    starting["status"]["containerStatuses"] = []
    rollout = rollout_of(KIND, seen(pod("a"), starting))
    assert rollout.progress is Progress.ROLLING
    assert "pod b has not started" in rollout.message


def test_nothing_running_is_no_version() -> None:
    assert rollout_of(KIND, seen(wanted=0)).progress is Progress.ROLLING


def test_a_deployment_without_a_status_is_rolling() -> None:
    bare = seen(pod("a"))
    del bare.workload["status"]  # type: ignore[attr-defined]
    assert rollout_of(KIND, bare).progress is Progress.ROLLING


def test_a_sidecar_that_was_injected_is_not_part_of_the_version() -> None:
    plain, injected = pod("a"), pod("b")
    injected["status"]["containerStatuses"].append({"name": "mesh", "imageID": f"mesh@{DIGEST['c']}"})
    rollout = rollout_of(KIND, seen(plain, injected))
    assert rollout.version is not None
    assert [image.container for image in rollout.version.images] == ["checkout"]


def test_the_pods_of_a_stranger_with_the_same_labels_are_nobodys() -> None:
    stranger = pod("s", tag="9")
    current = current_pods(KIND, seen(pod("a"), stranger, sets=("1", "0")))
    assert [each["metadata"]["name"] for each in current] == ["a"]


def test_the_version_key_depends_on_the_digests_alone() -> None:
    first, second = rollout_of(KIND, seen(pod("a"), pod("b"))), rollout_of(KIND, seen(pod("x"), pod("y")))
    other = rollout_of(KIND, seen(pod("a", image=DIGEST["b"]), pod("b", image=DIGEST["b"])))
    assert first.version
    assert second.version
    assert other.version
    assert first.version.key == second.version.key != other.version.key


def test_a_target_tells_what_it_runs() -> None:
    target = target_of(KIND, pod("a"))
    assert (target.kind, target.name, target.node) == ("Pod", "a", "n1")
    assert target.images == (ContainerImage("checkout", DIGEST["a"]),)


def test_a_pod_on_its_way_out_is_not_ready() -> None:
    assert is_ready(pod("a"))
    assert not is_ready(pod("a", deletionTimestamp="2026-11-21T12:00:00Z"))


def annotated(**annotations: str) -> Observed:
    made = seen(pod("a"), pod("b"))
    whole = copy.deepcopy(dict(made.workload))
    whole["metadata"]["annotations"] = {f"chaosgate.dev/{name}": value for name, value in annotations.items()}
    return Observed(workload=whole, revisions=made.revisions, pods=made.pods)


def test_the_commit_comes_from_the_annotations() -> None:
    rollout = rollout_of(KIND, annotated(project="shop/checkout", commit="a" * 40, pipeline="7"))
    assert rollout.commit == Commit(project="shop/checkout", sha="a" * 40, pipeline=7)


def test_annotations_that_cannot_be_read_do_not_keep_the_version_from_being_judged() -> None:
    rollout = rollout_of(KIND, annotated(project="shop/checkout", commit="main"))
    assert (rollout.progress, rollout.commit) == (Progress.COMPLETE, None)
    assert "chaosgate.dev/commit" in rollout.commit_problem
