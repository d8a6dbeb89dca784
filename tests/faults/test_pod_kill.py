"""Pods are killed by deletion or by eviction, at once or one by one."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from gate.errors import Protected
from gate.faults import pod_kill
from tests.faults.application import PODS, Application, Eventually

BUDGET = {
    "metadata": {"name": "web"},
    "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}},
}


def protect(web: Application, eventually: Eventually) -> None:
    """A budget that lets no pod go."""
    budgets = f"/apis/policy/v1/namespaces/{web.namespace}/poddisruptionbudgets"
    assert web.ground.ask("POST", budgets, BUDGET).status_code == 201
    eventually(lambda: web.ground.ask("GET", f"{budgets}/web").json()["status"].get("currentHealthy") == PODS)


def test_a_killed_pod_is_gone_and_its_owner_replaces_it(web: Application, eventually: Eventually) -> None:
    (undo,) = web.plan("pod-kill")
    web.inject(undo)
    eventually(lambda: pod_kill.prove(undo, web.api))
    web.be_whole()
    survivors = {pod.uid for pod in web.pods()}
    assert undo.target.uid not in survivors
    web.inject(undo)
    assert {pod.uid for pod in web.pods()} == survivors


def test_an_eviction_that_a_budget_forbids_names_it_and_leaves_the_pod(
    web: Application, eventually: Eventually
) -> None:
    protect(web, eventually)
    (undo,) = web.plan("pod-kill", how="evict")
    with pytest.raises(Protected, match="disruption budget web needs 3 healthy pods and has 3"):
        pod_kill.inject(undo, web.api)
    assert pod_kill.prove(undo, web.api) is None
    assert undo.target in web.pods()


def test_a_deletion_asks_no_budget(web: Application, eventually: Eventually) -> None:
    protect(web, eventually)
    (undo,) = web.plan("pod-kill", grace="1s")
    web.inject(undo)
    eventually(lambda: pod_kill.prove(undo, web.api))


def test_one_by_one_each_but_the_first_keeps_its_distance(web: Application) -> None:
    undos = web.plan("pod-kill", count=3, sequence="one-by-one", every="10s")
    assert [undo.spacing for undo in undos] == [timedelta(0), timedelta(seconds=10), timedelta(seconds=10)]
    assert {undo.spacing for undo in web.plan("pod-kill", count=3)} == {timedelta(0)}


def test_more_pods_than_there_are_is_no_target_at_all(web: Application) -> None:
    assert web.plan("pod-kill", count=PODS + 1) == []
    assert web.plan("pod-kill", node="elsewhere", percent="50%") == []


def test_pods_are_chosen_by_the_zone_of_their_node(web: Application) -> None:
    zones: dict[str, str] = {}
    for node in web.api.list("nodes")[0]:
        labels = node["metadata"].get("labels") or {}
        zones[node["metadata"]["name"]] = labels.get("topology.kubernetes.io/zone", "")
    for zone in {*zones.values(), "nowhere"} - {""}:
        here = {pod.name for pod in web.pods() if zones[pod.node] == zone}
        assert {undo.target.name for undo in web.plan("pod-kill", zone=zone, percent="100%")} == here


@pytest.mark.parametrize(
    "settings",
    [{"grace": "1500ms"}, {"every": "5s"}, {"every": "5s", "sequence": "at-once"}, {"how": "exec"}, {"all": True}],
)
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        pod_kill.Settings.model_validate(settings)
