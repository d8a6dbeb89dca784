"""Who may do what, asked of both grounds: the same users, roles and requests, and answers to compare word by word."""

import time
import uuid
from typing import Any

import pytest
import requests

from gate.sandbox.kubernetes.language.objects import name_of
from gate.sandbox.kubernetes.rights import default_roles
from gate.sandbox.kubernetes.serving.connection import BEARER_PATH
from tests.differential.comparing import Pair
from tests.differential.player import PATIENCE, PAUSE, Ask
from tests.differential.words import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    DEPLOYMENTS,
    NAMESPACES,
    NODES,
    PODS,
    ROLE_BINDINGS,
    ROLES,
    SECRETS,
    SERVICE_ACCOUNTS,
    TABLE,
    Collection,
)
from tests.grounds import Ground

pytestmark = pytest.mark.cluster

GROUP = "rbac.authorization.k8s.io"
JANE = "jane-${ns}"
"""A user of the script's own: what she may in the whole cluster is no other script's business."""
SETTLES = "events"
"""What everybody gets a right to last: when it is there, so are the others."""


def rule(verbs: str, groups: str, resources: str, *names: str) -> dict[str, Any]:
    listed = {"verbs": verbs.split(), "apiGroups": groups.split(" "), "resources": resources.split()}
    return {**listed, "resourceNames": list(names)} if names else listed


def paths(verbs: str, *urls: str) -> dict[str, Any]:
    return {"verbs": verbs.split(), "nonResourceURLs": list(urls)}


def user(name: str = JANE) -> dict[str, Any]:
    return {"kind": "User", "name": name}


def bound(collection: Collection, name: str, kind: str, role: str, *subjects: dict[str, Any]) -> Ask:
    reference = {"apiGroup": GROUP, "kind": kind, "name": role}
    return collection.create(collection.object(name, roleRef=reference, subjects=list(subjects or (user(),))))


def here(*rules: dict[str, Any], subject: dict[str, Any] | None = None) -> tuple[Ask, ...]:
    """A Role with these rules in the namespace, given to somebody (by default to Jane) and in force."""
    return (
        ROLES.create(ROLES.object("r", rules=list(rules))),
        bound(ROLE_BINDINGS, "r", "Role", "r", subject or user()),
        ROLES.create(ROLES.object("settled", rules=[rule("list", "", SETTLES)])),
        bound(ROLE_BINDINGS, "settled", "Role", "settled"),
        get(f"/api/v1/namespaces/${{ns}}/{SETTLES}").by(JANE).until(code=200).show("kind"),
    )


def everywhere(*rules: dict[str, Any], subject: dict[str, Any] | None = None) -> tuple[Ask, ...]:
    """The same with a ClusterRole."""
    return (
        CLUSTER_ROLES.create(CLUSTER_ROLES.object("${ns}", rules=list(rules))),
        bound(CLUSTER_ROLE_BINDINGS, "${ns}", "ClusterRole", "${ns}", subject or user()),
        CLUSTER_ROLES.create(CLUSTER_ROLES.object("${ns}-settled", rules=[rule("list", "", SETTLES)])),
        bound(CLUSTER_ROLE_BINDINGS, "${ns}-settled", "ClusterRole", "${ns}-settled"),
        get(f"/api/v1/{SETTLES}").by(JANE).until(code=200).show("kind"),
    )


CLEAN = tuple(
    collection.delete(name)
    for collection in (CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES)
    for name in ("${ns}", "${ns}-settled")
)


def get(path: str, **query: str) -> Ask:
    return Ask(method="GET", path=path, query=query)


def asked(kind: str, spec: dict[str, Any], *, group: str = "authorization", within: str = "") -> Ask:
    path = f"/apis/{group}.k8s.io/v1{within}/{kind.lower()}s"
    return Ask(method="POST", path=path, body={"kind": kind, "apiVersion": f"{group}.k8s.io/v1", "spec": spec})


def review(verb: str, resource: str, **more: Any) -> Ask:
    about = {"verb": verb, "resource": resource, "namespace": "${ns}", **more.pop("about", {})}
    return asked("SubjectAccessReview", {"resourceAttributes": about, "user": JANE, **more})


