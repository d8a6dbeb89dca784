"""Argo Rollouts: blue-green and canary. Their controller concludes; its word is `status.phase`."""

from collections.abc import Sequence

from gate.cluster.kinds.observed import NOT_TAKEN_UP, NOTHING, Json, Observed, Split, owned_by, split_by
from gate.model import Progress

RESOURCE = "rollouts"
REVISIONS = "replicasets"
HASH = "rollouts-pod-template-hash"


def template(seen: Observed) -> Json | None:
    """Its own, or with `workloadRef`, where it has none, that of its current ReplicaSet."""
    own: Json | None = seen.spec.get("template")
    if own:
        return own
    current = _current(seen)
    return current[0]["spec"]["template"] if current else None


def split(seen: Observed) -> Split:
    own = [item for item in seen.revisions if owned_by(item, {seen.uid})]
    current = {item["metadata"]["uid"] for item in _current(seen)}
    return split_by(seen.pods, current, {item["metadata"]["uid"] for item in own} - current)


def progress(seen: Observed, split: Split | None) -> tuple[Progress, str]:
    """`Healthy` is complete. Where an old ReplicaSet is kept on purpose (blue-green, traffic routing), its pods stay.

    A pause at a canary step is `CANARY`: complete as far as the canary's pods go, if all of them are available.
    """
    if not seen.is_taken_up:
        return NOT_TAKEN_UP
    status, phase = seen.status, seen.status.get("phase", "")
    message = status.get("message") or ""
    if phase == "Degraded":
        return Progress.FAILED, message or "the Rollout is degraded"
    if phase == "Healthy":
        if seen.spec.get("replicas", 1) == 0:
            return Progress.ROLLING, NOTHING
        if split and split.older and not _keeps_old(seen.spec):
            return Progress.ROLLING, f"{len(split.older)} pods of an older template are still there"
        return Progress.COMPLETE, f"healthy; {len(split.current) if split else 'its'} pods run it"
    paused = {condition.get("reason") for condition in status.get("pauseConditions") or []}
    if "CanaryPauseStep" in paused and (split is None or _available(seen)):
        step = status.get("currentStepIndex", 0)
        return (
            Progress.CANARY,
            f"paused at step {step} of the canary; {len(split.current) if split else 'its'} pods run it",
        )
    return Progress.ROLLING, f"{phase or 'no phase yet'}: {message}".rstrip(": ")


def _current(seen: Observed) -> Sequence[Json]:
    wanted = seen.status.get("currentPodHash", "")
    return [
        item
        for item in seen.revisions
        if owned_by(item, {seen.uid}) and (item["metadata"].get("labels") or {}).get(HASH) == wanted
    ]


def _keeps_old(spec: Json) -> bool:
    strategy = spec.get("strategy") or {}
    return "blueGreen" in strategy or bool((strategy.get("canary") or {}).get("trafficRouting"))


def _available(seen: Observed) -> bool:
    """The canary has pods, and all that its ReplicaSet wants are available."""
    current = _current(seen)
    wanted: int = sum(item["spec"].get("replicas", 0) for item in current)
    there: int = sum((item.get("status") or {}).get("availableReplicas", 0) for item in current)
    return 0 < wanted <= there
