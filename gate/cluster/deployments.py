"""Deployments as rollouts: how far one is, which pods are of its current revision, and which version they run. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gate.errors import Permanent
from gate.model import Commit, ContainerImage, Progress, Rollout, Target, Version, Workload, WorkloadKind, WorkloadName
from gate.tracking.annotations import commit_from

Json = Mapping[str, Any]

HASH_LABEL = "pod-template-hash"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A Deployment with the ReplicaSets and pods that it owns, read at one moment."""

    deployment: Json
    replica_sets: Sequence[Json]
    pods: Sequence[Json]

    @property
    def name(self) -> WorkloadName:
        metadata = self.deployment["metadata"]
        return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=metadata["namespace"], name=metadata["name"])

    @property
    def workload(self) -> Workload:
        return Workload(name=self.name, uid=self.deployment["metadata"]["uid"])


def rollout_of(seen: Deployed) -> Rollout:
    """Complete means what `kubectl rollout status` means, and more: no pod of an older template is left."""
    metadata = seen.deployment["metadata"]
    current, older = pods_by_revision(seen)
    version, disagreement = version_of(seen.deployment, current)
    progress, message = _progress(seen.deployment, older)
    if progress is Progress.COMPLETE and version is None:
        progress, message = Progress.ROLLING, disagreement
    commit, commit_problem = _commit(metadata.get("annotations") or {})
    return Rollout(
        workload=seen.workload,
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        progress=progress,
        message=message,
        version=version,
        commit=commit,
        commit_problem=commit_problem,
        image=", ".join(container["image"] for container in _containers(seen.deployment)),
    )


def pods_by_revision(seen: Deployed) -> tuple[list[Json], list[Json]]:
    """The pods of the Deployment's present template, and those of older ones; pods of other owners are in neither."""
    owner = seen.deployment["metadata"]["uid"]
    own = [item for item in seen.replica_sets if _owned_by(item, {owner})]
    wanted = _without_hash(seen.deployment["spec"]["template"])
    current = {item["metadata"]["uid"] for item in own if _without_hash(item["spec"]["template"]) == wanted}
    older = {item["metadata"]["uid"] for item in own} - current
    return (
        [pod for pod in seen.pods if _owned_by(pod, current)],
        [pod for pod in seen.pods if _owned_by(pod, older)],
    )


def version_of(deployment: Json, pods: Sequence[Json]) -> tuple[Version | None, str]:
    """The version that all these pods run, or None with the reason.

    Only the containers of the pod template count: sidecars that were injected are somebody else's, and their upgrades
    are not this workload's.
    """
    names = {container["name"] for container in _containers(deployment)}
    versions = set()
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        images = tuple(sorted(_images(pod, names)))
        if len(images) != len(names):
            return None, f"pod {pod['metadata']['name']} does not say yet which image digests it runs"
        versions.add(images)
    if not versions:
        return None, "no pod is running: there is nothing that could be judged"
    if len(versions) > 1:
        return None, "the pods run different image digests"
    return Version(images=versions.pop()), ""


def target_of(pod: Json) -> Target:
    """A pod as something that a fault can hit."""
    metadata = pod["metadata"]
    return Target(
        kind="Pod",
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        node=pod["spec"].get("nodeName", ""),
        images=tuple(sorted(_images(pod, None))),
    )


def is_ready(pod: Json) -> bool:
    """Ready to serve, and not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def _progress(deployment: Json, older: Sequence[Json]) -> tuple[Progress, str]:
    spec, status = deployment["spec"], deployment.get("status") or {}
    desired = spec.get("replicas", 1)
    total, updated = status.get("replicas", 0), status.get("updatedReplicas", 0)
    available = status.get("availableReplicas", 0)
    if status.get("observedGeneration", 0) < deployment["metadata"].get("generation", 1):
        return Progress.ROLLING, "the Deployment's newest specification has not been taken up yet"
    for condition in status.get("conditions") or []:
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return Progress.FAILED, condition.get("message") or "the rollout exceeded its progress deadline"
    if updated < desired:
        return Progress.ROLLING, f"{updated} of {desired} replicas are updated"
    if older or total > updated:
        return Progress.ROLLING, f"{max(len(older), total - updated)} pods of an older template are still there"
    if available < desired:
        return Progress.ROLLING, f"{available} of {desired} updated replicas are available"
    if desired == 0:
        return Progress.ROLLING, "scaled to zero: there is nothing that could be judged"
    return Progress.COMPLETE, f"{desired} of {desired} replicas run it"


def _commit(annotations: Mapping[str, str]) -> tuple[Commit | None, str]:
    try:
        return commit_from(annotations), ""
    except Permanent as error:
        return None, str(error)


def _containers(deployment: Json) -> list[Json]:
    spec = deployment["spec"]["template"]["spec"]
    return [*(spec.get("initContainers") or []), *spec["containers"]]


def _images(pod: Json, names: set[str] | None) -> list[ContainerImage]:
    status = pod.get("status") or {}
    found = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    return [
        ContainerImage(container=item["name"], digest=digest[0])
        for item in found
        if (names is None or item["name"] in names) and (digest := DIGEST.search(item.get("imageID") or ""))
    ]


def _owned_by(item: Json, uids: set[str]) -> bool:
    owners = item["metadata"].get("ownerReferences") or []
    return any(owner.get("controller") and owner["uid"] in uids for owner in owners)


def _without_hash(template: Json) -> Json:
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH_LABEL}
    annotations = metadata.get("annotations") or {}
    return {"labels": labels, "annotations": annotations, "spec": template["spec"]}
