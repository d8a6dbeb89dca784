"""rollout-restart: the owner replaces all pods, one after the other or however its strategy says, as on each deploy."""

from collections.abc import Sequence
from typing import ClassVar

from gate.documents.blocks import Block
from gate.errors import Permanent
from gate.faults.objects import RESOURCES, must_find, named, patch
from gate.model import Step, Target, Undo, WorkloadKind, WorkloadName, fingerprint
from gate.running.ports import Cluster

RESTARTED = "chaosgate.dev/restarted"
"""An annotation of the pod template. A new value makes a new template of the same images, and so new pods."""
RESTARTABLE = (WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET, WorkloadKind.DAEMON_SET)


class Settings(Block):
    """Nothing can be chosen: how many pods go at once is the workload's own strategy."""

    touches: ClassVar[str] = "all of its pods are replaced"
    comes_back: ClassVar[str] = "by itself; an annotation of the pod template stays"


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """The value is drawn here, so that a rollout is started once, however often the act is tried."""
    if workload.kind not in RESTARTABLE:
        raise Permanent(f"a {workload.kind} is not restarted by its template; {', '.join(RESTARTABLE)} are")
    item = cluster.get(RESOURCES[workload.kind], workload.namespace, workload.name)
    if item is None or not pods:
        return []
    metadata = item["metadata"]
    target = Target(
        kind=workload.kind,
        namespace=workload.namespace,
        name=workload.name,
        uid=metadata["uid"],
        images=pods[0].images,
    )
    labels = ",".join(f"{key}={value}" for key, value in item["spec"]["selector"].get("matchLabels", {}).items())
    return [
        Undo(
            id=f"{step.name}/{workload.name}",
            step=step.name,
            fault=step.fault,
            target=target,
            settings={"value": fingerprint(seed, step.name, metadata["resourceVersion"]), "labels": labels},
            before={"pods": {pod.uid: pod.name for pod in pods}},
        )
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    item, value = must_find(cluster, undo.target), undo.settings["value"]
    annotations = item["spec"]["template"].get("metadata", {}).get("annotations") or {}
    if annotations.get(RESTARTED) != value:
        body = {"spec": {"template": {"metadata": {"annotations": {RESTARTED: value}}}}}
        patch(cluster, undo.target, item, body)


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """A pod that was there before is gone: the rollout is under way."""
    present, _ = cluster.list("pods", undo.target.namespace, labels=undo.settings["labels"])
    there = {pod["metadata"]["uid"] for pod in present}
    gone = next((name for uid, name in undo.before["pods"].items() if uid not in there), None)
    return f"pod {gone} was replaced" if gone else None


def revert(undo: Undo, cluster: Cluster) -> str:
    """Nothing is put back. To take the annotation away again would restart every pod once more."""
    return f"{named(undo.target)} runs the same images from new pods; its template keeps the annotation {RESTARTED}"
