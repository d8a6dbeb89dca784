"""DaemonSets. They have no deadline for a rollout: one that is stuck stays in progress."""

from gate.cluster.kinds.observed import NOT_TAKEN_UP, Json, Observed, Split, counted, owned_by, split_by_hash
from gate.model import Progress

RESOURCE = "daemonsets"
REVISIONS = "controllerrevisions"
HASH = "controller-revision-hash"


def template(seen: Observed) -> Json | None:
    found: Json = seen.spec["template"]
    return found


def split(seen: Observed) -> Split:
    """The status does not name the current revision: it is the newest one that the DaemonSet has."""
    own = [item for item in seen.revisions if owned_by(item, {seen.uid})]
    newest = max(own, key=lambda item: int(item.get("revision") or 0), default=None)
    labels = (newest["metadata"].get("labels") or {}) if newest else {}
    return split_by_hash(seen, HASH, labels.get(HASH, ""))


def progress(seen: Observed, split: Split | None) -> tuple[Progress, str]:
    if not seen.is_taken_up:
        return NOT_TAKEN_UP
    status = seen.status
    desired = status.get("desiredNumberScheduled", 0)
    how_far, message = counted(
        desired=desired,
        total=status.get("currentNumberScheduled", 0),
        updated=status.get("updatedNumberScheduled", 0),
        available=status.get("numberAvailable", 0),
        older=len(split.older) if split else 0,
    )
    if desired == 0:
        return Progress.ROLLING, "no node takes it: there is nothing that could be judged"
    if how_far is Progress.ROLLING and (seen.spec.get("updateStrategy") or {}).get("type") == "OnDelete":
        return how_far, f"{message}; with OnDelete each pod stays until somebody deletes it"
    return how_far, message
