"""The rights that operators give to the gate: the manifest, the page about it, and both grounds that enforce them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from gate.cluster.api import Api
from gate.errors import Denied
from gate.sandbox.kubernetes.registry.resources import BUILT_IN
from gate.sandbox.kubernetes.rights.users import User
from gate.sandbox.shipped import rights
from tests.grounds import Ground

ROOT = Path(__file__).parents[2]
HOME = "chaos-gate"
GATE = User.service_account(HOME, "chaos-gate").name
ROBOT = {"kind": "ServiceAccount", "name": "chaos-gate", "namespace": HOME}
RBAC = "rbac.authorization.k8s.io"

Right = tuple[str, str, str]
"""API group, resource (with its subresource) and verb."""
Eventually = Callable[[Callable[[], object]], None]

VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
OTHERS = (
    ("", "configmaps"),
    ("", "secrets"),
    ("", "pods/exec"),
    ("", "pods/log"),
    ("", "nodes/status"),
    ("", "serviceaccounts"),
    ("apps", "deployments/scale"),
    ("batch", "cronjobs"),
    (RBAC, "clusterroles"),
)
"""What else somebody could ask for."""

VERSIONS = {row.group: row.version for row in BUILT_IN} | {
    "autoscaling": "v2",
    "argoproj.io": "v1alpha1",
    "chaosgate.dev": "v1alpha1",
    "chaos-mesh.org": "v1alpha1",
    "litmuschaos.io": "v1alpha1",
    "networking.k8s.io": "v1",
}
OF_THE_CLUSTER = ("namespaces", "nodes", "clusterroles")


def manifests(kind: str = "") -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all(rights().read_text()) if kind in ("", each["kind"])]


def rights_of(manifest: dict[str, Any]) -> set[Right]:
    return {
        (group, resource, verb)
        for rule in manifest.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def granted() -> set[Right]:
    """Of the whole manifest."""
    return set[Right]().union(*map(rights_of, manifests()))


def told() -> set[Right]:
    """The same, of the table for operators."""
    page = (ROOT / "docs" / "operators.md").read_text()
    table = page.partition("### Rights in Kubernetes")[2].partition("\n### ")[0]
    rows = re.findall(r"^\| (core|`[\w.-]+`) \| ([^|]+) \| ([^|]+) \|", table, re.MULTILINE)
    found, before = set(), ""
    for group, resources, verbs in rows:
        before = before if verbs == "the same" else verbs
        for resource in re.findall(r"`([\w/]+)`", resources):
            for verb in set(re.findall(r"[a-z]+", before)) & {"get", "list", "watch", "create", "patch", "delete"}:
                found.add(("" if group == "core" else group.strip("`"), resource, verb))
    return found


def path_of(group: str, resource: str, namespace: str, name: str = "") -> str:
    root = f"/apis/{group}/{VERSIONS[group]}" if group else "/api/v1"
    plural, _, subresource = resource.partition("/")
    place = "" if plural in OF_THE_CLUSTER or not namespace else f"/namespaces/{namespace}"
    one = name or ("nobody" if subresource else "")
    return "/".join(filter(None, (f"{root}{place}/{plural}", one, subresource)))


def home_of(manifest: dict[str, Any]) -> tuple[str, str]:
    """The path of its collection, and its own."""
    group = manifest["apiVersion"].rpartition("/")[0]
    namespace = manifest["metadata"].get("namespace", "")
    root = f"/apis/{manifest['apiVersion']}" if group else "/api/v1"
    collection = f"{root}{f'/namespaces/{namespace}' if namespace else ''}/{manifest['kind'].lower()}s"
    return collection, f"{collection}/{manifest['metadata']['name']}"


class Gate:
    """Asks with the token of the gate's service account."""

    def __init__(self, ground: Ground, folder: Path) -> None:
        kubeconfig = ground.kubeconfig_of(HOME, "chaos-gate", folder)
        config = yaml.safe_load(kubeconfig.read_text())
        self.url = config["clusters"][0]["cluster"]["server"]
        self.token = config["users"][0]["user"]["token"]
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = ground.session.verify
        self._session.headers["Authorization"] = f"Bearer {self.token}"
        self.api = Api.from_environment(str(kubeconfig))
        """The product's client."""

    def may(self, right: Right, namespace: str, name: str = "nobody") -> bool:
        """What the server does with such a request; nothing is changed by any of them."""
        group, resource, verb = right
        method, single, query, body = _REQUESTS[verb]
        path = path_of(group, resource, namespace, name if single else "")
        media = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = self._session.request(
            method, self.url + path, params=query, data=body, headers={"Content-Type": media}, timeout=20
        )
        assert answer.status_code != 401, answer.text
        forbids = f'User "{GATE}" cannot {verb} resource "{resource}" in API group "{group}"'
        return answer.status_code != 403 or forbids not in answer.json()["message"]

    def close(self) -> None:
        self._session.close()


