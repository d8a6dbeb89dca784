"""A status that somebody writes is completed and refused as by the real server; no controller stumbles over it."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.differential.comparing import Pair
from tests.differential.samples import pod
from tests.differential.words import (
    BUDGETS,
    DEPLOYMENTS,
    JOBS,
    NAMESPACES,
    PODS,
    REPLICA_SETS,
    SERVICES,
    Collection,
    deployment,
)
from tests.grounds import Ground

START = "2026-01-01T00:00:00Z"
TEMPLATE = deployment()["spec"]["template"]
SUSPENDED = {"restartPolicy": "Never", "containers": [{"name": "main", "image": "web:1"}]}

OBJECTS: dict[Collection, dict[str, Any]] = {
    DEPLOYMENTS: deployment("x"),
    REPLICA_SETS: REPLICA_SETS.object(
        "x", spec={"replicas": 0, "selector": {"matchLabels": {"app": "web"}}, "template": TEMPLATE}
    ),
    JOBS: JOBS.object("x", spec={"suspend": True, "completions": 5, "template": {"spec": SUSPENDED}}),
    BUDGETS: BUDGETS.object("x", spec={"minAvailable": 1, "selector": {"matchLabels": {"app": "nobody"}}}),
    SERVICES: SERVICES.object("x", spec={"clusterIP": "None", "ports": [{"port": 80}]}),
    PODS: pod("x"),
}


def true(*kinds: str) -> list[dict[str, str]]:
    return [{"type": kind, "status": "True"} for kind in kinds]


FAILED = true("FailureTarget", "Failed")
ILL = [{"type": "a b", "status": "Maybe"}, {}]
STATUSES: dict[Collection, tuple[Any, ...]] = {
    DEPLOYMENTS: (
        *(None, {}, {"replicas": -1}, {"readyReplicas": 5, "availableReplicas": 6}, {"conditions": ILL}),
        {"replicas": 1, "updatedReplicas": 2, "readyReplicas": 3, "availableReplicas": 4},
        {"observedGeneration": -1, "unavailableReplicas": -1, "collisionCount": -1, "terminatingReplicas": -1},
    ),
    REPLICA_SETS: (
        *(None, {}, {"replicas": -1}, {"replicas": 1, "availableReplicas": 2}, {"conditions": ILL}),
        {"fullyLabeledReplicas": -1, "readyReplicas": -1, "availableReplicas": -1, "observedGeneration": -1},
    ),
    JOBS: (
        *(None, {}, {"active": -1}, {"conditions": ILL}, {"active": 1, "ready": 2}, {"succeeded": 3}),
        {"active": -1, "succeeded": -1, "failed": -1, "ready": -1, "terminating": -1},
        *({"conditions": true("Complete", other)} for other in ("Failed", "Suspended", "FailureTarget")),
        *({"conditions": true("SuccessCriteriaMet", other)} for other in ("Failed", "FailureTarget")),
        {"conditions": true("SuccessCriteriaMet", "Complete"), "startTime": START, "completionTime": START},
        {
            "conditions": true("SuccessCriteriaMet", "Complete"),
            "startTime": START,
            "completionTime": "2025-01-01T00:00:00Z",
        },
        *({"completionTime": START}, {"conditions": FAILED}, {"conditions": FAILED, "startTime": START}),
        {"conditions": FAILED, "startTime": START, "active": 1, "terminating": 1},
        {"conditions": FAILED, "startTime": START, "uncountedTerminatedPods": {"succeeded": ["a"]}},
        {"uncountedTerminatedPods": {"succeeded": ["a", "a"], "failed": ["a", ""]}},
        {"failedIndexes": "1"},
    ),
    BUDGETS: (
        *(None, {"disruptionsAllowed": -1}, {"conditions": [{"type": "a"}]}, {"conditions": ILL}),
        {"currentHealthy": -1, "desiredHealthy": -1, "expectedPods": -1, "observedGeneration": -1},
        {
            "conditions": [
                {"type": "a", "status": "True", "lastTransitionTime": START, "reason": reason}
                for reason in ("x y", "X")
            ]
        },
    ),
    SERVICES: (None, {}, {"loadBalancer": None}, {"conditions": ILL}, {"loadBalancer": {"ingress": [{"ip": "x"}]}}),
    PODS: (
        *({"conditions": ILL}, {"podIP": "x"}, {"qosClass": "Guaranteed"}),
        *({"nominatedNodeName": "A_b"}, {"observedGeneration": -1}),
        {"conditions": [{"type": "a", "status": "True", "observedGeneration": -1}]},
    ),
}


@pytest.mark.cluster
@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.plural)
def test_a_written_status(pair: Pair, kind: Collection) -> None:
    asked = [kind.put(OBJECTS[kind] | {"status": status}, "x", "status", dryRun="All") for status in STATUSES[kind]]
    if kind in (BUDGETS, PODS):  # the first takes no PUT without a version, the other's spec is long
        asked = [kind.patch({"status": status}, "x", "status", dryRun="All") for status in STATUSES[kind]]
    shown = ("status", "kind", "message", "details")
    if kind is PODS:  # what runs in it is not the same on both grounds, only what is refused
        shown = ("kind", "message", "details")
    settled = () if kind in (PODS, SERVICES) else (kind.get("x").settle().show("kind"),)
    if kind is JOBS:
        settled = (kind.get("x").until(status__conditions__0__type="Suspended").show("kind"),)
    pair.agree_on(kind.create(OBJECTS[kind]).show("kind"), *settled, *(ask.show(*shown) for ask in asked))


@pytest.mark.cluster
@pytest.mark.parametrize("kind", OBJECTS, ids=lambda kind: kind.plural)
def test_what_else_a_write_of_the_status_changes(pair: Pair, kind: Collection) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "0c7b0f3e-61a5-4b4c-9a3e-5d6f7a8b9c0d"}
    metadata = {
        "labels": {"x": "1"},
        "annotations": {"x": "1"},
        "finalizers": ["x.y/z"],
        "ownerReferences": [owner],
    }
    shown = ("labels.x", "annotations.x", "finalizers", "ownerReferences")
    pair.agree_on(
        kind.create(OBJECTS[kind]).show("code"),
        kind.patch({"metadata": metadata}, "x", "status", dryRun="All").show(*(f"metadata.{each}" for each in shown)),
    )


@pytest.mark.cluster
def test_the_phase_of_a_namespace(pair: Pair) -> None:
    conditions = {"phase": "Active", "conditions": true("a b")}
    pair.agree_on(
        *(
            NAMESPACES.patch({"status": status}, "${ns}", "status", dryRun="All").show("status", "details", "message")
            for status in (None, {}, {"phase": "X"}, {"phase": "Terminating"}, conditions)
        )
    )


@pytest.mark.cluster
def test_what_was_said_of_a_status_is_not_taken_back(pair: Pair) -> None:
    job, web = OBJECTS[JOBS], OBJECTS[DEPLOYMENTS]
    jobs = [{"failed": 3, "succeeded": 1}, {"failed": 2}, {"failed": 3, "succeeded": 1, "startTime": START}]
    jobs[2]["conditions"] = FAILED
    pair.agree_on(
        JOBS.create(job).show("kind"),
        *(JOBS.put(job | {"status": status}, "x", "status").show("kind", "message") for status in (*jobs, {})),
        DEPLOYMENTS.create(web).show("kind"),
        *(
            DEPLOYMENTS.put(web | {"status": {"collisionCount": count}}, "x", "status").show("kind", "message")
            for count in (3, 2, 0)
        ),
    )


@pytest.mark.parametrize("status", [None, {"conditions": [{"type": "Progressing"}]}], ids=str)
def test_a_deployment_whose_status_is_lost_gets_another(
    sandbox: Ground, eventually: Callable[[Callable[[], object]], None], status: Any
) -> None:
    place = f"/apis/apps/v1/namespaces/default/deployments/{OBJECTS[DEPLOYMENTS]['metadata']['name']}"

    def observed() -> Any:
        return sandbox.ask("GET", place).json()["status"].get("observedGeneration")

    assert sandbox.ask("POST", place.rpartition("/")[0], OBJECTS[DEPLOYMENTS]).status_code == 201
    eventually(lambda: observed() == 1)
    lost = sandbox.ask("PATCH", f"{place}/status", {"status": status}, media="application/merge-patch+json")
    assert lost.status_code == 200, lost.text
    eventually(lambda: observed() == 1)
