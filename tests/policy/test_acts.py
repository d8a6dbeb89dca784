"""What is asked before each act: the namespace, targets outside of it, and nodes, which belong to everybody."""

from dataclasses import replace

import pytest

from gate.model import Target
from gate.policy.acts import may_touch, opted_in
from gate.policy.namespaces import OPT_IN, OPTED_IN
from gate.policy.rules import ONE_POD, Policy
from tests.policy.questions import question

POD = Target(kind="Pod", namespace="shop", name="x", uid="u")
NODE = Target(kind="Node", namespace="", name="pool-a-1", uid="n")


def test_a_namespace_that_opted_in_may_be_hit() -> None:
    assert opted_in({OPT_IN: OPTED_IN})
    assert may_touch(Policy(), question(), [POD]).allowed


@pytest.mark.parametrize("labels", [{}, {OPT_IN: "no"}, {OPT_IN: ""}])
def test_any_other_namespace_may_not_and_is_told_how(labels: dict[str, str]) -> None:
    answer = may_touch(Policy(), question(opted_in=opted_in(labels)), [POD])
    assert [each.why.partition("; ")[2] for each in answer.against] == [
        "label it: kubectl label namespace shop chaosgate.dev/chaos=allowed"
    ]


@pytest.mark.parametrize("namespace", ["kube-system", "gitlab", "gitlab-runner", "gate"])
def test_a_protected_namespace_may_not_be_hit_whatever_it_says(namespace: str) -> None:
    assert not may_touch(replace(Policy(), own=frozenset({"gate"})), question(namespace=namespace), []).allowed


def test_a_target_elsewhere_may_not_be_hit() -> None:
    assert not may_touch(Policy(), question(namespace="production"), [POD]).allowed


def test_a_node_may_be_hit_only_if_an_administrator_has_named_it() -> None:
    drain = question(fault="node-drain")
    assert may_touch(Policy(limits=(replace(ONE_POD, nodes=("pool-a-*",)),)), drain, [NODE, POD]).allowed
    for nodes in ((), ("pool-b-*",)):
        answer = may_touch(Policy(limits=(replace(ONE_POD, nodes=nodes),)), drain, [NODE, POD])
        assert [each.why for each in answer.against if "CHAOS_GATE_NODES" in each.why]
    everywhere = Policy(limits=(replace(ONE_POD, nodes=("*",)),))
    assert not may_touch(everywhere, replace(drain, opted_in=False), [NODE]).allowed, "the namespace counts as well"


def test_every_rule_that_is_against_it_speaks() -> None:
    asked = question(namespace="kube-system", opted_in=False)
    assert len(may_touch(Policy(), asked, [POD]).against) == 3
