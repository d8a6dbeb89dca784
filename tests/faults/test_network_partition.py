"""The pods are cut off by one policy more, which is felt by nobody but a probe. The sandbox has no such policies."""

from typing import Any

import pytest
from pydantic import ValidationError

from gate.errors import Permanent
from gate.faults import network_partition
from gate.faults.network_partition import Settings, _selects
from tests.faults.application import Application

SETTINGS = {"probe": "web answers"}
real_only = pytest.mark.parametrize("cluster", [pytest.param("real", marks=pytest.mark.cluster)], indirect=True)


def policy(web: Application, name: str, **spec: Any) -> None:
    body = {"metadata": {"name": name}, "spec": {"podSelector": {"matchLabels": {"app": "web"}}, **spec}}
    web.api.create("networkpolicies", web.namespace, body)


@real_only
@pytest.mark.parametrize(
    ("direction", "kinds"), [("ingress", ["Ingress"]), ("egress", ["Egress"]), ("both", ["Ingress", "Egress"])]
)
def test_a_policy_of_our_own_lets_nothing_through_and_goes_again(
    direction: str, kinds: list[str], web: Application
) -> None:
    (undo,) = web.plan("network-partition", direction=direction, **SETTINGS)
    assert undo.proof == "web answers"
    web.inject(undo)
    spec = web.read("networkpolicies", undo.settings["policy"])["spec"]
    assert spec == {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": kinds}
    web.revert(undo)
    assert web.api.get("networkpolicies", web.namespace, undo.settings["policy"]) is None


@real_only
def test_it_goes_with_its_workload(web: Application) -> None:
    (undo,) = web.plan("network-partition", **SETTINGS)
    web.inject(undo)
    web.api.delete("deployments", web.namespace, "web", uid=undo.target.uid)
    web.eventually(lambda: web.api.get("networkpolicies", web.namespace, undo.settings["policy"]) is None)
    assert web.revert(undo).endswith("is not there")


@real_only
def test_where_another_policy_lets_something_through_nothing_is_done(web: Application) -> None:
    policy(web, "deny", policyTypes=["Ingress", "Egress"])
    policy(web, "others", podSelector={"matchLabels": {"app": "other"}}, ingress=[{}])
    assert web.plan("network-partition", **SETTINGS)
    policy(web, "allow", ingress=[{}])
    with pytest.raises(Permanent, match="NetworkPolicy allow lets some ingress through"):
        web.plan("network-partition", **SETTINGS)
    assert web.plan("network-partition", direction="egress", **SETTINGS)


@real_only
def test_a_policy_of_somebody_else_under_its_name_is_left(web: Application) -> None:
    (undo,) = web.plan("network-partition", **SETTINGS)
    policy(web, undo.settings["policy"])
    with pytest.raises(Permanent, match="is somebody else's"):
        web.inject(undo)
    assert network_partition.prove(undo, web.api) is None
    web.revert(undo)
    web.read("networkpolicies", undo.settings["policy"])


LABELS = {"app": "web", "tier": "front"}


@pytest.mark.parametrize(
    ("selector", "selects"),
    [
        ({}, True),
        ({"matchLabels": {"app": "web"}}, True),
        ({"matchLabels": {"app": "web", "tier": "back"}}, False),
        ({"matchExpressions": [{"key": "tier", "operator": "In", "values": ["front", "back"]}]}, True),
        ({"matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["front"]}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "NotIn", "values": ["a"]}]}, True),
        ({"matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
        ({"matchExpressions": [{"key": "zone", "operator": "DoesNotExist"}]}, True),
        ({"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "zone", "operator": "Exists"}]}, False),
    ],
)
def test_a_selector_finds_what_kubernetes_says_it_finds(selector: dict[str, Any], selects: bool) -> None:
    assert _selects(selector, LABELS) is selects


@pytest.mark.parametrize("settings", [{}, {"probe": ""}, {"probe": "x", "direction": "up"}])
def test_settings_that_mean_nothing_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate(settings)
