"""`kubectl auth`, `--as` and `create token` on both grounds."""

import json

import pytest

from tests.grounds import Ground


@pytest.fixture
def jane(cluster: Ground, namespace: str) -> str:
    """A user who may read pods in the namespace, and nothing else."""
    cluster.kubectl("-n", namespace, "create", "role", "reader", "--verb=get,list", "--resource=pods")
    cluster.kubectl("-n", namespace, "create", "rolebinding", "reader", "--role=reader", "--user=jane")
    return "jane"


def test_kubectl_says_who_one_is(cluster: Ground) -> None:
    told = json.loads(cluster.kubectl("auth", "whoami", "-o", "json", "--as=jane", "--as-group=a", "--as-group=b"))
    assert told["status"]["userInfo"] == {"username": "jane", "groups": ["a", "b", "system:authenticated"]}
    assert "system:masters" in cluster.kubectl("auth", "whoami")


def test_kubectl_says_what_one_may(cluster: Ground, namespace: str, jane: str) -> None:
    asked = ("-n", namespace, "auth", "can-i", f"--as={jane}")
    cluster.kubectl("-n", namespace, "get", "pods", f"--as={jane}")
    assert cluster.kubectl(*asked, "list", "pods") == "yes\n"
    assert cluster.kubectl(*asked, "delete", "pods", fails=True) == "no\n"
    assert cluster.kubectl(*asked, "get", "pods/one") == "yes\n"
    assert cluster.kubectl(*asked, "get", "/version") == "yes\n"
    assert cluster.kubectl(*asked, "get", "/logs", fails=True) == "no\n"
    assert cluster.kubectl("-n", namespace, "auth", "can-i", "*", "*") == "yes\n"
    listed = cluster.kubectl("-n", namespace, "auth", "can-i", "--list", f"--as={jane}").split("\n")
    assert ["pods", "[]", "[]", "[get", "list]"] in [line.split() for line in listed]


def test_kubectl_tells_what_one_may_not(cluster: Ground, namespace: str, jane: str) -> None:
    said = cluster.kubectl("-n", namespace, "delete", "pod", "one", f"--as={jane}", fails=True)
    assert said == (
        f'Error from server (Forbidden): pods "one" is forbidden: User "{jane}" cannot delete resource "pods" '
        f'in API group "" in the namespace "{namespace}"\n'
    )


def test_kubectl_makes_tokens(cluster: Ground, namespace: str) -> None:
    cluster.kubectl("-n", namespace, "create", "serviceaccount", "robot")
    token = cluster.kubectl("-n", namespace, "create", "token", "robot", "--duration=20m").strip()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token}}
    told = json.loads(cluster.kubectl("create", "-f", "-", "-o", "json", said=review))["status"]
    assert told["user"]["username"] == f"system:serviceaccount:{namespace}:robot"
