"""Who calls the gate is what the API server says of the token, and what that one may is what the server lets him do."""

from collections.abc import Callable

import pytest

from gate.cluster.callers import AUDIENCE, Callers
from gate.errors import Denied, Unproven
from tests.grounds import Ground

RBAC = "/apis/rbac.authorization.k8s.io/v1"
Eventually = Callable[[Callable[[], object]], None]


@pytest.fixture
def callers(cluster: Ground, namespace: str) -> Callers:
    """With the accounts `cook`, who may read runs and write how they are, and `guest`, who may nothing."""
    rule = {"apiGroups": ["chaosgate.dev"], "resources": ["chaosruns"], "verbs": ["get"]}
    more = {"apiGroups": ["chaosgate.dev"], "resources": ["chaosruns/status"], "verbs": ["patch"]}
    subject = {"kind": "ServiceAccount", "name": "cook", "namespace": namespace}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "kitchen"}
    bodies = {
        f"/api/v1/namespaces/{namespace}/serviceaccounts": [{"metadata": {"name": name}} for name in ("cook", "guest")],
        f"{RBAC}/namespaces/{namespace}/roles": [{"metadata": {"name": "kitchen"}, "rules": [rule, more]}],
        f"{RBAC}/namespaces/{namespace}/rolebindings": [
            {"metadata": {"name": "kitchen"}, "roleRef": role, "subjects": [subject]}
        ],
    }
    for path, each in bodies.items():
        for body in each:
            assert cluster.ask("POST", path, body).status_code == 201
    return Callers(cluster.api)


def token(cluster: Ground, namespace: str, account: str, *audiences: str) -> str:
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
    told = cluster.ask("POST", path, {"spec": {"audiences": list(audiences)}})
    assert told.status_code == 201, told.text
    return str(told.json()["status"]["token"])


def test_a_token_for_the_gate_says_who_calls(cluster: Ground, namespace: str, callers: Callers) -> None:
    caller = callers.who(token(cluster, namespace, "cook", AUDIENCE))
    assert caller.name == f"system:serviceaccount:{namespace}:cook"
    assert f"system:serviceaccounts:{namespace}" in caller.groups


@pytest.mark.parametrize("audiences", [(), ("another",)])
def test_a_token_for_somebody_else_is_not_taken_the_api_server_included(
    audiences: tuple[str, ...], cluster: Ground, namespace: str, callers: Callers
) -> None:
    with pytest.raises(Unproven, match="none of this cluster for chaos-gate"):
        callers.who(token(cluster, namespace, "cook", *audiences))


@pytest.mark.parametrize("shown", ["", "nonsense", "a.b.c"])
def test_what_is_no_token_is_nobody(shown: str, callers: Callers) -> None:
    with pytest.raises(Unproven):
        callers.who(shown)


def test_each_may_what_the_server_lets_him_do_there(
    cluster: Ground, namespace: str, callers: Callers, eventually: Eventually
) -> None:
    cook, guest = (callers.who(token(cluster, namespace, name, AUDIENCE)) for name in ("cook", "guest"))

    def cook_may() -> bool:
        try:
            callers.insist(cook, "patch", namespace, "checkout-1", subresource="status")
        except Denied:
            return False
        return True

    eventually(cook_may)  # rights are known a moment after they were given
    callers.insist(cook, "get", namespace, "checkout-1")
    for caller, verb, where in ((guest, "get", namespace), (cook, "get", "default"), (cook, "delete", namespace)):
        with pytest.raises(Denied, match=f"may not {verb} chaosruns in {where}"):
            callers.insist(caller, verb, where, "checkout-1")
