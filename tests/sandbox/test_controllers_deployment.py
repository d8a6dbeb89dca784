"""Deployments, ReplicaSets and what belongs to them, on a store alone: the tests play the kubelet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from gate.sandbox.kubernetes.controllers.running import Controllers
from gate.sandbox.kubernetes.language.errors import Forbidden, NotFound
from gate.sandbox.kubernetes.registry.resources import (
    DEPLOYMENTS,
    ENDPOINT_SLICES,
    ENDPOINTS,
    PODS,
    REPLICA_SETS,
    SERVICES,
)
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.store import Store

REVISION = "deployment.kubernetes.io/revision"


class Clock:
    """A clock that stands still until somebody moves it."""

    def __init__(self) -> None:
        self.now = datetime(2030, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        self.now += timedelta(**delta)


class Cluster:
    """A store with controllers, and what tests ask and do in it."""

    def __init__(self, clock: Clock, eventually) -> None:
        self.clock = clock
        self.store = Store(clock=clock)
        self.eventually = eventually

    def pods(self, image=None):
        found = self.store.list(PODS)[0]
        return [pod for pod in found if image is None or pod["spec"]["containers"][0]["image"] == image]

    def ready(self, pods, *, ready=True) -> None:
        """What the kubelet does when containers become ready, or not."""
        at = self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": "True" if ready else "False", "lastTransitionTime": at}
        for n, pod in enumerate(pods):
            status = {"phase": "Running", "podIP": f"10.0.0.{n + 1}", "conditions": [condition]}
            self.store.patch(PODS, "default", pod["metadata"]["name"], lambda p, s=status: p | {"status": s}, "status")

    def play_along(self, image) -> None:
        """Make each pod of the image ready until the rollout is complete."""

        def complete():
            self.ready(pod for pod in self.pods() if not pod["status"].get("conditions"))
            deployment = self.deployment()
            status = deployment["status"]
            wanted = deployment["spec"]["replicas"]
            done = status.get("observedGeneration") == deployment["metadata"]["generation"]
            counts = {status.get(key, 0) for key in ("replicas", "updatedReplicas", "availableReplicas")}
            return done and counts == {wanted} and len(self.pods(image)) == wanted == len(self.pods())

        self.eventually(complete)

    def deployment(self):
        return self.store.get(DEPLOYMENTS, "default", "web")

    def change(self, **spec) -> None:
        def change(deployment):
            deployment["spec"] |= spec
            return deployment

        self.store.patch(DEPLOYMENTS, "default", "web", change)

    def set_image(self, image) -> None:
        def change(deployment):
            deployment["spec"]["template"]["spec"]["containers"][0]["image"] = image
            return deployment

        self.store.patch(DEPLOYMENTS, "default", "web", change)

    def replica_sets(self):
        found = self.store.list(REPLICA_SETS)[0]
        return {each["spec"]["template"]["spec"]["containers"][0]["image"]: each for each in found}

    def condition(self, kind):
        """KeyError, as for any other part that is not there yet."""
        return {each["type"]: each for each in self.deployment()["status"]["conditions"]}[kind]

    def exists(self, resource, name) -> bool:
        try:
            self.store.get(resource, "default", name)
        except NotFound:
            return False
        return True


@pytest.fixture
def cluster(eventually) -> Iterator[Cluster]:
    made = Cluster(Clock(), eventually)
    controllers = Controllers(made.store, clock=made.clock)
    controllers.start()
    yield made
    controllers.stop()


def test_a_deployment_becomes_a_replica_set_of_its_template_and_pods_of_that(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment())
    pods = eventually(lambda: len(cluster.pods()) == 3 and cluster.pods())
    replica_set = cluster.replica_sets()["web:1"]
    name, labels = replica_set["metadata"]["name"], replica_set["metadata"]["labels"]
    assert name == f"web-{labels['pod-template-hash']}"
    assert replica_set["spec"]["selector"]["matchLabels"] == labels
    assert replica_set["metadata"]["annotations"][REVISION] == "1"
    for pod in pods:
        assert pod["metadata"]["name"].startswith(f"{name}-")
        assert len(pod["metadata"]["name"]) == len(name) + 6
        assert pod["metadata"]["ownerReferences"][0]["uid"] == replica_set["metadata"]["uid"]


def test_conditions_tell_the_story_of_a_rollout_in_the_real_words(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment(replicas=1))
    eventually(lambda: cluster.condition("Available")["reason"] == "MinimumReplicasUnavailable")
    eventually(lambda: cluster.condition("Progressing")["reason"] == "ReplicaSetUpdated")
    cluster.play_along("web:1")
    name = cluster.replica_sets()["web:1"]["metadata"]["name"]
    progressing = eventually(
        lambda: (
            cluster.condition("Progressing")["reason"] == "NewReplicaSetAvailable" and cluster.condition("Progressing")
        )
    )
    assert progressing["message"] == f'ReplicaSet "{name}" has successfully progressed.'
    assert cluster.condition("Available")["message"] == "Deployment has minimum availability."


def test_a_rolling_update_goes_on_only_as_new_pods_become_ready(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment())
    cluster.play_along("web:1")
    cluster.set_image("web:2")
    eventually(lambda: len(cluster.pods("web:2")) == 1)
    assert len(cluster.pods("web:1")) == 3
    cluster.ready(cluster.pods("web:2"))
    eventually(lambda: len(cluster.pods("web:2")) == 2)
    eventually(lambda: len(cluster.pods("web:1")) == 2)
    cluster.play_along("web:2")
    assert cluster.deployment()["metadata"]["annotations"][REVISION] == "2"


def test_going_back_to_an_old_template_takes_its_replica_set_and_a_new_revision(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment())
    cluster.play_along("web:1")
    first = cluster.replica_sets()["web:1"]["metadata"]["uid"]
    for image in ("web:2", "web:1"):
        cluster.set_image(image)
        cluster.play_along(image)
    assert len(cluster.replica_sets()) == 2
    metadata = cluster.replica_sets()["web:1"]["metadata"]
    assert metadata["uid"] == first
    assert metadata["annotations"][REVISION] == "3"
    assert metadata["annotations"]["deployment.kubernetes.io/revision-history"] == "1"


def test_old_revisions_beyond_the_limit_are_deleted(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment(replicas=1, revisionHistoryLimit=1))
    for image in ("web:1", "web:2", "web:3", "web:4"):
        cluster.set_image(image)
        cluster.play_along(image)
    assert eventually(lambda: sorted(cluster.replica_sets()) == ["web:3", "web:4"])


def test_recreate_starts_no_new_pod_while_an_old_one_is_left(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment(strategy={"type": "Recreate"}))
    cluster.play_along("web:1")
    kept = cluster.pods()[0]["metadata"]["name"]

    def hold(pod):
        pod["metadata"]["finalizers"] = ["example.com/held"]
        return pod

    cluster.store.patch(PODS, "default", kept, hold)
    cluster.set_image("web:2")
    eventually(lambda: len(cluster.pods()) == 1)
    assert not cluster.pods("web:2")

    def let_go(pod):
        pod["metadata"]["finalizers"] = []
        return pod

    cluster.store.patch(PODS, "default", kept, let_go)
    cluster.play_along("web:2")


def test_a_rollout_that_does_not_move_exceeds_its_deadline(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment(replicas=1, progressDeadlineSeconds=60))
    cluster.play_along("web:1")
    cluster.set_image("web:2")
    eventually(lambda: len(cluster.pods("web:2")) == 1)
    eventually(lambda: cluster.condition("Progressing")["reason"] == "ReplicaSetUpdated")
    cluster.clock.advance(seconds=61)
    cluster.ready(cluster.pods("web:1"), ready=True)  # any event: it only means to look again
    cluster.change(minReadySeconds=1)
    progressing = eventually(
        lambda: cluster.condition("Progressing")["status"] == "False" and cluster.condition("Progressing")
    )
    assert progressing["reason"] == "ProgressDeadlineExceeded"
    assert "has timed out progressing" in progressing["message"]


def test_a_paused_deployment_scales_but_does_not_roll(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment(replicas=1))
    cluster.play_along("web:1")
    cluster.change(paused=True)
    eventually(lambda: cluster.condition("Progressing")["reason"] == "DeploymentPaused")
    cluster.set_image("web:2")
    cluster.change(replicas=2)
    eventually(lambda: len(cluster.pods("web:1")) == 2)
    assert not cluster.pods("web:2")
    cluster.change(paused=False)
    cluster.play_along("web:2")


def test_scaling_down_gives_up_the_pods_that_are_not_ready(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment(replicas=3))
    cluster.play_along("web:1")
    good, *bad = cluster.pods()
    cluster.ready(bad, ready=False)
    cluster.change(replicas=1)
    eventually(lambda: len(cluster.pods()) == 1)
    assert cluster.pods()[0]["metadata"]["name"] == good["metadata"]["name"]


def test_a_pod_that_goes_is_replaced(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment(replicas=1))
    pod = eventually(cluster.pods)[0]
    cluster.store.delete(PODS, "default", pod["metadata"]["name"])
    eventually(lambda: cluster.pods() and cluster.pods()[0]["metadata"]["uid"] != pod["metadata"]["uid"])


@pytest.mark.parametrize("policy", ["Background", "Foreground"])
def test_what_a_deployment_owns_goes_with_it(cluster, deployment, eventually, policy):
    cluster.store.create(DEPLOYMENTS, deployment())
    eventually(lambda: len(cluster.pods()) == 3)
    cluster.store.delete(DEPLOYMENTS, "default", "web", Deletion(policy=policy))
    eventually(lambda: not cluster.pods() and not cluster.replica_sets() and not cluster.exists(DEPLOYMENTS, "web"))


def test_orphans_stay_and_are_adopted_by_the_next_owner(cluster, deployment, eventually):
    cluster.store.create(DEPLOYMENTS, deployment())
    eventually(lambda: len(cluster.pods()) == 3)
    before = {pod["metadata"]["uid"] for pod in cluster.pods()}
    cluster.store.delete(DEPLOYMENTS, "default", "web", Deletion(policy="Orphan"))
    eventually(lambda: not cluster.exists(DEPLOYMENTS, "web"))
    owner = cluster.store.create(DEPLOYMENTS, deployment())["metadata"]["uid"]

    def adopted():
        references = cluster.replica_sets()["web:1"]["metadata"].get("ownerReferences") or [{}]
        return references[0].get("uid") == owner

    eventually(adopted)
    assert {pod["metadata"]["uid"] for pod in cluster.pods()} == before


def test_endpoints_follow_the_readiness_of_pods_in_both_forms(cluster, deployment, service, eventually):
    cluster.store.create(SERVICES, service)
    cluster.store.create(DEPLOYMENTS, deployment(replicas=2))
    pods = eventually(lambda: len(cluster.pods()) == 2 and cluster.pods())
    cluster.ready(pods)
    cluster.ready(pods[:1], ready=False)

    def forms():
        subset = cluster.store.get(ENDPOINTS, "default", "web")["subsets"][0]
        (one_slice,) = cluster.store.list(ENDPOINT_SLICES)[0]
        old = [address["ip"] for address in subset["addresses"]], [a["ip"] for a in subset["notReadyAddresses"]]
        new = {tuple(each["addresses"]): each["conditions"]["ready"] for each in one_slice["endpoints"] or ()}
        return old, new

    eventually(lambda: forms() == ((["10.0.0.2"], ["10.0.0.1"]), {("10.0.0.1",): False, ("10.0.0.2",): True}))


def test_the_endpoints_of_a_service_go_with_it(cluster, service, eventually):
    cluster.store.create(SERVICES, service)
    eventually(lambda: cluster.exists(ENDPOINTS, "web") and cluster.store.list(ENDPOINT_SLICES)[0])
    cluster.store.delete(SERVICES, "default", "web")
    eventually(lambda: not cluster.exists(ENDPOINTS, "web") and not cluster.store.list(ENDPOINT_SLICES)[0])


def test_a_long_name_is_cut_where_the_hash_follows(cluster, deployment, eventually):
    wanted = deployment()
    wanted["metadata"]["name"] = "a" * 253
    cluster.store.create(DEPLOYMENTS, wanted)
    replica_set = eventually(lambda: cluster.replica_sets().get("web:1"))
    name, suffix = replica_set["metadata"]["name"].rsplit("-", 1)
    assert (set(name), len(name) + 1 + len(suffix)) == ({"a"}, 253)


def test_a_deployment_says_that_its_replica_set_was_refused_and_gets_it_later(cluster, deployment, eventually):
    refusing = [True]

    def refuse(new, _old):
        if refusing and new["spec"]["template"]["spec"]["containers"][0]["image"] == "web:2":
            raise Forbidden("there are enough")

    cluster.store.admit(REPLICA_SETS, refuse)
    cluster.store.create(DEPLOYMENTS, deployment(replicas=1))
    cluster.play_along("web:1")
    cluster.set_image("web:2")
    told = eventually(
        lambda: cluster.condition("Progressing")["status"] == "False" and cluster.condition("Progressing")
    )
    assert told["reason"] == "ReplicaSetCreateError"
    assert told["message"].startswith('Failed to create new replica set "web-')
    assert told["message"].endswith("there are enough")
    refusing.clear()
    cluster.change(minReadySeconds=1)  # any event: it only means to look again
    eventually(lambda: "web:2" in cluster.replica_sets())
