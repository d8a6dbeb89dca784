"""The status of a Deployment: counts and conditions, in the real controller's words; pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from gate.sandbox.kubernetes.controllers.rollout import Bounds, total
from gate.sandbox.kubernetes.language.conditions import condition, with_condition, without_condition
from gate.sandbox.kubernetes.language.objects import Object, lookup, moment_of, name_of, timestamp

_NO_DEADLINE = 2**31 - 1
COMPLETE = "NewReplicaSetAvailable"
TIMED_OUT = "ProgressDeadlineExceeded"
PAUSED = "DeploymentPaused"


def has_deadline(deployment: Object) -> bool:
    return bool(lookup(deployment, "spec.progressDeadlineSeconds", _NO_DEADLINE) != _NO_DEADLINE)


def progressing(status: str, reason: str, message: str, now: datetime) -> Object:
    at = timestamp(now)
    return {
        "type": "Progressing",
        "status": status,
        "lastUpdateTime": at,
        "lastTransitionTime": at,
        "reason": reason,
        "message": message,
    }


def counted(deployment: Object, everybody: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The status with its counts and the condition Available."""
    available = _sum(everybody, "availableReplicas")
    status: Object = {
        "observedGeneration": deployment["metadata"]["generation"],
        "replicas": _sum(everybody, "replicas"),
        "updatedReplicas": _sum([new] if new else [], "replicas"),
        "readyReplicas": _sum(everybody, "readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(total(everybody) - available, 0),
    }
    collisions = lookup(deployment, "status.collisionCount")
    if collisions is not None:
        status["collisionCount"] = collisions
    is_available = available >= Bounds.of(deployment).minimum
    at = timestamp(now)
    told = {
        "type": "Available",
        "status": "True" if is_available else "False",
        "lastUpdateTime": at,
        "lastTransitionTime": at,
        "reason": "MinimumReplicasAvailable" if is_available else "MinimumReplicasUnavailable",
        "message": f"Deployment {'has' if is_available else 'does not have'} minimum availability.",
    }
    conditions = with_condition(lookup(deployment, "status.conditions", []), told)
    return {key: value for key, value in status.items() if value} | {"conditions": conditions}


def progressed(deployment: Object, everybody: Sequence[Object], new: Object | None, now: datetime) -> Object:
    """The whole status while a rollout is being carried out: how far it is, and whether it still moves."""
    status = counted(deployment, everybody, new, now)
    conditions = status["conditions"]
    current = condition(status, "Progressing")
    if not has_deadline(deployment):
        conditions = without_condition(conditions, "Progressing")
    elif not _was_complete(status, current):
        what = f'ReplicaSet "{name_of(new)}"' if new else f'Deployment "{name_of(deployment)}"'
        if is_complete(deployment, status):
            told = progressing("True", COMPLETE, f"{what} has successfully progressed.", now)
            conditions = with_condition(conditions, told)
        elif _moves(deployment.get("status") or {}, status):
            told = progressing("True", "ReplicaSetUpdated", f"{what} is progressing.", now)
            if current is not None and current["status"] == "True":
                told["lastTransitionTime"] = current["lastTransitionTime"]
            conditions = [*without_condition(conditions, "Progressing"), told]
        elif _is_timed_out(deployment, current, now):
            told = progressing("False", TIMED_OUT, f"{what} has timed out progressing.", now)
            conditions = with_condition(conditions, told)
    status["conditions"] = _with_replica_failure(conditions, everybody, new)
    return status


def is_complete(deployment: Object, status: Object) -> bool:
    """What `kubectl rollout status` waits for."""
    wanted = deployment["spec"]["replicas"]
    return bool(
        status.get("updatedReplicas", 0) == status.get("replicas", 0) == status.get("availableReplicas", 0) == wanted
        and status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    )


def until_deadline(deployment: Object, status: Object, now: datetime) -> float | None:
    """Seconds after which the rollout is late if nothing moves; None where nothing is awaited."""
    current = condition(status, "Progressing")
    if not has_deadline(deployment) or current is None or current["reason"] in (COMPLETE, TIMED_OUT, PAUSED):
        return None
    return max((_deadline(deployment, current) - now).total_seconds(), 0.0) + 1.0


def _was_complete(status: Object, current: Object | None) -> bool:
    if current is None or current["reason"] != COMPLETE:
        return False
    return bool(status.get("replicas", 0) == status.get("updatedReplicas", 0))


def _moves(before: Object, after: Object) -> bool:
    old_before = before.get("replicas", 0) - before.get("updatedReplicas", 0)
    old_after = after.get("replicas", 0) - after.get("updatedReplicas", 0)
    counts = ("updatedReplicas", "readyReplicas", "availableReplicas")
    grows = any(after.get(what, 0) > before.get(what, 0) for what in counts)
    return bool(grows or old_after < old_before)


def _is_timed_out(deployment: Object, current: Object | None, now: datetime) -> bool:
    if current is None or current["reason"] == COMPLETE:
        return False
    return bool(current["reason"] == TIMED_OUT) or _deadline(deployment, current) < now


def _deadline(deployment: Object, current: Object) -> datetime:
    return moment_of(current["lastUpdateTime"]) + timedelta(seconds=deployment["spec"]["progressDeadlineSeconds"])


def _with_replica_failure(conditions: list[Object], everybody: Iterable[Object], new: Object | None) -> list[Object]:
    rest = without_condition(conditions, "ReplicaFailure")
    for replica_set in [new, *everybody] if new else everybody:
        failure = condition(replica_set.get("status") or {}, "ReplicaFailure")
        if failure is not None:
            return [*rest, failure | {"lastUpdateTime": failure["lastTransitionTime"]}]
    return rest


def _sum(replica_sets: Iterable[Object], field: str) -> int:
    return sum(lookup(each, f"status.{field}", 0) for each in replica_sets)
