"""Who may do what, as a function of bindings and roles."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.sandbox.kubernetes.access.attributes import attributes
from gate.sandbox.kubernetes.registry.routes import Request
from gate.sandbox.kubernetes.rights.authorization import Attributes, Rule, decide, uncovered
from gate.sandbox.kubernetes.rights.users import User

JANE = User(name="jane", groups=("developers",)).let_in()
ROBOT = User.service_account("shop", "robot").let_in()


@dataclass
class Book:
    """Bindings and roles in two dictionaries."""

    bound: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    written: dict[tuple[str, str, str], list[dict[str, Any]]] = field(default_factory=dict)

    def bindings(self, namespace: str) -> Iterable[dict[str, Any]]:
        return self.bound.get(namespace, [])

    def rules(self, kind: str, namespace: str, name: str) -> list[dict[str, Any]] | None:
        return self.written.get((kind, namespace if kind == "Role" else "", name))


def rule(verbs: str, groups: str, resources: str, *names: str) -> dict[str, Any]:
    listed = {"verbs": verbs.split(), "apiGroups": groups.split(" "), "resources": resources.split()}
    return {**listed, "resourceNames": list(names)}


def book(*rules: dict[str, Any], namespace: str = "", of: str = "ClusterRole", **subject: str) -> Book:
    """One role, bound once."""
    who = {"kind": "User", "name": "jane", **subject}
    meta = {"name": "b", **({"namespace": namespace} if namespace else {})}
    bound = {
        "kind": "RoleBinding" if namespace else "ClusterRoleBinding",
        "metadata": meta,
        "subjects": [who],
        "roleRef": {"kind": of, "name": "r"},
    }
    return Book({namespace: [bound]}, {(of, namespace if of == "Role" else "", "r"): list(rules)})


def pods(verb: str = "get", **more: str) -> Attributes:
    return Attributes(verb=verb, resource="pods", namespace="shop", **more)


@pytest.mark.parametrize(
    ("given_rule", "wanted", "allowed"),
    [
        (rule("get", "", "pods"), pods(), True),
        (rule("get", "", "pods"), pods("list"), False),
        (rule("get", "apps", "pods"), pods(), False),
        (rule("*", "*", "*"), pods("deletecollection", subresource="log"), True),
        (rule("get", "", "pods"), pods(subresource="log"), False),
        (rule("get", "", "pods/log"), pods(subresource="log"), True),
        (rule("get", "", "pods/log"), pods(), False),
        (rule("get", "", "*/log"), pods(subresource="log"), True),
        (rule("get", "", "*/log"), pods(), False),
        (rule("get", "", "pods/*"), pods(subresource="log"), False),
        (rule("get", "", "pods", "one"), pods(name="one"), True),
        (rule("get", "", "pods", "one"), pods(name="two"), False),
        (rule("get list", "", "pods", "one"), pods("list"), False),
        ({"verbs": ["get"], "nonResourceURLs": ["/api/*"]}, Attributes(verb="get", path="/api/v1"), True),
        ({"verbs": ["get"], "nonResourceURLs": ["/api"]}, Attributes(verb="get", path="/api/v1"), False),
        (rule("*", "*", "*"), Attributes(verb="get", path="/api"), False),
    ],
)
def test_a_rule_allows_what_it_names(given_rule: dict[str, Any], wanted: Attributes, allowed: bool) -> None:
    assert decide(JANE, wanted, book(given_rule)).allowed is allowed


@pytest.mark.parametrize(
    ("user", "subject", "allowed"),
    [
        (JANE, {"kind": "User", "name": "jane"}, True),
        (JANE, {"kind": "User", "name": "john"}, False),
        (JANE, {"kind": "Group", "name": "developers"}, True),
        (JANE, {"kind": "Group", "name": "system:authenticated"}, True),
        (JANE, {"kind": "Group", "name": "jane"}, False),
        (ROBOT, {"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}, True),
        (ROBOT, {"kind": "ServiceAccount", "name": "robot", "namespace": "other"}, False),
        (ROBOT, {"kind": "Group", "name": "system:serviceaccounts:shop"}, True),
        (ROBOT, {"kind": "User", "name": "system:serviceaccount:shop:robot"}, True),
    ],
)
def test_a_binding_is_for_its_subjects(user: User, subject: dict[str, str], allowed: bool) -> None:
    assert decide(user, pods(), book(rule("get", "", "pods"), **subject)).allowed is allowed


@pytest.mark.parametrize("kind", ["Role", "ClusterRole"])
def test_a_role_binding_reaches_no_further_than_its_namespace(kind: str) -> None:
    roles = book(rule("get", "", "pods"), namespace="shop", of=kind)
    allowed = decide(JANE, pods(), roles)
    assert allowed.allowed
    assert allowed.reason == f'RBAC: allowed by RoleBinding "b/shop" of {kind} "r" to User "jane"'
    assert not decide(JANE, Attributes(verb="get", resource="pods", namespace="other"), roles).allowed
    assert not decide(JANE, Attributes(verb="get", resource="pods"), roles).allowed


def test_a_missing_role_is_named() -> None:
    roles = book(rule("get", "", "pods"))
    roles.written.clear()
    decision = decide(JANE, pods(), roles)
    assert (decision.allowed, decision.reason) == (False, 'RBAC: clusterrole.rbac.authorization.k8s.io "r" not found')


@pytest.mark.parametrize(
    ("method", "url", "query", "wanted"),
    [
        ("GET", "/api/v1/pods", {}, Attributes(verb="list", version="v1", resource="pods")),
        (
            "GET",
            "/apis/apps/v1/namespaces/shop/deployments",
            {"watch": "1", "fieldSelector": "metadata.name=web"},
            Attributes(verb="watch", group="apps", version="v1", resource="deployments", namespace="shop", name="web"),
        ),
        (
            "DELETE",
            "/api/v1/namespaces/shop/pods",
            {"fieldSelector": "metadata.name=web"},
            Attributes(verb="deletecollection", version="v1", resource="pods", namespace="shop"),
        ),
        (
            "POST",
            "/api/v1/namespaces/shop/pods/one/eviction",
            {},
            Attributes(
                verb="create", version="v1", resource="pods", subresource="eviction", namespace="shop", name="one"
            ),
        ),
        (
            "GET",
            "/api/v1/namespaces/shop",
            {},
            Attributes(verb="get", version="v1", resource="namespaces", namespace="shop", name="shop"),
        ),
        (
            "PUT",
            "/api/v1/namespaces/shop/status",
            {},
            Attributes(
                verb="update", version="v1", resource="namespaces", subresource="status", namespace="shop", name="shop"
            ),
        ),
        ("GET", "/apis/apps", {}, Attributes(verb="get", path="/apis/apps")),
        ("POST", "/version", {}, Attributes(verb="post", path="/version")),
    ],
)
def test_a_request_is_read_as_what_rules_are_about(
    method: str, url: str, query: dict[str, str], wanted: Attributes
) -> None:
    assert attributes(Request(method=method, path=url, query=query, headers={})) == wanted


def some(values: str) -> st.SearchStrategy[tuple[str, ...]]:
    return st.lists(st.sampled_from(values.split()), min_size=1, max_size=2, unique=True).map(tuple)


RULES = st.builds(
    Rule,
    verbs=some("get list *"),
    groups=some("apps batch *"),
    resources=some("pods pods/log */log *"),
    names=st.just(()) | some("one two"),
)
WANTED = st.builds(
    Attributes,
    verb=st.sampled_from(["get", "list", "watch"]),
    group=st.sampled_from(["apps", "batch", "other"]),
    resource=st.sampled_from(["pods", "jobs"]),
    subresource=st.sampled_from(["", "log", "status"]),
    name=st.sampled_from(["", "one", "two"]),
)


@given(own=st.lists(RULES, max_size=3), asked=st.lists(RULES, max_size=2), wanted=WANTED)
def test_who_may_give_a_right_has_it(own: list[Rule], asked: list[Rule], wanted: Attributes) -> None:
    if not uncovered(own, asked) and any(rule.allows(wanted) for rule in asked):
        assert any(rule.allows(wanted) for rule in own)


@given(own=st.lists(RULES, max_size=3), more=RULES, wanted=WANTED)
def test_another_rule_takes_no_right_away(own: list[Rule], more: Rule, wanted: Attributes) -> None:
    def may(rules: list[Rule]) -> bool:
        return decide(JANE, wanted, book(*(each.as_object() for each in rules))).allowed

    assert may([*own, more]) or not may(own)


@given(rules=st.lists(RULES, max_size=3))
def test_everybody_may_give_what_he_has(rules: list[Rule]) -> None:
    assert uncovered(rules, rules) == []
