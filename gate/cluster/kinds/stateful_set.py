"""StatefulSets. They have no deadline for a rollout: one that is stuck stays in progress."""

from gate.cluster.kinds.observed import NOT_TAKEN_UP, Json, Observed, Split, counted, split_by_hash
from gate.model import Progress

RESOURCE = "statefulsets"
REVISIONS = "controllerrevisions"
HASH = "controller-revision-hash"


def template(seen: Observed) -> Json | None:
    found: Json = seen.spec["template"]
    return found


def split(seen: Observed) -> Split:
    return split_by_hash(seen, HASH, seen.status.get("updateRevision", ""))


def progress(seen: Observed, split: Split | None) -> tuple[Progress, str]:
    """All replicas count, also those that a partition holds back or that OnDelete leaves to a person."""
    if not seen.is_taken_up:
        return NOT_TAKEN_UP
    status = seen.status
    how_far, message = counted(
        desired=seen.spec.get("replicas", 1),
        total=status.get("replicas", 0),
        updated=len(split.current) if split else status.get("replicas", 0),
        available=min(status.get("availableReplicas", 0), status.get("readyReplicas", 0)),
        older=len(split.older) if split else 0,
    )
    strategy = seen.spec.get("updateStrategy") or {}
    if how_far is Progress.ROLLING and split and split.older:
        if partition := (strategy.get("rollingUpdate") or {}).get("partition"):
            return how_far, f"{message}; the partition holds back the pods below {partition}"
        if strategy.get("type") == "OnDelete":
            return how_far, f"{message}; with OnDelete each stays until somebody deletes it"
    return how_far, message
