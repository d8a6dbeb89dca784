"""Budgets and autoscalers as a server shows them at one moment: which of them hold a step, and why."""

from collections.abc import Sequence
from typing import Any

import pytest

from gate.cluster.guards import held_by_autoscaler, held_by_budget
from gate.cluster.selecting import from_text, selects
from gate.errors import Absent, Denied
from gate.model import Target, WorkloadKind, WorkloadName

Json = dict[str, Any]
WEB = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
PODS = [
    {"metadata": {"name": f"web-{number}", "uid": str(number), "labels": {"app": "web"}}, "spec": {}}
    for number in range(3)
]
HIT = [Target(kind="Pod", namespace="shop", name=f"web-{number}", uid=str(number)) for number in range(2)]


class Server:
    """A server that has these objects, and no other resources."""

    def __init__(self, **resources: Sequence[Json]) -> None:
        self._resources = {"pods": PODS, **resources}

    def list(self, resource: str, namespace: str) -> tuple[Sequence[Json], str]:
        if resource not in self._resources:
            raise Absent(resource)
        return self._resources[resource], "1"


def budget(allowed: int, *, expected: int = 3, healthy: int = 1, seen: int = 1, **labels: str) -> Json:
    return {
        "metadata": {"name": "web", "namespace": "shop", "generation": 1},
        "spec": {"selector": {"matchLabels": labels or {"app": "web"}}},
        "status": {
            "observedGeneration": seen,
            "disruptionsAllowed": allowed,
            "expectedPods": expected,
            "desiredHealthy": healthy,
        },
    }


def held(*budgets: Json, at_once: int = 2) -> str:
    return held_by_budget(Server(poddisruptionbudgets=budgets), HIT, at_once)


def test_a_budget_that_lets_so_many_go_later_is_waited_for() -> None:
    assert held(budget(2)) == ""
    assert held(budget(1)) == "PodDisruptionBudget shop/web, which does not let 2 pods go now"
    assert held(budget(1), at_once=1) == ""


def test_a_budget_that_never_will_refuses() -> None:
    with pytest.raises(Denied, match="never lets 2 of 3 pods go: 2 have to be healthy"):
        held(budget(0, healthy=2))


def test_a_budget_of_other_pods_is_none_and_one_that_nobody_has_looked_at_holds() -> None:
    assert held(budget(0, app="other")) == ""
    assert held(budget(5, seen=0)) == "PodDisruptionBudget shop/web, which has not been looked at yet"


def test_a_cluster_without_budgets_and_autoscalers_holds_nothing() -> None:
    assert held_by_budget(Server(), HIT, 2) == ""
    assert held_by_autoscaler(Server(), WEB) == ""


def autoscaler(current: int, desired: int, *, active: str = "True", name: str = "web") -> Server:
    status = {
        "currentReplicas": current,
        "desiredReplicas": desired,
        "conditions": [{"type": "ScalingActive", "status": active}],
    }
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": name}}
    return Server(horizontalpodautoscalers=[{"metadata": {"name": "web"}, "spec": spec, "status": status}])


def test_an_autoscaler_holds_its_workload_while_it_changes_the_number_of_pods() -> None:
    assert held_by_autoscaler(autoscaler(3, 5), WEB) == "HorizontalPodAutoscaler shop/web, which is scaling"
    assert held_by_autoscaler(autoscaler(3, 3), WEB) == ""
    assert held_by_autoscaler(autoscaler(3, 5, name="other"), WEB) == ""


def test_an_autoscaler_without_metrics_wants_nothing() -> None:
    assert held_by_autoscaler(autoscaler(3, 0, active="False"), WEB) == ""


@pytest.mark.parametrize(
    ("selector", "matches"),
    [
        (None, False),
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "x"}}, False),
        ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web"]}]}, True),
        ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, True),
    ],
)
def test_a_selector_selects_as_kubernetes_does(selector: Json | None, matches: bool) -> None:
    assert selects(selector, {"app": "web"}) is matches


def test_labels_in_one_text_are_read_and_what_is_no_label_selects_more() -> None:
    assert from_text("app=web, tier==front,environment,zone!=a,rank != 1") == {"app": "web", "tier": "front"}
