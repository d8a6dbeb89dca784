"""Eviction and disruption budgets: both grounds say the same."""

from typing import Any

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.samples import evict, pod
from tests.differential.words import BUDGETS, DEPLOYMENTS, EVENTS, PODS, deployment

pytestmark = pytest.mark.cluster

STATUS = (
    *("status.observedGeneration", "status.disruptionsAllowed", "status.currentHealthy", "status.desiredHealthy"),
    *("status.expectedPods", "status.conditions"),
)


def budget(name: str = "x", /, **spec: Any) -> Ask:
    return BUDGETS.create(BUDGETS.object(name, spec={"selector": {"matchLabels": {"app": "web"}}, **spec}))


def ready(*names: str) -> tuple[Ask, ...]:
    made = (PODS.create(pod(name, metadata={"labels": {"app": "web"}})).show("code") for name in names)
    waited = (
        PODS.get(name).until(status__phase="Running", status__containerStatuses__0__ready=True).show("code")
        for name in names
    )
    return (*made, *waited)


def deployed(replicas: int) -> tuple[Ask, ...]:
    return (
        DEPLOYMENTS.create(deployment(paused=False, replicas=replicas)).show("code"),
        DEPLOYMENTS.get("web").until(status__readyReplicas=replicas, status__availableReplicas=replicas).show("code"),
    )


GATED = PODS.object(
    "g",
    metadata={"finalizers": ["x.y/z"]},
    spec={"containers": [{"name": "main", "image": "web:1"}], "schedulingGates": [{"name": "wait"}]},
)

