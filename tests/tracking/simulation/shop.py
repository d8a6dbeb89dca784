"""The workload that is judged: what people do to it, and a Deployment controller that follows in small steps."""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from gate.model import ContainerImage, Version, fingerprint
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.resources import DEPLOYMENTS, PODS, REPLICA_SETS
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.tracking.annotations import COMMIT, PIPELINE, PROJECT
from tests.tracking.simulation.server import NAMESPACE, Server

NAME = "checkout"
HASH = "pod-template-hash"
STARTED = "shop/restartedAt"
WRITTEN = "2026-01-01T12:00:00Z"
"""In conditions, always: nothing here depends on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """What one pipeline built."""

    number: int
    image: str
    digest: str
    commit: str

    @property
    def version(self) -> str:
        return Version(images=(ContainerImage(NAME, self.digest),)).key


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Somebody gave the workload another template or other annotations."""

    at: float
    uid: str
    version: str
    commit: str


@dataclass
class Shop:
    """One Deployment with its ReplicaSets and pods, a registry and the commits."""

    server: Server
    random: Random
    changes: list[Change] = field(default_factory=list)
    completed: list[tuple[float, str, str]] = field(default_factory=list)
    """When a workload (uid) was complete with a version."""
    releases: list[Release] = field(default_factory=list)
    built_from: dict[str, str] = field(default_factory=dict)
    """Commit -> the version that it builds."""
    registry: dict[str, str] = field(default_factory=dict)
    stuck: bool = False
    _serial: int = 0

    # ------------------------------------------------------------------------------------------------ what people do

    def create(self, now: float) -> str:
        release = self.releases[-1] if self.releases else self._build(f"{NAME}:1")
        self.stuck = False
        labels = {"app": NAME}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": NAME, "image": release.image}]}}
        annotations = _annotations(release.commit, release.number)
        metadata = {"name": NAME, "namespace": NAMESPACE, "labels": labels, "annotations": annotations}
        spec = {"replicas": self.random.randint(1, 2), "selector": {"matchLabels": labels}, "template": template}
        self.server.store.create(DEPLOYMENTS, {"metadata": metadata, "spec": spec})
        self._changed(now, release.version, release.commit)
        return f"create it with {release.image}"

    def delete(self, now: float) -> str:
        self.server.store.delete(DEPLOYMENTS, NAMESPACE, NAME)
        return "delete it"

    def deploy(self, now: float) -> str:
        release = self._build(f"{NAME}:{len(self.releases) + 1}")
        return self._roll_out(now, release)

    def deploy_same_tag(self, now: float) -> str:
        """The tag moves, and the deploy job makes the pods anew."""
        release = self._build(f"{NAME}:stable")
        return self._roll_out(now, release, restart=True)

    def rollback(self, now: float) -> str:
        """To any release before, image and annotations, as `kubectl rollout undo` does."""
        own_tags = [each for each in self.releases if not each.image.endswith(":stable")]
        return self._roll_out(now, self.random.choice(own_tags))

    def docs_commit(self, now: float) -> str:
        """A commit that changes nothing in the image."""
        last = self.changes[-1]
        commit = self._commit(last.version)

        def annotate(item: Object) -> None:
            item["metadata"]["annotations"].update(_annotations(commit, 1))

        self.server.change(DEPLOYMENTS, NAME, annotate)
        self._changed(now, last.version, commit)
        return f"commit {commit[:8]} builds the same image"

    def scale(self, now: float) -> str:
        replicas = self.random.randint(1, 3)
        self.server.change(DEPLOYMENTS, NAME, lambda item: item["spec"].update(replicas=replicas))
        return f"scale to {replicas}"

    def label(self, now: float) -> str:
        self.server.change(DEPLOYMENTS, NAME, lambda item: item["metadata"]["labels"].update(seen=f"{now:.0f}"))
        return "label it"

    def restart(self, now: float) -> str:
        """The same image in new pods."""
        if self.changes[-1].version != self.registry_version(self._template_image()):
            return self.label(now)  # the tag moved meanwhile, and a restart would be a deploy

        def again(item: Object) -> None:
            item["spec"]["template"]["metadata"].setdefault("annotations", {})[STARTED] = f"{now:.3f}"

        self.server.change(DEPLOYMENTS, NAME, again)
        return "restart it"

    def lose_pod(self, now: float) -> str:
        pods = self.server.all(PODS)
        if pods:
            self._remove(self.random.choice(pods))
        return "a pod dies"

    def stick(self, now: float) -> str:
        self.stuck = not self.stuck
        return "no new pod becomes ready from now on" if self.stuck else "new pods become ready again"

    @property
    def uid(self) -> str:
        """Empty while it is not there."""
        found = self.server.find(DEPLOYMENTS, NAME)
        return str(found["metadata"]["uid"]) if found else ""

    def registry_version(self, image: str) -> str:
        return Version(images=(ContainerImage(NAME, self.registry[image]),)).key

    def _template_image(self) -> str:
        found = self.server.find(DEPLOYMENTS, NAME)
        assert found is not None
        return str(found["spec"]["template"]["spec"]["containers"][0]["image"])

    def _build(self, image: str) -> Release:
        number = len(self.releases) + 1
        digest = f"sha256:{number:064x}"
        version = Version(images=(ContainerImage(NAME, digest),)).key
        release = Release(number=number, image=image, digest=digest, commit=self._commit(version))
        self.registry[image] = digest
        self.releases.append(release)
        return release

    def _commit(self, version: str) -> str:
        commit = f"{len(self.built_from) + 1:040x}"[::-1]
        self.built_from[commit] = version
        return commit

    def _roll_out(self, now: float, release: Release, *, restart: bool = False) -> str:
        def apply(item: Object) -> None:
            item["metadata"]["annotations"].update(_annotations(release.commit, release.number))
            template = item["spec"]["template"]
            template["spec"]["containers"][0]["image"] = release.image
            if restart:  # two that come at the same moment are two
                template["metadata"].setdefault("annotations", {})[STARTED] = f"{now:.3f}, {release.commit}"

        self.server.change(DEPLOYMENTS, NAME, apply)
        self._changed(now, release.version, release.commit)
        return f"deploy {release.image} = version {release.version} of commit {release.commit[:8]}"

    def _changed(self, now: float, version: str, commit: str) -> None:
        self.changes.append(Change(at=now, uid=self.uid, version=version, commit=commit))

    # ------------------------------------------------------------------------------------------------ the controller

    def advance(self, now: float) -> str:
        """The controller's next step; empty if there is none."""
        deployment = self.server.find(DEPLOYMENTS, NAME)
        if told := self._collect(deployment):
            return told
        if deployment is None:
            return ""
        if self.random.random() < 0.3 and (told := self._save_status(now, deployment)):
            return told
        current = _revision(deployment)
        replica_set = self.server.find(REPLICA_SETS, current)
        if replica_set is None:
            self._make_replica_set(current, deployment)
            return f"a ReplicaSet {current}"
        pods = self.server.all(PODS)
        own = [pod for pod in pods if pod["metadata"]["labels"][HASH] == current and not _dying(pod)]
        others = [pod for pod in pods if pod not in own]
        wanted = deployment["spec"]["replicas"]
        if len(own) < wanted:
            return self._make_pod(current, replica_set)
        starting = [pod for pod in own if not pod.get("status", {}).get("containerStatuses")]
        if starting and not self.stuck:
            return self._start(starting[0])
        if others and not starting:
            return self._remove(others[0])
        if len(own) > wanted:
            return self._remove(own[-1])
        return self._save_status(now, deployment)

    def _collect(self, deployment: Object | None) -> str:
        """What is left of a Deployment that was deleted goes, one by one."""
        present = self.server.all(REPLICA_SETS)
        owners = {item["metadata"]["uid"] for item in [*present, *([deployment] if deployment else [])]}
        for resource in (REPLICA_SETS, PODS):
            for item in self.server.all(resource):
                if item["metadata"]["ownerReferences"][0]["uid"] in owners:
                    continue
                self.server.store.delete(resource, NAMESPACE, item["metadata"]["name"], Deletion(grace=0))
                return f"{item['metadata']['name']} is collected"
        return ""

    def _make_replica_set(self, name: str, deployment: Object) -> None:
        template = json.loads(json.dumps(deployment["spec"]["template"]))
        template["metadata"]["labels"][HASH] = name
        labels = template["metadata"]["labels"]
        spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels}
        metadata["ownerReferences"] = [_owner(deployment)]
        self.server.store.create(REPLICA_SETS, {"metadata": metadata, "spec": spec})

    def _make_pod(self, current: str, replica_set: Object) -> str:
        self._serial += 1
        name = f"{current}-{self._serial}"
        labels = {"app": NAME, HASH: current}
        metadata = {"name": name, "namespace": NAMESPACE, "labels": labels, "ownerReferences": [_owner(replica_set)]}
        containers = replica_set["spec"]["template"]["spec"]["containers"]
        spec = {"nodeName": "node", "containers": [{"name": NAME, "image": containers[0]["image"]}]}
        self.server.store.create(PODS, {"metadata": metadata, "spec": spec})
        return f"a pod {name}"

    def _start(self, pod: Object) -> str:
        image = pod["spec"]["containers"][0]["image"]
        digest = self.registry[image]
        status = {"name": NAME, "image": image, "imageID": f"registry/{NAME}@{digest}", "state": {"running": {}}}

        def run(item: Object) -> None:
            item.setdefault("status", {})["containerStatuses"] = [status]

        self.server.change(PODS, pod["metadata"]["name"], run, "status")
        return f"{pod['metadata']['name']} runs {digest[-4:]}"

    def _remove(self, pod: Object) -> str:
        name = pod["metadata"]["name"]
        options = Deletion(grace=0) if _dying(pod) else None
        self.server.store.delete(PODS, NAMESPACE, name, options)
        return f"{name} {'is gone' if options else 'terminates'}"

    def _save_status(self, now: float, deployment: Object) -> str:
        current = _revision(deployment)
        pods = [pod for pod in self.server.all(PODS) if not _dying(pod)]
        own = [pod for pod in pods if pod["metadata"]["labels"][HASH] == current]
        available = [pod for pod in pods if pod.get("status", {}).get("containerStatuses")]
        wanted = deployment["spec"]["replicas"]
        stuck = self.stuck and len([pod for pod in own if pod in available]) < wanted
        status = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(own),
            "readyReplicas": len(available),
            "availableReplicas": len(available),
            "conditions": [
                {
                    "type": "Progressing",
                    "lastUpdateTime": WRITTEN,
                    "lastTransitionTime": WRITTEN,
                    "status": "False" if stuck else "True",
                    "reason": "ProgressDeadlineExceeded" if stuck else "NewReplicaSetAvailable",
                    "message": "has timed out progressing" if stuck else "",
                }
            ],
        }
        if status == deployment.get("status"):
            return ""
        self.server.change(DEPLOYMENTS, NAME, lambda item: item.update(status=status), "status")
        if len(pods) == len(own) == len(available) == wanted:
            version = self.registry_version(available[0]["spec"]["containers"][0]["image"])
            self.completed.append((now, deployment["metadata"]["uid"], version))
        return f"status: {len(own)} of {wanted} updated, {len(pods)} in all, {len(available)} available" + (
            ", deadline exceeded" if stuck else ""
        )


def _revision(deployment: Object) -> str:
    """The name of the ReplicaSet of the present template."""
    template = json.dumps(deployment["spec"]["template"], sort_keys=True)
    return f"{NAME}-{fingerprint(deployment['metadata']['uid'], template)}"


def _annotations(commit: str, pipeline: int) -> dict[str, str]:
    return {PROJECT: "shop/checkout", COMMIT: commit, PIPELINE: str(pipeline)}


def _owner(item: Object) -> dict[str, Any]:
    names = {key: item[key] for key in ("apiVersion", "kind")} | {key: item["metadata"][key] for key in ("name", "uid")}
    return {**names, "controller": True}


def _dying(pod: Object) -> bool:
    return "deletionTimestamp" in pod["metadata"]