EVERY = tuple(
    ask.by(JANE)
    for ask in (
        PODS.get(),
        PODS.get("one"),
        PODS.get("one", "log"),
        PODS.get("one", "status"),
        PODS.create(PODS.object("one", spec={"containers": []}), dryRun="All"),
        PODS.put(PODS.object("one"), "one"),
        PODS.patch({}, "one"),
        PODS.delete("one", dryRun="All"),
        PODS.delete(dryRun="All"),
        PODS.watch(timeoutSeconds="1").show("kind"),
        PODS.get(fieldSelector="metadata.name=one"),
        PODS.get(fieldSelector="metadata.name!=one"),
        PODS.get(fieldSelector="metadata.name=one,status.phase=Running"),
        DEPLOYMENTS.get(),
        DEPLOYMENTS.get("web", "scale"),
        DEPLOYMENTS.patch({}, "web", "scale"),
        SECRETS.get(),
        NODES.get("none"),
        NAMESPACES.get("${ns}", "status"),
        get("/api/v1/namespaces/default/pods"),
        get("/apis/example.com/v1/nothing"),
        get("/apis/example.com/v1/namespaces/${ns}/nothing/one/below"),
        get("/nowhere"),
        get("/api").show("kind"),
    )
)
"""One request of each sort."""

ROLES_OF_JANE = {
    "none": (),
    "pods are read": here(rule("get list", "", "pods")),
    "one pod": here(rule("*", "", "pods", "one")),
    "all verbs on logs": here(rule("*", "", "pods/log")),
    "every log": here(rule("get", "*", "*/log */scale")),
    "everything in apps": here(rule("*", "apps", "*")),
    "everything here": here(rule("*", "*", "*")),
    "the namespace": here(rule("get", "", "namespaces namespaces/status")),
    "a group has it": here(rule("list", "", "pods"), subject={"kind": "Group", "name": "system:authenticated"}),
    "somebody else has it": here(rule("list", "", "pods"), subject=user("john")),
    "watch only": here(rule("watch", "", "pods")),
}

BAD_ROLES: tuple[dict[str, Any], ...] = (
    {"rules": [{}]},
    {"rules": [{"verbs": ["get"]}]},
    {"rules": [{"verbs": ["get"], "resources": ["pods"]}]},
    {"rules": [{"verbs": [], "apiGroups": [""], "resources": ["pods"]}]},
    {"rules": [paths("get", "/x")]},
    {"rules": [{**paths("get", "/x"), "resources": ["pods"], "apiGroups": [""]}]},
    {"rules": [rule("get", "", "pods"), {"verbs": ["get"], "apiGroups": ["apps"]}]},
    {"rules": None},
    {"rules": []},
)
BAD_BINDINGS: tuple[dict[str, Any], ...] = (
    {},
    {"roleRef": {"kind": "Foo", "name": "x"}},
    {"roleRef": {"kind": "Role", "name": "../x", "apiGroup": "x"}},
    {"roleRef": {"kind": "ClusterRole", "name": "x"}, "subjects": [{"kind": "ServiceAccount", "name": "x"}]},
    *(
        {"roleRef": {"kind": "ClusterRole", "name": "x"}, "subjects": [subject]}
        for subject in (
            {"kind": "Foo", "name": "x"},
            {"kind": "User", "name": ""},
            {"kind": "User", "name": "x", "apiGroup": "x"},
            {"kind": "User", "name": "x", "namespace": "x"},
            {"kind": "Group", "name": "x", "apiGroup": "x"},
            {"kind": "ServiceAccount", "name": "X", "namespace": "x"},
            {"kind": "ServiceAccount", "name": "x", "namespace": "x", "apiGroup": "x"},
            {},
        )
    ),
)

