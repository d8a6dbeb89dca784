"""The eviction subresource: a pod is asked to go, and its disruption budget says whether it may.

The rules, their order and their words are those of the real API server; the budget's numbers come from its controller.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from gate.sandbox.kubernetes.api import bodies, options
from gate.sandbox.kubernetes.controllers.disruption import selects
from gate.sandbox.kubernetes.language.conditions import condition, is_true, with_condition
from gate.sandbox.kubernetes.language.decoding import Decoded, parse
from gate.sandbox.kubernetes.language.errors import ApiError, BadRequest, TooManyRequests
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, lookup, name_of, namespace_of, timestamp
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import POD_DISRUPTION_BUDGETS, PODS
from gate.sandbox.kubernetes.registry.routes import Request, Target
from gate.sandbox.kubernetes.store import lifecycle
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.store import Store

VIOLATION = "Cannot evict pod as it would violate the pod's disruption budget."
PAUSE = 10
"""Seconds after which to ask again, where the budget is not known yet."""

_WITHOUT_WORK = ("Succeeded", "Failed", "Pending")
"""The phases of pods that nobody would miss."""


EVICTIONS = Resource(group="policy", kind="Eviction", plural="evictions")
"""Not served under its own name: it is what `pods/eviction` reads."""


def answer(request: Request, about: Target, store: Store, clock: Callable[[], datetime]) -> tuple[Object, Decoded]:
    """Read the request and evict; the Status, and what there is to say of the body."""
    body = parse(request.body, request.media_type)
    if body.get("apiVersion") == "policy/v1beta1":  # says the same, and is read still
        body["apiVersion"] = EVICTIONS.api_version
    decoded = bodies.decoded(request, EVICTIONS, body)
    replace(about, name="").place(decoded.object)
    rehearsal = options.dry_run(request, "CreateOptions")
    asked, dry_run = options.deletion_of(decoded.object.get("deleteOptions") or {})
    return evict(store, about.name, decoded.object, asked, clock, dry_run=rehearsal or dry_run), decoded


def evict(
    store: Store, pod_name: str, eviction: Object, options: Deletion, clock: Callable[[], datetime], *, dry_run: bool
) -> Object:
    """Take the pod out of its budget and delete it; the Status that says so.

    BadRequest for another pod's eviction, NotFound, TooManyRequests where the budget forbids it, 500 for two budgets.
    """
    if name_of(eviction) != pod_name:
        raise BadRequest("name in URL does not match name in Eviction object")
    namespace = namespace_of(eviction)
    with store.lock:
        pod = store.get(PODS, namespace, pod_name)
        budget = _budget(store, pod)
        if budget is not None and _counts(pod, budget):
            _take(store, pod_name, budget, clock(), dry_run=dry_run)
        if not dry_run:
            options = _announce(store, pod, options, clock())
        store.delete(PODS, namespace, pod_name, options, dry_run=dry_run)
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}


def _budget(store: Store, pod: Object) -> Object | None:
    """The budget that a pod is in, if it is in one and does work."""
    if is_terminating(pod) or lookup(pod, "status.phase") in _WITHOUT_WORK:
        return None
    budgets = [budget for budget in store.list(POD_DISRUPTION_BUDGETS, namespace_of(pod))[0] if selects(budget, pod)]
    if len(budgets) > 1:
        message = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
        raise ApiError(message, reason="")
    return budgets[0] if budgets else None


def _counts(pod: Object, budget: Object) -> bool:
    """A pod that is not ready may go without asking, if the policy is so or the others are enough without it."""
    if is_true(pod["status"], "Ready"):
        return True
    if lookup(budget, "spec.unhealthyPodEvictionPolicy") == "AlwaysAllow":
        return False
    healthy, desired = lookup(budget, "status.currentHealthy", 0), lookup(budget, "status.desiredHealthy", 0)
    return not 0 < desired <= healthy


def _take(store: Store, pod_name: str, budget: Object, now: datetime, *, dry_run: bool) -> None:
    """Note in the budget that the pod is going; TooManyRequests if it must not."""
    status = budget["status"]
    if status.get("observedGeneration", 0) < budget["metadata"]["generation"]:
        raise _refusal(f"The disruption budget {name_of(budget)} is still being processed by the server.", PAUSE)
    if not status["disruptionsAllowed"]:
        raise _refusal(_why(budget))
    status["disruptionsAllowed"] -= 1
    status["disruptedPods"] = {**status.get("disruptedPods", {}), pod_name: timestamp(now)}
    store.update(POD_DISRUPTION_BUDGETS, budget, "status", dry_run=dry_run)


def _announce(store: Store, pod: Object, options: Deletion, now: datetime) -> Deletion:
    """Say in the pod's status that it is evicted, whatever becomes of that; the deletion of the pod as it is then."""
    lifecycle.check_preconditions(PODS, pod, options)
    at = timestamp(now)
    told = {"type": "DisruptionTarget", "status": "True", "lastProbeTime": None, "lastTransitionTime": at}
    told |= {"reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}
    status: Object = pod.get("status") or {}
    new = pod | {"status": status | {"conditions": with_condition(status.get("conditions") or [], told)}}
    announced = store.update(PODS, new, "status")
    revision = announced["metadata"]["resourceVersion"] if options.revision is not None else None
    return replace(options, revision=revision)


def _why(budget: Object) -> str:
    status, name = budget["status"], name_of(budget)
    allowed = condition(status, "DisruptionAllowed") or {}
    if allowed.get("reason") == "SyncFailed":
        because = f"it failed sync: {allowed['message']}"
        return f"The disruption budget {name} does not allow evicting pods currently because {because}"
    healthy, desired = status["currentHealthy"], status["desiredHealthy"]
    return f"The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"


def _refusal(message: str, retry_after: int = 0) -> TooManyRequests:
    details: Object = {"causes": [{"reason": "DisruptionBudget", "message": message}]}
    return TooManyRequests(VIOLATION, details=details | ({"retryAfterSeconds": retry_after} if retry_after else {}))
