"""What guards a workload's pods: disruption budgets, and autoscalers that are just changing their number."""

from collections.abc import Mapping, Sequence

from gate.cluster.api import Api
from gate.cluster.said import Json
from gate.cluster.selecting import selects
from gate.errors import Absent, Denied
from gate.model import Target, WorkloadName


def held_by_budget(api: Api, hit: Sequence[Target], at_once: int) -> str:
    """The disruption budget that does not let so many of the pods go now, in words; empty if all do.

    Raises `Denied` where one never does, however healthy its pods are: to wait would be in vain.
    """
    namespaces = sorted({pod.namespace for pod in hit})
    return next(filter(None, (_in_namespace(api, namespace, hit, at_once) for namespace in namespaces)), "")


def _in_namespace(api: Api, namespace: str, hit: Sequence[Target], at_once: int) -> str:
    budgets = _all(api, "poddisruptionbudgets", namespace)
    if not budgets:
        return ""
    uids = {pod.uid for pod in hit}
    labels = [_labels(pod) for pod in api.list("pods", namespace)[0] if pod["metadata"]["uid"] in uids]
    for budget in budgets:
        selector = budget["spec"].get("selector")
        wanted = min(at_once, sum(selects(selector, each) for each in labels))
        if wanted and (why := _refusal(budget, wanted)):
            return f"PodDisruptionBudget {namespace}/{budget['metadata']['name']}, {why}"
    return ""


def _refusal(budget: Json, wanted: int) -> str:
    """Why it does not let so many pods go now. Raises `Denied` if it never does."""
    status, metadata = budget.get("status") or {}, budget["metadata"]
    if status.get("observedGeneration", 0) < metadata.get("generation", 0):
        return "which has not been looked at yet"
    if wanted <= status.get("disruptionsAllowed", 0):
        return ""
    healthy, expected = status.get("desiredHealthy", 0), status.get("expectedPods", 0)
    if wanted > expected - healthy:
        raise Denied(
            f"PodDisruptionBudget {metadata['namespace']}/{metadata['name']} never lets {wanted} of {expected} pods "
            f"go: {healthy} have to be healthy; hit fewer, or have it changed"
        )
    return f"which does not let {wanted} pods go now"


def held_by_autoscaler(api: Api, workload: WorkloadName) -> str:
    """The autoscaler that is just changing the number of the workload's pods, in words; empty if none is."""
    for item in _all(api, "horizontalpodautoscalers", workload.namespace):
        about, status = item["spec"]["scaleTargetRef"], item.get("status") or {}
        if (about["kind"], about["name"]) != (workload.kind, workload.name) or not _is_scaling(status):
            continue
        return f"HorizontalPodAutoscaler {workload.namespace}/{item['metadata']['name']}, which is scaling"
    return ""


def _is_scaling(status: Json) -> bool:
    """It knows what it wants, and has not got it. One without metrics wants nothing."""
    active = any(
        (each.get("type"), each.get("status")) == ("ScalingActive", "True") for each in status.get("conditions") or ()
    )
    return active and status.get("currentReplicas") != status.get("desiredReplicas")


def _all(api: Api, resource: str, namespace: str) -> Sequence[Json]:
    try:
        return api.list(resource, namespace)[0]
    except Absent:
        return ()


def _labels(item: Json) -> Mapping[str, str]:
    return item["metadata"].get("labels") or {}