_DRY = {"dryRun": "All"}
_REQUESTS: dict[str, tuple[str, bool, dict[str, str], str | None]] = {
    "get": ("GET", True, {}, None),
    "list": ("GET", False, {"limit": "1"}, None),
    "watch": ("GET", False, {"watch": "1", "resourceVersion": "none"}, None),
    "create": ("POST", False, _DRY, "{}"),
    "update": ("PUT", True, _DRY, "{}"),
    "patch": ("PATCH", True, _DRY, "{}"),
    "delete": ("DELETE", True, _DRY, None),
    "deletecollection": ("DELETE", False, {**_DRY, "labelSelector": "is=nobody"}, None),
}
"""Verb -> method, whether it is about one object, query and body of a request that finds nothing to do."""


def asked(ground: Ground, right: Right, namespace: str, name: str = "nobody") -> bool:
    """What a SubjectAccessReview says."""
    group, resource, verb = right
    plural, _, subresource = resource.partition("/")
    attributes = {"group": group, "resource": plural, "subresource": subresource, "verb": verb, "namespace": namespace}
    spec = {"user": GATE, "groups": ["system:authenticated"], "resourceAttributes": {**attributes, "name": name}}
    answer = ground.ask("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", {"spec": spec})
    assert answer.status_code == 201, answer.text
    return bool(answer.json()["status"]["allowed"])


@pytest.fixture
def given(cluster: Ground, eventually: Eventually) -> Iterator[Ground]:
    """The ground with the manifest as it is, in force."""
    home = cluster.ask("POST", "/api/v1/namespaces", {"metadata": {"name": HOME}})
    assert home.status_code in (201, 409), home.text
    for manifest in manifests():
        made = cluster.ask("POST", home_of(manifest)[0], manifest)
        assert made.status_code == 201, made.text
    eventually(lambda: asked(cluster, ("", "pods", "list"), ""))
    eventually(lambda: asked(cluster, ("", "configmaps", "create"), HOME))
    yield cluster
    for manifest in manifests():
        cluster.ask("DELETE", home_of(manifest)[1])


@pytest.fixture
def gate(given: Ground, tmp_path: Path) -> Iterator[Gate]:
    made = Gate(given, tmp_path)
    yield made
    made.close()


def bound(ground: Ground, name: str, namespace: str) -> str:
    """Bind a cluster role of the manifest as the page for operators says; the path of the binding."""
    kind = "rolebindings" if namespace else "clusterrolebindings"
    ref = {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}
    path = path_of(RBAC, kind, namespace)
    made = ground.ask("POST", path, {"metadata": {"name": name}, "roleRef": ref, "subjects": [ROBOT]})
    assert made.status_code == 201, made.text
    return f"{path}/{name}"


def test_the_page_for_operators_tells_the_rights_that_the_manifest_gives() -> None:
    assert told() == granted()


