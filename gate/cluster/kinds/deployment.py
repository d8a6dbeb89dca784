"""Deployments."""

from gate.cluster.kinds.observed import NOT_TAKEN_UP, Json, Observed, Split, counted, owned_by, split_by
from gate.model import Progress

RESOURCE = "deployments"
REVISIONS = "replicasets"
HASH = "pod-template-hash"


def template(seen: Observed) -> Json | None:
    found: Json = seen.spec["template"]
    return found


def split(seen: Observed) -> Split:
    """The ReplicaSet with the present template is the current one: its hash is nowhere in the Deployment itself."""
    own = [item for item in seen.revisions if owned_by(item, {seen.uid})]
    wanted = _without_hash(seen.spec["template"])
    current = {item["metadata"]["uid"] for item in own if _without_hash(item["spec"]["template"]) == wanted}
    return split_by(seen.pods, current, {item["metadata"]["uid"] for item in own} - current)


def progress(seen: Observed, split: Split | None) -> tuple[Progress, str]:
    if not seen.is_taken_up:
        return NOT_TAKEN_UP
    status = seen.status
    for condition in status.get("conditions") or []:
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return Progress.FAILED, condition.get("message") or "the rollout exceeded its progress deadline"
    how_far, message = counted(
        desired=seen.spec.get("replicas", 1),
        total=status.get("replicas", 0),
        updated=status.get("updatedReplicas", 0),
        available=status.get("availableReplicas", 0),
        older=len(split.older) if split else 0,
    )
    if how_far is Progress.ROLLING and seen.spec.get("paused"):
        return how_far, f"paused: {message}"
    return how_far, message


def _without_hash(template: Json) -> Json:
    metadata = template.get("metadata") or {}
    labels = {key: value for key, value in (metadata.get("labels") or {}).items() if key != HASH}
    return {"labels": labels, "annotations": metadata.get("annotations") or {}, "spec": template["spec"]}
