"""The cluster roles that are there from the beginning, as far as somebody beside the control plane needs them.

`admin`, `edit` and `view` get their rules from the roles below them (`roles.Aggregation`), as on the real server, so
that an extension can add to them by a label.
"""

from collections.abc import Iterator, Mapping

from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.rights.authorization import EVERYTHING, GROUP
from gate.sandbox.kubernetes.rights.users import AUTHENTICATED, MASTERS, UNAUTHENTICATED

_READ = ("get", "list", "watch")
_WRITE = ("create", "delete", "deletecollection", "patch", "update")
_ALL = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")
_CREATE = ("create",)

_VIEW = (
    (
        "",
        """configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers
        replicationcontrollers/scale serviceaccounts services services/status""",
        _READ,
    ),
    (
        "",
        """bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status
        resourcequotas resourcequotas/status""",
        _READ,
    ),
    ("", "namespaces", _READ),
    ("discovery.k8s.io", "endpointslices", _READ),
    (
        "apps",
        """controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets
        replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status""",
        _READ,
    ),
    ("autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status", _READ),
    ("batch", "cronjobs cronjobs/status jobs jobs/status", _READ),
    (
        "extensions",
        """daemonsets daemonsets/status deployments deployments/scale deployments/status ingresses ingresses/status
        networkpolicies replicasets replicasets/scale replicasets/status replicationcontrollers/scale""",
        _READ,
    ),
    ("policy", "poddisruptionbudgets poddisruptionbudgets/status", _READ),
    ("networking.k8s.io", "ingresses ingresses/status networkpolicies", _READ),
    ("resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates", _READ),
)
_EDIT = (
    ("", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy", _READ),
    ("", "serviceaccounts", ("impersonate",)),
    ("", "pods pods/attach pods/exec pods/portforward pods/proxy", _WRITE),
    ("", "pods/eviction", _CREATE),
    (
        "",
        """configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets
        serviceaccounts services services/proxy""",
        _WRITE,
    ),
    ("", "serviceaccounts/token", _CREATE),
    (
        "apps",
        """daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets
        statefulsets/scale""",
        _WRITE,
    ),
    ("autoscaling", "horizontalpodautoscalers", _WRITE),
    ("batch", "cronjobs jobs", _WRITE),
    (
        "extensions",
        """daemonsets deployments deployments/rollback deployments/scale ingresses networkpolicies replicasets
        replicasets/scale replicationcontrollers/scale""",
        _WRITE,
    ),
    ("policy", "poddisruptionbudgets", _WRITE),
    ("networking.k8s.io", "ingresses networkpolicies", _WRITE),
    ("coordination.k8s.io", "leases", _ALL),
    ("resource.k8s.io", "resourceclaims resourceclaimtemplates", _WRITE),
)
_ADMIN = (
    ("authorization.k8s.io", "localsubjectaccessreviews", _CREATE),
    (GROUP, "rolebindings roles", _ALL),
)
_BASIC = (
    ("authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews", _CREATE),
    ("authentication.k8s.io", "selfsubjectreviews", _CREATE),
)
_DELEGATOR = (
    ("authentication.k8s.io", "tokenreviews", _CREATE),
    ("authorization.k8s.io", "subjectaccessreviews", _CREATE),
)
_INFORMATION = ("/healthz", "/livez", "/readyz", "/version", "/version/")
_DISCOVERY = (
    *("/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz", "/version"),
    "/version/",
)
_BOUND = (
    ("cluster-admin", (MASTERS,)),
    ("system:basic-user", (AUTHENTICATED,)),
    ("system:discovery", (AUTHENTICATED,)),
    ("system:public-info-viewer", (AUTHENTICATED, UNAUTHENTICATED)),
)


def roles() -> Iterator[Object]:
    """The ClusterRoles."""
    everything = {"apiGroups": [EVERYTHING], "resources": [EVERYTHING], "verbs": [EVERYTHING]}
    yield _role("cluster-admin", [everything, {"nonResourceURLs": [EVERYTHING], "verbs": [EVERYTHING]}])
    yield _role("system:discovery", [{"nonResourceURLs": list(_DISCOVERY), "verbs": ["get"]}])
    yield _role("system:public-info-viewer", [{"nonResourceURLs": list(_INFORMATION), "verbs": ["get"]}])
    yield _role("system:basic-user", _rules(_BASIC))
    yield _role("system:auth-delegator", _rules(_DELEGATOR))
    above = {"view": "edit", "edit": "admin", "admin": ""}
    for name, own in (("view", _VIEW), ("edit", _EDIT), ("admin", _ADMIN)):
        yield _role(f"system:aggregate-to-{name}", _rules(own), _below(name))
        collected = {"aggregationRule": {"clusterRoleSelectors": [{"matchLabels": _below(name)}]}}
        yield _role(name, [], _below(above[name]) if above[name] else {}) | collected


def bindings() -> Iterator[Object]:
    """The ClusterRoleBindings: of each role, to groups."""
    for name, groups in _BOUND:
        yield {
            "metadata": _metadata(name),
            "roleRef": {"apiGroup": GROUP, "kind": "ClusterRole", "name": name},
            "subjects": [{"apiGroup": GROUP, "kind": "Group", "name": group} for group in groups],
        }


def _role(name: str, rules: list[Object], labels: Mapping[str, str] | None = None) -> Object:
    return {"metadata": _metadata(name, labels), "rules": rules}


def _metadata(name: str, labels: Mapping[str, str] | None = None) -> Object:
    return {
        "name": name,
        "labels": {"kubernetes.io/bootstrapping": "rbac-defaults", **(labels or {})},
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    }


def _below(name: str) -> dict[str, str]:
    return {f"{GROUP}/aggregate-to-{name}": "true"}


def _rules(lines: tuple[tuple[str, str, tuple[str, ...]], ...]) -> list[Object]:
    return [
        {"apiGroups": [group], "resources": resources.split(), "verbs": list(verbs)}
        for group, resources, verbs in lines
    ]
