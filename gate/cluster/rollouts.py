"""Workloads as rollouts: how far one is, and which version its pods of the present template run. Pure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gate.cluster.kinds import KINDS
from gate.cluster.kinds.observed import Json, Observed, Split
from gate.cluster.references import is_reference
from gate.errors import Permanent
from gate.model import (
    Commit,
    ContainerImage,
    Progress,
    Rollout,
    Target,
    Version,
    Workload,
    WorkloadKind,
    WorkloadName,
    identity,
)
from gate.tracking.annotations import commit_from
from gate.tracking.ladder import hints_of

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
"""In `imageID`, whichever way the runtime writes it: `docker-pullable://NAME@sha256:…`, `NAME@sha256:…`, `sha256:…`."""


def workload_of(kind: WorkloadKind, item: Json) -> Workload:
    metadata = item["metadata"]
    name = WorkloadName(kind=kind, namespace=metadata["namespace"], name=metadata["name"])
    return Workload(name=name, uid=metadata["uid"])


def unfinished(kind: WorkloadKind, workload: Json) -> Rollout | None:
    """The rollout of a workload whose status alone says that it is not complete; None if its pods must be asked."""
    seen = Observed(workload=workload, revisions=(), pods=())
    progress, message = _progress(kind, seen, None)
    return None if progress in {Progress.COMPLETE, Progress.CANARY} else _rollout(kind, seen, progress, message)


def rollout_of(kind: WorkloadKind, seen: Observed) -> Rollout:
    """How far the rollout is by the rules of its kind; never complete before all its pods agree on a version."""
    split = KINDS[kind].split(seen)
    version, problem = version_of(KINDS[kind].template(seen), split.current, KINDS[kind].HASH)
    progress, message = _progress(kind, seen, split)
    if progress in {Progress.COMPLETE, Progress.CANARY} and version is None:
        progress, message = Progress.ROLLING, problem
    rollout = _rollout(kind, seen, progress, message, version, problem)
    quiet = progress is Progress.ROLLING and unfinished(kind, seen.workload) is None
    created = [pod["metadata"].get("creationTimestamp") for pod in split.current]
    youngest = max((datetime.fromisoformat(each) for each in created if each), default=None)
    replacing = rollout.replacing or (progress is Progress.ROLLING and bool(split.older))
    return replace(rollout, quiet=quiet, youngest=youngest, replacing=replacing)


def _progress(kind: WorkloadKind, seen: Observed, split: Split | None) -> tuple[Progress, str]:
    if seen.workload["metadata"].get("deletionTimestamp"):
        return Progress.ROLLING, "it is being deleted"
    return KINDS[kind].progress(seen, split)


def _rollout(
    kind: WorkloadKind,
    seen: Observed,
    progress: Progress,
    message: str,
    version: Version | None = None,
    problem: str = "",
) -> Rollout:
    metadata, template = seen.workload["metadata"], KINDS[kind].template(seen)
    if progress is not Progress.COMPLETE:
        message = "; ".join([message, *_unreadable(template)])
    commit, commit_problem = _commit(metadata.get("annotations") or {})
    return Rollout(
        workload=workload_of(kind, seen.workload),
        created=datetime.fromisoformat(metadata["creationTimestamp"]),
        progress=progress,
        message=message,
        version=version,
        version_problem=problem if version else "",
        commit=commit,
        commit_problem=commit_problem,
        image=", ".join(container["image"] for container in _containers(template)),
        labels=metadata.get("labels") or {},
        replacing=progress is Progress.ROLLING and seen.is_replacing,
        template=_identity(seen),
        hints=hints_of(
            metadata.get("annotations") or {},
            metadata.get("labels") or {},
            [container["image"] for container in _containers(template)],
        ),
    )


def _identity(seen: Observed) -> str:
    """Of the pod template as it is written, so that it is known before any controller has seen it."""
    own = seen.spec.get("template")
    # A Rollout with `workloadRef` has none of its own; its controller says which one it has found.
    return identity(json.dumps(own, sort_keys=True)) if own else str(seen.status.get("currentPodHash") or "")


def _unreadable(template: Json | None) -> list[str]:
    """Why no pod of this template will ever start, as far as its images say so."""
    return [
        f"the image {each['image']!r} of the container {each['name']} is no image reference, such as registry/path:tag"
        for each in _containers(template)
        if not is_reference(each["image"])
    ]


def current_pods(kind: WorkloadKind, seen: Observed) -> Sequence[Json]:
    """The pods of the present template."""
    return KINDS[kind].split(seen).current


def version_of(template: Json | None, pods: Sequence[Json], hash_label: str) -> tuple[Version | None, str]:
    """The version that all these pods run, or None with the reason.

    Only the containers of the pod template count: sidecars that were injected are somebody else's, and their upgrades
    are not this workload's. Where a runtime gives no digest, the image reference with the hash of the template stands
    for it, and the second value says so.
    """
    names = {container["name"] for container in _containers(template)}
    versions, nameless = set(), set()
    for pod in pods:
        if pod["metadata"].get("deletionTimestamp"):
            continue
        images, without = _images(pod, names, _hash(pod, hash_label))
        if len(images) != len(names):
            return None, f"pod {pod['metadata']['name']} has not started all of its containers"
        versions.add(images)
        nameless |= without
    if not versions:
        return None, "no pod is running: there is nothing that could be judged"
    if len(versions) > 1:
        return None, "the pods run different image digests"
    problem = ""
    if nameless:
        problem = f"no digest is known of {', '.join(sorted(nameless))}: image reference and pod template stand for it"
    return Version(images=versions.pop()), problem


def target_of(kind: WorkloadKind, pod: Json) -> Target:
    """A pod as something that a fault can hit, with what its containers run, injected ones too."""
    metadata = pod["metadata"]
    return Target(
        kind="Pod",
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        node=pod["spec"].get("nodeName", ""),
        images=_images(pod, None, _hash(pod, KINDS[kind].HASH))[0],
    )


def is_ready(pod: Json) -> bool:
    """Ready to serve, and not on its way out."""
    conditions = pod.get("status", {}).get("conditions") or []
    ready = any(item["type"] == "Ready" and item["status"] == "True" for item in conditions)
    return ready and not pod["metadata"].get("deletionTimestamp")


def _commit(annotations: Mapping[str, str]) -> tuple[Commit | None, str]:
    try:
        return commit_from(annotations), ""
    except Permanent as error:
        return None, str(error)


def _containers(template: Json | None) -> list[Json]:
    spec = (template or {}).get("spec") or {}
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def _hash(pod: Json, label: str) -> str:
    return str((pod["metadata"].get("labels") or {}).get(label, ""))


def _images(pod: Json, names: set[str] | None, template: str) -> tuple[tuple[ContainerImage, ...], set[str]]:
    """What the containers of these names (None: all) run, and which of them have no digest."""
    images, without = [], set()
    for item in _statuses(pod):
        if (names is not None and item["name"] not in names) or not _has_started(item):
            continue
        digest = DIGEST.search(item.get("imageID") or "")
        if not digest:
            without.add(item["name"])
        images.append(ContainerImage(item["name"], digest[0] if digest else f"{item.get('image', '')}+{template}"))
    return tuple(sorted(images)), without


def _statuses(pod: Json) -> list[Json]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _has_started(status: Json) -> bool:
    """It has, or has had, a process: only then its image was there."""
    state = {**(status.get("lastState") or {}), **(status.get("state") or {})}
    return bool(DIGEST.search(status.get("imageID") or "")) or "running" in state or "terminated" in state
