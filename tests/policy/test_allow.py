"""The safe default: chaos only where a namespace has opted in."""

import pytest

from gate.model import Target
from gate.policy.allow import OPT_IN, OPTED_IN, Policy, allowed

YES = {OPT_IN: OPTED_IN}
POD = Target(kind="Pod", namespace="shop", name="x", uid="u")


def test_a_namespace_that_opted_in_may_be_hit() -> None:
    assert allowed(Policy(), "pod-kill", "shop", YES, [POD]).allowed


@pytest.mark.parametrize("labels", [{}, {OPT_IN: "no"}, {OPT_IN: ""}])
def test_any_other_namespace_may_not_and_is_told_how(labels: dict[str, str]) -> None:
    answer = allowed(Policy(), "pod-kill", "shop", labels, [POD])
    assert not answer.allowed
    assert "kubectl label namespace shop" in answer.reasons[0]


def test_a_protected_namespace_may_not_be_hit_whatever_it_says() -> None:
    assert not allowed(Policy(), "pod-kill", "kube-system", YES, []).allowed


def test_a_target_elsewhere_may_not_be_hit() -> None:
    assert not allowed(Policy(), "pod-kill", "production", YES, [POD]).allowed


def test_a_node_may_be_hit_only_if_an_administrator_has_named_it() -> None:
    node = Target(kind="Node", namespace="", name="pool-a-1", uid="n")
    assert allowed(Policy(nodes=("pool-a-*",)), "node-drain", "shop", YES, [node, POD]).allowed
    for nodes in ((), ("pool-b-*",)):
        answer = allowed(Policy(nodes=nodes), "node-drain", "shop", YES, [node, POD])
        assert not answer.allowed
        assert "CHAOS_GATE_NODES" in answer.reasons[0]
    assert not allowed(Policy(nodes=("*",)), "node-drain", "shop", {}, [node]).allowed, "the namespace counts as well"


def test_every_rule_that_is_against_it_speaks() -> None:
    assert len(allowed(Policy(), "pod-kill", "kube-system", {}, [POD]).reasons) == 3
