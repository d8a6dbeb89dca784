"""Nodes are cordoned and drained by an act that is written on them, and only that act is taken back."""

from collections.abc import Iterator
from typing import Any

import pytest

from gate.errors import Permanent, Protected
from gate.faults import node_cordon, node_drain
from gate.model import Target, Undo, WorkloadKind, WorkloadName
from tests.faults.application import Application, Eventually, insisting, step


@pytest.fixture
def web(web: Application) -> Iterator[Application]:
    """Nodes are everybody's: whatever a test did to them is gone after it."""
    yield web
    for node in web.api.list("nodes")[0]:
        cordon(web, node["metadata"]["name"], wanted=None)


def cordon(web: Application, node: str, *, wanted: bool | None = True) -> None:
    body = {"metadata": {"annotations": {"chaosgate.dev/cordoned": None}}} if wanted is None else {}
    web.api.patch("nodes", "", node, {**body, "spec": {"unschedulable": wanted}})


def is_cordoned(web: Application, node: str) -> bool:
    return bool((web.api.get("nodes", "", node) or {})["spec"].get("unschedulable"))


def cordons(undos: list[Undo]) -> list[Undo]:
    return [undo for undo in undos if undo.target.kind == "Node"]


def test_a_node_with_pods_of_the_workload_takes_no_new_ones_until_it_is_taken_back(web: Application) -> None:
    (undo,) = web.plan("node-cordon")
    node = undo.target.name
    assert node in {pod.node for pod in web.pods()}
    web.inject(undo)
    assert is_cordoned(web, node)
    assert node_cordon.prove(undo, web.api) == f"Node {node} takes no new pods"
    web.revert(undo)
    assert not is_cordoned(web, node)


def test_a_drained_node_loses_the_pods_of_the_workload_and_nobody_elses(
    web: Application, eventually: Eventually
) -> None:
    other = {"metadata": {"name": "other"}, "spec": {"containers": [{"name": "main", "image": "web:1"}]}}
    undos = web.plan("node-drain")
    (node,) = [undo.target.name for undo in cordons(undos)]
    other["spec"]["nodeName"] = node
    web.api.create("pods", web.namespace, other)
    assert undos[0].target.name == node, "the node comes first"
    assert {undo.target.name for undo in undos[1:]} == {pod.name for pod in web.pods() if pod.node == node}
    for undo in undos:
        web.inject(undo)
    for undo in undos:
        eventually(lambda undo=undo: node_drain.prove(undo, web.api))
    assert "deletionTimestamp" not in web.read("pods", "other")["metadata"]
    for undo in reversed(undos):
        web.revert(undo)
    assert not is_cordoned(web, node)
    web.be_whole()


def test_a_node_that_somebody_else_has_cordoned_meanwhile_stays_so(web: Application) -> None:
    (undo,) = web.plan("node-cordon")
    cordon(web, undo.target.name)
    with pytest.raises(Permanent, match="was cordoned meanwhile"):
        insisting(node_cordon.inject, undo, web.api)
    assert "is left as it is" in web.revert(undo)
    assert is_cordoned(web, undo.target.name)


def test_a_node_that_is_cordoned_already_is_not_chosen(web: Application) -> None:
    for node in {pod.node for pod in web.pods()}:
        cordon(web, node)
    assert web.plan("node-cordon") == []
    assert web.plan("node-drain") == []


def test_a_drain_asks_disruption_budgets(web: Application, eventually: Eventually) -> None:
    budgets = f"/apis/policy/v1/namespaces/{web.namespace}/poddisruptionbudgets"
    spec = {"maxUnavailable": 0, "selector": {"matchLabels": {"app": "web"}}}
    web.ground.ask("POST", budgets, {"metadata": {"name": "web"}, "spec": spec})
    eventually(lambda: web.ground.ask("GET", f"{budgets}/web").json()["status"].get("currentHealthy"))
    eviction = web.plan("node-drain")[-1]
    with pytest.raises(Protected):
        node_drain.inject(eviction, web.api)


def test_the_pods_of_a_daemon_set_are_not_drained() -> None:
    nobody: Any = None
    name = WorkloadName(kind=WorkloadKind.DAEMON_SET, namespace="shop", name="agent")
    pod = Target(kind="Pod", namespace="shop", name="agent-1", uid="p", node="n")
    with pytest.raises(Permanent, match="come back to a node that is cordoned"):
        node_drain.plan(step("node-drain"), name, [pod], "seed", nobody)
