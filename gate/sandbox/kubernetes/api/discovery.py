"""What a client can find out about the server: groups, resources, version, and as much OpenAPI as kubectl asks for."""

from collections.abc import Iterable

from gate.sandbox.kubernetes.language.objects import RELEASE, Object
from gate.sandbox.kubernetes.registry.registry import Registry
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import PODS, SERVICE_ACCOUNTS

VERSION: Object = {
    "major": "1",
    "minor": "34",
    "emulationMajor": "1",
    "emulationMinor": "34",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "33",
    "gitVersion": f"{RELEASE}+chaos-gate-sandbox",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/amd64",
}


OPENAPI_V2_MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
OPENAPI_V2 = b"\x0a\x032.0\x12\x1d\x0a\x0aKubernetes\x12\x0fsandbox v1.34.0"
"""`{swagger: "2.0", info: {title, version}}` as protobuf, in which kubectl asks for it before it applies a `List`.

There are no schemas in it: kubectl then leaves the validation to the server, which does it anyway.
"""


def document(path: str, registry: Registry) -> Object | None:
    """The document under a path that is about no resource; None if there is none."""
    match path.strip("/").split("/"):
        case [""]:
            return {"paths": ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"]}
        case ["version"]:
            return VERSION
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = [_group(group, registry) for group in _groups(registry)]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["api", version]:
            return _resources("", version, registry)
        case ["apis", group]:
            return {"apiVersion": "v1", **_group(group, registry)} if group in _groups(registry) else None
        case ["apis", group, version]:
            return _resources(group, version, registry)
        case ["openapi", "v3"]:
            return {"paths": {place: {"serverRelativeURL": f"/openapi/v3/{place}"} for place in _places(registry)}}
        case ["openapi", "v3", *place]:
            return _openapi("/".join(place), registry)
    return None


def _groups(registry: Registry) -> list[str]:
    return list(dict.fromkeys(row.group for row in registry if row.group))


def _group(group: str, registry: Registry) -> Object:
    names = dict.fromkeys(row.version for row in _preferred_first(registry) if row.group == group)
    versions = [{"groupVersion": f"{group}/{version}", "version": version} for version in names]
    return {"kind": "APIGroup", "name": group, "versions": versions, "preferredVersion": versions[0]}


def _preferred_first(registry: Registry) -> Iterable[Resource]:
    return sorted(registry, key=lambda row: not row.stored_version)


def _resources(group: str, version: str, registry: Registry) -> Object | None:
    rows = [row for row in registry if (row.group, row.version) == (group, version)]
    if not rows:
        return None
    return {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": f"{group}/{version}" if group else version,
        "resources": [entry for row in rows for entry in _entries(row)],
    }


def _entries(row: Resource) -> Iterable[Object]:
    """The row and its subresources, in the order in which discovery lists them."""
    own: Object = {
        "name": row.plural,
        "singularName": row.singular or row.kind.lower(),
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": list(row.verbs),
    }
    if row.short_names:
        own["shortNames"] = list(row.short_names)
    if row.categories:
        own["categories"] = list(row.categories)
    yield own
    for name, entry in sorted(_subresources(row).items()):
        yield {"name": f"{row.plural}/{name}", "singularName": "", "namespaced": row.namespaced, **entry}


def _subresources(row: Resource) -> dict[str, Object]:
    """What is below an object of the row, and what one may do with it."""
    found: dict[str, Object] = {}
    writable = ["get", "patch", "update"]
    if row.status:
        found["status"] = {"kind": row.kind, "verbs": writable}
    if row.scale:
        found["scale"] = {"group": "autoscaling", "version": "v1", "kind": "Scale", "verbs": writable}
    if row is SERVICE_ACCOUNTS:
        token = {"group": "authentication.k8s.io", "version": "v1", "kind": "TokenRequest"}
        found["token"] = token | {"verbs": ["create"]}
    if row is PODS:  # without `eviction` here, `kubectl drain` deletes pods whatever their budget says
        found["eviction"] = {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
        found["ephemeralcontainers"] = {"kind": row.kind, "verbs": writable}
        found["exec"] = {"kind": "PodExecOptions", "verbs": ["create", "get"]}
        found["log"] = {"kind": row.kind, "verbs": ["get"]}
    return found


def _places(registry: Registry) -> list[str]:
    return list(dict.fromkeys(row.base_path.strip("/") for row in registry))


def _openapi(place: str, registry: Registry) -> Object | None:
    """Just enough for a client to learn that the server validates fields itself, so that it need not."""
    rows = [row for row in registry if row.base_path.strip("/") == place]
    if not rows:
        return None
    return {
        "openapi": "3.0.0",
        "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]},
        "paths": {_template(row): {"patch": _patch_operation(row)} for row in rows},
        "components": {"schemas": {}},
    }


def _template(row: Resource) -> str:
    return row.path("{namespace}", "{name}")


def _patch_operation(row: Resource) -> Object:
    names = ("dryRun", "fieldManager", "fieldValidation", "force", "pretty")
    return {
        "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in names],
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": row.group, "version": row.version, "kind": row.kind},
    }
