"""Pod disruption budgets: how many of a budget's pods are healthy, how many have to be, how many may go now."""

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, TypeAlias

from gate.sandbox.kubernetes.language.conditions import condition, is_true
from gate.sandbox.kubernetes.language.errors import NotFound
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
    uid_of,
)
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.loops.events import EventType, Tell
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import DEPLOYMENTS, POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS
from gate.sandbox.kubernetes.store.changes import Change
from gate.sandbox.kubernetes.store.store import Store

PATIENCE = timedelta(minutes=2)
"""How long a pod that was evicted counts as gone, while nothing is seen of its end."""

Key: TypeAlias = tuple[str, str]
"""Namespace and name of a budget."""


class Disruptions:
    watches: tuple[Resource, ...] = (POD_DISRUPTION_BUDGETS, PODS, REPLICA_SETS, DEPLOYMENTS)

    def __init__(self, store: Store, tell: Tell, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._tell = tell
        self._clock = clock

    def keys(self, change: Change) -> Iterable[Key]:
        obj = change.entry.shared
        if change.resource is POD_DISRUPTION_BUDGETS:
            yield namespace_of(obj), name_of(obj)
            return
        for entry in self._store.entries(POD_DISRUPTION_BUDGETS, namespace_of(obj))[0]:
            yield namespace_of(obj), name_of(entry.shared)

    def reconcile(self, key: Key) -> float | None:
        try:
            budget = self._store.get(POD_DISRUPTION_BUDGETS, *key)
        except NotFound:
            return None
        now = self._clock()
        pods = [pod for pod in self._store.list(PODS, key[0])[0] if selects(budget, pod)]
        disrupted = _still_disrupted(budget, pods, now)
        if not pods:
            self._tell(budget, "NoPods", "No matching pods found")
        try:
            expected, desired = self._wanted(budget, pods)
        except _UnknownControllerError as error:
            message = f"Failed to calculate the number of expected pods: {error}"
            self._tell(budget, "CalculateExpectedPodCountFailed", message, kind=EventType.WARNING)
            self._save(budget, budget["status"] | {"disruptionsAllowed": 0}, "SyncFailed", str(error))
            return None
        healthy = sum(_is_healthy(pod) and name_of(pod) not in disrupted for pod in pods)
        allowed = max(healthy - desired, 0) if expected > 0 else 0
        status = {
            "observedGeneration": budget["metadata"]["generation"],
            "disruptedPods": disrupted,
            "disruptionsAllowed": allowed,
            "currentHealthy": healthy,
            "desiredHealthy": desired,
            "expectedPods": expected,
        }
        self._save(budget, status, "SufficientPods" if allowed else "InsufficientPods", "")
        ends = [moment_of(since) + PATIENCE for since in disrupted.values()]
        return max((min(ends) - now).total_seconds(), 0.0) if ends else None

    def _wanted(self, budget: Object, pods: list[Object]) -> tuple[int, int]:
        """How many pods there should be, and how many of them have to stay healthy."""
        least, most = lookup(budget, "spec.minAvailable"), lookup(budget, "spec.maxUnavailable")
        if most is not None:
            expected = self._scale(pods)
            return expected, max(expected - _share(most, expected), 0)
        if isinstance(least, str):
            expected = self._scale(pods)
            return expected, _share(least, expected)
        return len(pods), least or 0

    def _scale(self, pods: list[Object]) -> int:
        """The replicas that the pods' controllers are to have; pods without one do not count."""
        scales: dict[str, int] = {}
        for pod in pods:
            reference = controller_of(pod)
            if reference is not None:
                owner = self._controller(reference, pod)
                scales[uid_of(owner)] = lookup(owner, "spec.replicas", 0)
        return sum(scales.values())

    def _controller(self, reference: Object, pod: Object) -> Object:
        """The ReplicaSet, or the Deployment above it."""
        if reference["kind"] != REPLICA_SETS.kind:
            raise _UnknownControllerError(f'found no controllers for pod "{name_of(pod)}"')
        try:
            replica_set = self._store.get(REPLICA_SETS, namespace_of(pod), reference["name"])
            above = controller_of(replica_set)
            if above is None or above["kind"] != DEPLOYMENTS.kind:
                return replica_set
            return self._store.get(DEPLOYMENTS, namespace_of(pod), above["name"])
        except NotFound as error:
            raise _UnknownControllerError(f'found no controllers for pod "{name_of(pod)}"') from error

    def _save(self, budget: Object, status: Object, reason: str, message: str) -> None:
        allowed = {
            "type": "DisruptionAllowed",
            "status": "True" if status["disruptionsAllowed"] else "False",
            "observedGeneration": status.get("observedGeneration", 0),
            "lastTransitionTime": timestamp(self._clock()),
            "reason": reason,
            "message": message,
        }
        before = condition(budget["status"], "DisruptionAllowed")
        if before is not None and before["status"] == allowed["status"]:
            allowed["lastTransitionTime"] = before["lastTransitionTime"]
        budget["status"] = {key: value for key, value in status.items() if value != {}} | {"conditions": [allowed]}
        self._store.update(POD_DISRUPTION_BUDGETS, budget, "status")


def selects(budget: Object, pod: Object) -> bool:
    """Whether the pod is in the budget: an empty selector selects all, a missing one nothing."""
    selector = lookup(budget, "spec.selector")
    return selector is not None and LabelSelector.from_object(selector).matches(labels_of(pod))


class _UnknownControllerError(Exception):
    """Nobody can say how many pods there should be."""


def _still_disrupted(budget: Object, pods: list[Object], now: datetime) -> dict[str, str]:
    """The pods that were evicted a moment ago and whose end has not been seen yet."""
    living = {name_of(pod) for pod in pods if not is_terminating(pod)}
    noted: dict[str, Any] = lookup(budget, "status.disruptedPods", {})
    return {name: since for name, since in noted.items() if name in living and moment_of(since) + PATIENCE > now}


def _is_healthy(pod: Object) -> bool:
    return not is_terminating(pod) and is_true(pod["status"], "Ready")


def _share(amount: int | str, whole: int) -> int:
    """A number, or a percentage of the whole, rounded up."""
    return amount if isinstance(amount, int) else math.ceil(int(amount.removesuffix("%")) * whole / 100)