def test_the_gate_may_do_everywhere_what_its_cluster_role_says_and_nothing_else(
    given: Ground, gate: Gate, namespace: str
) -> None:
    role = next(each for each in manifests("ClusterRole") if each["metadata"]["name"] == "chaos-gate")
    places = {(group, resource) for group, resource, _ in granted()} | set(OTHERS)
    for right in ((group, resource, verb) for group, resource in sorted(places) for verb in VERBS):
        allowed = right in rights_of(role)
        assert asked(given, right, namespace) is allowed, right
        if "/" not in right[1] or right[2] in ("get", "create", "patch", "update"):
            assert gate.may(right, namespace) is allowed, right


def test_the_gate_may_do_at_home_what_its_role_says_and_nothing_else(given: Ground, gate: Gate) -> None:
    named = ("chaos-gate-heard", "chaos-gate-mode", "chaos-gate-subscriptions")
    for verb in VERBS:
        right = ("", "configmaps", verb)
        for name in (*named, "nobody"):
            allowed = verb == "create" or (verb in ("get", "patch") and name in named)
            assert asked(given, right, HOME, name) is allowed, (verb, name)
            assert gate.may(right, HOME, name) is allowed, (verb, name)


@pytest.mark.parametrize(
    "name",
    [
        "chaos-gate-config",
        "chaos-gate-copies",
        "chaos-gate-detours",
        "chaos-gate-ephemeral",
        "chaos-gate-exec",
        "chaos-gate-jobs",
        "chaos-gate-nodes",
    ],
)
def test_what_is_bound_nowhere_is_given_where_operators_bind_it_and_nowhere_else(
    given: Ground, gate: Gate, namespace: str, eventually: Eventually, name: str
) -> None:
    role = next(each for each in manifests("ClusterRole") if each["metadata"]["name"] == name)
    of_nodes = name == "chaos-gate-nodes"
    # Who reads nodes for a zone may do a part of it already.
    assert not all(gate.may(right, namespace) for right in rights_of(role))
    binding = bound(given, name, "" if of_nodes else namespace)
    try:
        eventually(lambda: all(gate.may(right, namespace) for right in rights_of(role)))
        everywhere = rights_of(
            next(each for each in manifests("ClusterRole") if each["metadata"]["name"] == "chaos-gate")
        )
        assert of_nodes or not any(gate.may(right, "default") for right in set(rights_of(role)) - set(everywhere))
    finally:
        given.ask("DELETE", binding)


def test_the_gates_token_is_its_service_accounts(given: Ground, gate: Gate) -> None:
    review = {"spec": {"token": gate.token}}
    status = given.ask("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review).json()["status"]
    assert status["authenticated"] is True
    assert status["user"]["username"] == GATE
    assert status["user"]["groups"] == [
        "system:serviceaccounts",
        f"system:serviceaccounts:{HOME}",
        "system:authenticated",
    ]


def test_the_gate_reads_and_writes_what_is_its_own(given: Ground, gate: Gate) -> None:
    mode = {"metadata": {"name": "chaos-gate-mode"}, "data": {"mode": "run"}}
    gate.api.create("configmaps", HOME, mode)
    assert gate.api.get("configmaps", HOME, "chaos-gate-mode")
    assert gate.api.list("chaosruns")
    given.ask("DELETE", path_of("", "configmaps", HOME, "chaos-gate-mode"))


@pytest.mark.parametrize(("namespace", "name"), [("default", "chaos-gate-mode"), (HOME, "other")])
def test_the_gate_reads_no_other_config_map(gate: Gate, namespace: str, name: str) -> None:
    with pytest.raises(Denied, match='cannot get resource "configmaps"'):
        gate.api.get("configmaps", namespace, name)


def test_a_right_that_was_forgotten_is_missed_here(given: Ground, gate: Gate, eventually: Eventually) -> None:
    gate.api.list("pods")
    role = next(each for each in manifests("ClusterRole") if each["metadata"]["name"] == "chaos-gate")
    for rule in role["rules"]:
        if rule["resources"] == ["pods"]:
            rule["verbs"].remove("list")
    assert given.ask("PUT", home_of(role)[1], role).status_code == 200
    eventually(lambda: not asked(given, ("", "pods", "list"), ""))
    with pytest.raises(Denied, match='cannot list resource "pods" in API group "" at the cluster scope'):
        gate.api.list("pods")