SCRIPTS: dict[str, tuple[Ask, ...]] = {
    **{f"asked with the role: {name}": (*given, *EVERY) for name, given in ROLES_OF_JANE.items()},
    "rights in the whole cluster": (
        *everywhere(rule("get list", "", "pods namespaces"), paths("get", "/nowhere", "/logs/*")),
        *EVERY,
        get("/api/v1/pods", limit="1").by(JANE).show("kind"),
        get("/logs/one").by(JANE),
        get("/logs").by(JANE),
        *CLEAN,
    ),
    "a cluster role in one namespace": (
        CLUSTER_ROLES.create(CLUSTER_ROLES.object("${ns}", rules=[rule("list", "", "pods"), paths("get", "/nowhere")])),
        bound(ROLE_BINDINGS, "b", "ClusterRole", "${ns}"),
        *here(rule("get", "", "services")),
        *EVERY,
        CLUSTER_ROLES.delete("${ns}"),
    ),
    "a role that is not there": (
        bound(ROLE_BINDINGS, "b", "Role", "nowhere"),
        *here(rule("get", "", "services")),
        review("get", "services"),
        *EVERY[:3],
        asked("SelfSubjectRulesReview", {"namespace": "${ns}"}).by(JANE).show("status.evaluationError"),
    ),
    "reviews": (
        *here(rule("get", "", "pods", "one"), rule("list", "", "pods"), rule("get", "apps", "*/scale")),
        review("get", "pods", about={"name": "one"}),
        review("get", "pods", about={"name": "two"}),
        review("list", "pods"),
        review("list", "pods", about={"namespace": ""}),
        review("get", "deployments", about={"group": "apps", "subresource": "scale"}),
        review("get", "pods", user="", groups=["system:masters"]),
        review("get", "pods", user="", groups=[]),
        review("get", "pods", uid="u", extra={"k": ["v"]}),
        asked("SubjectAccessReview", {"user": JANE}),
        asked("SubjectAccessReview", {}),
        asked("SubjectAccessReview", {"user": JANE, "nonResourceAttributes": {"verb": "get", "path": "/api"}}),
        asked(
            "SubjectAccessReview",
            {
                "user": JANE,
                "groups": ["system:authenticated"],
                "nonResourceAttributes": {"verb": "get", "path": "/healthz/x"},
            },
        ),
        asked(
            "SubjectAccessReview",
            {"user": JANE, "nonResourceAttributes": {"path": "/"}, "resourceAttributes": {"verb": "get"}},
        ),
        asked("SelfSubjectAccessReview", {"resourceAttributes": {"verb": "list", "resource": "pods"}}),
        asked("SelfSubjectAccessReview", {"resourceAttributes": {"verb": "list", "resource": "pods"}}).by(JANE),
        asked("SelfSubjectAccessReview", {}).by(JANE),
        asked("SelfSubjectRulesReview", {"namespace": "${ns}"}).by(JANE).show("status.incomplete", "spec", "kind"),
        asked("SelfSubjectRulesReview", {}).by(JANE),
        asked("SelfSubjectReview", {}, group="authentication").by(JANE, "developers"),
        asked("SelfSubjectReview", {}, group="authentication").by("system:serviceaccount:${ns}:robot"),
        asked("SelfSubjectReview", {}, group="authentication").by("system:anonymous"),
        review("get", "pods").by(JANE),
        *(
            asked(
                "LocalSubjectAccessReview",
                {"user": JANE, "resourceAttributes": {"verb": "list", "resource": "pods", **more}},
                within="/namespaces/${ns}",
            )
            for more in ({"namespace": "${ns}"}, {"namespace": "other"}, {})
        ),
        get("/apis/authorization.k8s.io/v1/subjectaccessreviews"),
        get("/apis/authorization.k8s.io/v1/subjectaccessreviews/one"),
        get("/apis/authorization.k8s.io/v1"),
        get("/apis/authentication.k8s.io/v1"),
    ),
    "roles that are none": tuple(
        collection.create(collection.object(f"${{ns}}-{number}", **fields), dryRun="All")
        for number, fields in enumerate(BAD_ROLES)
        for collection in (ROLES, CLUSTER_ROLES)
    ),
    "names of roles": tuple(
        ROLES.create(ROLES.object(name, rules=[])) for name in ("system:a", "..", "a/b", "a%b", "A b", "é")
    ),
    "bindings that are none": tuple(
        collection.create(collection.object(f"${{ns}}-{number}", **fields), dryRun="All")
        for number, fields in enumerate(BAD_BINDINGS)
        for collection in (ROLE_BINDINGS, CLUSTER_ROLE_BINDINGS)
    ),
    "a binding stays with its role": (
        bound(ROLE_BINDINGS, "b", "Role", "r"),
        ROLE_BINDINGS.patch({"roleRef": {"name": "other"}}, "b"),
        ROLE_BINDINGS.patch({"roleRef": {"kind": "ClusterRole"}}, "b"),
        ROLE_BINDINGS.patch({"subjects": [user("john"), {"kind": "ServiceAccount", "name": "x"}]}, "b"),
        ROLE_BINDINGS.patch({"subjects": None}, "b"),
        ROLE_BINDINGS.put(ROLE_BINDINGS.object("c", roleRef={"kind": "Role", "name": "r"}), "c"),
        ROLES.put(ROLES.object("c"), "c"),
        ROLE_BINDINGS.get().accepting(TABLE),
        ROLES.get().accepting(TABLE).show("columnDefinitions.1.type", "rows.0.cells.0"),
        ROLE_BINDINGS.delete("b"),
        ROLES.delete("c"),
    ),
    "giving what one does not have": (
        *here(rule("create update patch get", GROUP, "roles rolebindings"), rule("get", "", "pods")),
        *(
            ROLES.create(ROLES.object(f"x{number}", rules=list(rules))).by(JANE)
            for number, rules in enumerate(
                (
                    (rule("get", "", "pods"),),
                    (rule("get list", " apps", "pods pods/log"), rule("get", "", "pods")),
                    (rule("get list", "", "pods", "x", "y"), rule("*", "*", "*")),
                    (rule("create", GROUP, "roles", "x"),),
                    (),
                )
            )
        ),
        bound(ROLE_BINDINGS, "x", "Role", "r").by(JANE),
        bound(ROLE_BINDINGS, "y", "ClusterRole", "cluster-admin").by(JANE),
        bound(ROLE_BINDINGS, "z", "Role", "nowhere").by(JANE),
        ROLES.patch({"rules": [rule("list", "", "pods")]}, "r").by(JANE),
        ROLES.patch({"metadata": {"labels": {"a": "b"}}}, "r").by(JANE),
    ),
    "giving what one may give": (
        *here(
            rule("create escalate", GROUP, "roles"),
            rule("create", GROUP, "rolebindings"),
            rule("bind", GROUP, "roles", "x"),
        ),
        ROLES.create(ROLES.object("x", rules=[rule("*", "*", "*")])).by(JANE),
        bound(ROLE_BINDINGS, "x", "Role", "x").by(JANE),
        bound(ROLE_BINDINGS, "y", "Role", "r").by(JANE),
    ),
    "the roles that are there from the beginning": (
        *(
            CLUSTER_ROLES.get(name_of(role)).show("rules", "aggregationRule", "metadata.labels", "metadata.annotations")
            for role in default_roles.roles()
        ),
        *(
            CLUSTER_ROLE_BINDINGS.get(name_of(binding)).show("roleRef", "subjects", "metadata.labels")
            for binding in default_roles.bindings()
        ),
    ),
    "roles made of roles": (
        CLUSTER_ROLES.create(
            CLUSTER_ROLES.object(
                "${ns}",
                aggregationRule={"clusterRoleSelectors": [{"matchLabels": {"part-of": "${ns}"}}]},
            )
        ),
        CLUSTER_ROLES.get("${ns}").until(rules=None).show("rules"),
        CLUSTER_ROLES.create(
            CLUSTER_ROLES.object(
                "${ns}-settled", metadata={"labels": {"part-of": "${ns}"}}, rules=[rule("get", "", "pods")]
            )
        ),
        CLUSTER_ROLES.get("${ns}").until(rules=[rule("get", "", "pods")]).show("rules"),
        CLUSTER_ROLES.delete("${ns}-settled"),
        CLUSTER_ROLES.get("${ns}").until(rules=None).show("rules"),
        CLUSTER_ROLES.delete("${ns}"),
        CLUSTER_ROLES.create(CLUSTER_ROLES.object("${ns}", aggregationRule={"clusterRoleSelectors": []})),
    ),
    "being somebody else": (
        get("/api/v1/namespaces/${ns}/pods").by("system:anonymous"),
        get("/version").by("system:anonymous").show("major"),
        get("/api/v1/namespaces/${ns}/pods").by("x", "system:masters"),
        get("/healthz").by(JANE),
    ),
    "tokens of service accounts": (
        SERVICE_ACCOUNTS.create(SERVICE_ACCOUNTS.object("robot")),
        *(
            SERVICE_ACCOUNTS.create({"spec": spec}, "robot", "token").show(
                "message", "reason", "details", "kind", "spec.expirationSeconds", "spec.boundObjectRef"
            )
            for spec in (
                {},
                {"expirationSeconds": 60},
                {"expirationSeconds": 99_999_999_999},
                {"audiences": ["a"], "expirationSeconds": 7200},
                {"boundObjectRef": {"kind": "Pod", "name": "x"}},
                {"boundObjectRef": {"kind": "Foo", "name": "x", "apiVersion": "v1"}},
            )
        ),
        SERVICE_ACCOUNTS.create({"metadata": {"name": "other"}}, "robot", "token"),
        SERVICE_ACCOUNTS.create({}, "nobody", "token"),
        SERVICE_ACCOUNTS.get("robot", "token"),
        SERVICE_ACCOUNTS.create({"spec": {"audiences": ["a", "b"]}}, "robot", "token").keep("t").show("kind"),
        asked("TokenReview", {}, group="authentication"),
        asked("TokenReview", {"token": "nonsense"}, group="authentication"),
        *(
            asked("TokenReview", {"token": "${t:status.token}", "audiences": audiences}, group="authentication").show(
                "status.authenticated",
                "status.error",
                "status.user.username",
                "status.user.groups",
                "status.audiences",
            )
            for audiences in (["a"], ["b", "c"], ["c"])
        ),
        SERVICE_ACCOUNTS.delete("robot"),
        asked("TokenReview", {"token": "${t:status.token}", "audiences": ["a"]}, group="authentication")
        .until(**{"status.authenticated": None})
        .show("status.error"),
    ),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_both_grounds_know_who_may_do_what(pair: Pair, name: str) -> None:
    pair.agree_on(*SCRIPTS[name])


@pytest.mark.parametrize("told", ["", "Bearer x", "bearer x", "Bearer ", "Bearer  x", "Basic Zm9vOmJhcg==", "nonsense"])
@pytest.mark.parametrize("path", ["/healthz", "/livez", "/readyz", "/api", "/api/v1/pods", "/apis/no/v1/such", "/"])
def test_both_grounds_answer_strangers_alike(pair: Pair, path: str, told: str) -> None:
    answers = [_stranger(ground, path, told) for ground in (pair.sandbox, pair.real)]
    assert answers[0] == answers[1]


WANTED = (
    {"Impersonate-User": "bob"},
    {"Impersonate-User": "eve"},
    {"Impersonate-User": "bob", "Impersonate-Group": "developers"},
    {"Impersonate-User": "bob", "Impersonate-Group": "system:masters"},
    {"Impersonate-User": "bob", "Impersonate-Uid": "7"},
    {"Impersonate-User": "bob", "Impersonate-Extra-Scopes": "all"},
    {"Impersonate-User": "system:serviceaccount:default:robot"},
)


def test_both_grounds_let_a_service_account_be_only_whom_it_may_be(pair: Pair) -> None:
    name = f"robots-{uuid.uuid4().hex[:8]}"
    answers = [[_robot(ground, name, wanted) for wanted in WANTED] for ground in (pair.sandbox, pair.real)]
    assert answers[0] == answers[1]
    assert {answer[0] for answer in answers[0]} == {403}


def _robot(ground: Ground, name: str, wanted: dict[str, str]) -> tuple[int, str, Any]:
    """What a service account is told that may be bob, also as a developer, when it wants to be somebody."""
    accounts = f"/api/v1/namespaces/{name}/serviceaccounts"
    role = CLUSTER_ROLES.object(
        name,
        rules=[rule("impersonate", "", "users", "bob"), rule("impersonate", "", "groups", "developers")],
    )
    given = {"kind": "ClusterRole", "name": name, "apiGroup": GROUP}
    robot = {"kind": "ServiceAccount", "name": "robot", "namespace": name}
    ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
    ground.ask("POST", accounts, {"metadata": {"name": "robot"}})
    ground.ask("POST", CLUSTER_ROLES.path(), role)
    binding = CLUSTER_ROLE_BINDINGS.object(name, roleRef=given, subjects=[robot])
    ground.ask("POST", CLUSTER_ROLE_BINDINGS.path(), binding)
    token = ground.ask("POST", f"{accounts}/robot/token", {}).json()["status"]["token"]
    deadline = time.monotonic() + PATIENCE
    while True:
        answer = _stranger(ground, "/api/v1/nodes", f"Bearer {token}", **{"Impersonate-User": "bob"})
        if 'User "bob"' in answer[2]["message"]:
            return _stranger(ground, "/api/v1/nodes", f"Bearer {token}", **wanted)
        assert time.monotonic() < deadline, answer
        time.sleep(PAUSE)


def _stranger(ground: Ground, path: str, told: str, **headers: str) -> tuple[int, str, Any]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = ground.session.verify
        answer = session.get(
            ground.url.partition(BEARER_PATH)[0] + path,
            headers={**headers, **({"Authorization": told} if told else {})},
            timeout=10,
        )
        kind = answer.headers["Content-Type"]
        return answer.status_code, kind, answer.json() if "json" in kind else answer.text
