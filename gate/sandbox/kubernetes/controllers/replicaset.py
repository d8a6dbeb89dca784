"""The ReplicaSet controller: as many pods of one template as wanted, the least useful deleted first."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from gate.sandbox.kubernetes.controllers.ownership import claim, pod_of
from gate.sandbox.kubernetes.language.conditions import condition, is_true, with_condition, without_condition
from gate.sandbox.kubernetes.language.errors import ApiError, NotFound
from gate.sandbox.kubernetes.language.objects import (
    Object,
    controller_of,
    is_terminating,
    labels_of,
    lookup,
    moment_of,
    name_of,
    namespace_of,
    timestamp,
)
from gate.sandbox.kubernetes.loops.events import EventType, Tell
from gate.sandbox.kubernetes.registry.resources import PODS, REPLICA_SETS
from gate.sandbox.kubernetes.store.changes import Change, Key
from gate.sandbox.kubernetes.store.store import Store

_FINISHED = ("Succeeded", "Failed")
_DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


class ReplicaSets:
    watches = (REPLICA_SETS, PODS)

    def __init__(self, store: Store, tell: Tell, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._tell = tell
        self._clock = clock

    def keys(self, change: Change) -> Iterable[Key]:
        obj = change.entry.shared
        if change.resource is REPLICA_SETS:
            yield namespace_of(obj), name_of(obj)
            return
        owner = controller_of(obj)
        if owner is not None and owner["kind"] == REPLICA_SETS.kind:
            yield namespace_of(obj), owner["name"]

    def reconcile(self, key: Key) -> float | None:
        try:
            replica_set = self._store.get(REPLICA_SETS, *key)
        except NotFound:
            return None
        failure = None
        if not is_terminating(replica_set):
            failure = self._bring_to_size(replica_set, active(claim(self._store, PODS, replica_set)))
        pods = active(claim(self._store, PODS, replica_set))
        now = self._clock()
        observed = status(replica_set, pods, failure, now)
        if observed != replica_set.get("status"):
            self._store.patch(REPLICA_SETS, *key, lambda present: present | {"status": observed}, "status")
        if observed.get("readyReplicas", 0) > observed.get("availableReplicas", 0):
            return _until_available(replica_set, pods, now)
        return 1.0 if failure else None

    def _bring_to_size(self, replica_set: Object, pods: list[Object]) -> str | None:
        """Create or delete pods; what hindered it, if something did."""
        surplus = len(pods) - replica_set["spec"]["replicas"]
        for pod in sorted(pods, key=_usefulness)[: max(surplus, 0)]:
            self._store.delete(PODS, namespace_of(pod), name_of(pod))
            self._tell(replica_set, "SuccessfulDelete", f"Deleted pod: {name_of(pod)}")
        for _ in range(-surplus):
            try:
                pod = self._store.create(PODS, pod_of(replica_set))
            except ApiError as error:
                self._tell(replica_set, "FailedCreate", f"Error creating: {error}", kind=EventType.WARNING)
                return str(error)
            self._tell(replica_set, "SuccessfulCreate", f"Created pod: {name_of(pod)}")
        return None


def active(pods: Iterable[Object]) -> list[Object]:
    """The pods that count: neither finished nor on their way out."""
    return [pod for pod in pods if not is_terminating(pod) and lookup(pod, "status.phase") not in _FINISHED]


def status(replica_set: Object, pods: list[Object], failure: str | None, now: datetime) -> Object:
    """The status that these active pods make."""
    template = labels_of(replica_set["spec"]["template"]).items()
    ready = [pod for pod in pods if is_true(pod["status"], "Ready")]
    conditions = (replica_set.get("status") or {}).get("conditions") or []
    if failure is None:
        conditions = without_condition(conditions, "ReplicaFailure")
    else:
        told = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": failure}
        conditions = with_condition(conditions, told | {"lastTransitionTime": timestamp(now)})
    found: Object = {
        "fullyLabeledReplicas": sum(template <= labels_of(pod).items() for pod in pods),
        "readyReplicas": len(ready),
        "availableReplicas": sum(_available_at(replica_set, pod) <= now for pod in ready),
        "observedGeneration": replica_set["metadata"]["generation"],
    }
    found["conditions"] = conditions
    return {"replicas": len(pods)} | {key: value for key, value in found.items() if value}


def _available_at(replica_set: Object, pod: Object) -> datetime:
    minimum = replica_set["spec"].get("minReadySeconds") or 0
    if not minimum:
        return moment_of("1970-01-01T00:00:00Z")
    since = lookup(condition(pod["status"], "Ready"), "lastTransitionTime")
    return moment_of(since or pod["metadata"]["creationTimestamp"]) + timedelta(seconds=minimum)


def _until_available(replica_set: Object, pods: list[Object], now: datetime) -> float:
    waiting = [_available_at(replica_set, pod) for pod in pods if is_true(pod["status"], "Ready")]
    return min((moment - now).total_seconds() for moment in waiting if moment > now)


def _usefulness(pod: Object) -> tuple[object, ...]:
    """The order in which pods are given up, first the least useful: the rules of the real controller."""
    is_ready = is_true(pod["status"], "Ready")
    ready_since = (condition(pod["status"], "Ready") or {}).get("lastTransitionTime", "") if is_ready else ""
    return (
        bool(lookup(pod, "spec.nodeName")),
        ("Pending", "Unknown", "Running").index(lookup(pod, "status.phase", "Pending")),
        is_ready,
        int(lookup(pod, "metadata.annotations", {}).get(_DELETION_COST, 0)),
        _newest_first(ready_since),
        -max((each.get("restartCount", 0) for each in lookup(pod, "status.containerStatuses", [])), default=0),
        _newest_first(pod["metadata"]["creationTimestamp"]),
    )


def _newest_first(time: str) -> float:
    return -moment_of(time).timestamp() if time else 0.0