SCRIPTS: dict[str, tuple[Ask, ...]] = {
    "without a budget": (
        *ready("a"),
        evict("nobody"),
        evict("a", {"dryRun": "All"}),
        PODS.get("a").show("metadata.deletionTimestamp"),
        PODS.create({"metadata": {"name": "b"}}, "a", "eviction"),
        PODS.create({}, "a", "eviction"),
        PODS.create(b"{", "a", "eviction").roughly(),
        PODS.get("a", "eviction"),
        evict("a", deleteOptions={"preconditions": {"uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}}),
        evict("a"),
        PODS.get("a").until(code=404).show("code"),
    ),
    "a pod that is evicted says so": (
        PODS.create(GATED).show("code"),
        evict("g", {"dryRun": "All"}),
        evict("g", deleteOptions={"preconditions": {"resourceVersion": "1"}}),
        PODS.get("g").show("status.conditions"),
        PODS.get("g").keep("g").show("code"),
        evict("g", deleteOptions={"preconditions": {"resourceVersion": "${g:metadata.resourceVersion}"}}),
        PODS.get("g").show("status.conditions", "metadata.deletionGracePeriodSeconds", "metadata.generation"),
        evict("g"),
        PODS.get("g").show("status.conditions"),
        PODS.patch({"metadata": {"finalizers": None}}, "g").show("code"),
    ),
    "that cannot be read": (
        *ready("a"),
        evict("a", kind="Foo").roughly(),
        evict("a", apiVersion="policy/v2").roughly(),
        evict("a", metadata=[]).roughly(),
        evict("a", metadata={"name": "a", "namespace": "other"}),
        evict("a", deleteOptions=[]).roughly(),
        evict("a", deleteOptions={"gracePeriodSeconds": "x"}),
        evict("a", deleteOptions={"dryRun": ["Some"]}),
        evict("a", {"fieldValidation": "Some"}),
        evict("a", {"fieldValidation": "Strict"}, much=1, deleteOptions={"more": 2}),
        PODS.get("a").show("metadata.deletionTimestamp"),
        evict("a", apiVersion="policy/v1beta1", much=1, deleteOptions={"kind": "Foo", "more": 2}),
    ),
    "as long as enough stay": (
        *ready("a", "b"),
        budget(minAvailable=1),
        BUDGETS.get("x").until(status__disruptionsAllowed=1).show(*STATUS),
        evict("a", {"dryRun": "All"}),
        BUDGETS.get("x").show(*STATUS),
        evict("a"),
        BUDGETS.get("x").until(status__expectedPods=1).show(*STATUS),
        evict("b"),
        PODS.get("b").show("metadata.deletionTimestamp"),
        BUDGETS.patch({"spec": {"minAvailable": 0}}, "x").show("spec", "metadata.generation"),
        BUDGETS.get("x").until(status__observedGeneration=2).show(*STATUS),
        evict("b"),
        BUDGETS.get("x").until(status__expectedPods=0).show(*STATUS),
    ),
    "a precondition that fails costs a disruption": (
        *ready("a", "b"),
        budget(minAvailable=1),
        BUDGETS.get("x").until(status__disruptionsAllowed=1).show("code"),
        evict("a", deleteOptions={"preconditions": {"uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}}),
        BUDGETS.get("x").until(status__currentHealthy=1).show(*STATUS),
        evict("b"),
    ),
    "a share of a Deployment": (
        *deployed(3),
        budget(maxUnavailable="34%"),
        BUDGETS.get("x").until(status__disruptionsAllowed=2).show(*STATUS),
        budget("y", minAvailable="50%"),
        BUDGETS.get("y").until(status__disruptionsAllowed=1).show(*STATUS),
        BUDGETS.delete("y").show("code"),
        BUDGETS.patch({"spec": {"maxUnavailable": 0}}, "x").show("code"),
        BUDGETS.get("x").until(status__observedGeneration=2).show(*STATUS),
        DEPLOYMENTS.patch({"spec": {"replicas": 4}}, "web", "scale").show("code"),
        BUDGETS.get("x").until(status__currentHealthy=4).show(*STATUS),
    ),
    "pods that nobody controls have no share": (
        *ready("a"),
        budget(maxUnavailable=1),
        BUDGETS.get("x").until(status__observedGeneration=1).show(*STATUS),
        evict("a"),
    ),
    "two budgets": (
        *ready("a"),
        budget(minAvailable=0),
        budget("y", minAvailable=0),
        BUDGETS.get("x").until(status__disruptionsAllowed=1).show(*STATUS),
        evict("a"),
    ),
    "selectors": (
        *ready("a"),
        BUDGETS.create(BUDGETS.object("all", spec={"minAvailable": 0, "selector": {}})),
        BUDGETS.get("all").until(status__disruptionsAllowed=1).show(*STATUS),
        BUDGETS.create(BUDGETS.object("none", spec={"minAvailable": 0})),
        BUDGETS.get("none").until(status__observedGeneration=1).show(*STATUS),
        BUDGETS.create(
            BUDGETS.object("other", spec={"minAvailable": 2, "selector": {"matchLabels": {"app": "other"}}})
        ),
        BUDGETS.get("other").until(status__observedGeneration=1).show(*STATUS),
    ),
    "budgets that cannot be": (
        budget(minAvailable=1, maxUnavailable=1),
        budget(minAvailable=-1),
        budget(minAvailable="x"),
        budget(maxUnavailable="101%"),
        budget(unhealthyPodEvictionPolicy="Never"),
        BUDGETS.create(
            BUDGETS.object("y", spec={"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}})
        ),
        budget(),
        BUDGETS.put(BUDGETS.object("x", spec={}), "x"),
    ),
}


def alone(**spec: object) -> tuple[Ask, ...]:
    """A budget without pods: what it counts, and what it tells."""
    told = ("reason", "message", "type", "source", "reportingComponent", "involvedObject.kind", "involvedObject.name")
    about = "involvedObject.kind=PodDisruptionBudget"
    return (
        BUDGETS.create(BUDGETS.object("x", spec=spec)),
        BUDGETS.get("x").until(status__observedGeneration=1),
        EVENTS.get(fieldSelector=about).until(items__0__reason="NoPods").show(*(f"items.0.{each}" for each in told)),
        BUDGETS.patch({"spec": {"unhealthyPodEvictionPolicy": "AlwaysAllow"}}, "x").show("code"),
        BUDGETS.get("x").until(status__observedGeneration=2),
    )


OTHERS = {"matchLabels": {"app": "other"}}
SCRIPTS |= {
    "no pods, and none has to stay": alone(minAvailable=0, selector=OTHERS),
    "no pods, and one has to stay": alone(minAvailable=1, selector=OTHERS),
    "no pods, and a share of them": alone(minAvailable="50%", selector=OTHERS),
    "no pods, and some may be missing": alone(maxUnavailable=3, selector=OTHERS),
    "no pods, and a share may be missing": alone(maxUnavailable="50%", selector=OTHERS),
    "no pods, for all are selected": alone(minAvailable=1, selector={}),
    "no pods, for none is selected": alone(minAvailable=1),
}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_evicting(pair: Pair, script: tuple[Ask, ...]) -> None:
    pair.agree_on(*script)
