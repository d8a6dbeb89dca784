"""From the line of a request to what it asks: the verb, and the resource, object or subresource that it is about."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from gate.sandbox.kubernetes.language.errors import BadRequest, MethodNotAllowed, NotFound, NotImplementedHere
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.registry import Registry
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import NAMESPACES, NODES, PODS, SERVICE_ACCOUNTS, SERVICES
from gate.sandbox.kubernetes.rights.users import ADMINISTRATOR, User

_VERBS = {
    ("GET", True): "get",
    ("GET", False): "list",
    ("POST", False): "create",
    ("PUT", True): "update",
    ("PATCH", True): "patch",
    ("DELETE", True): "delete",
    ("DELETE", False): "deletecollection",
}

_NOT_HERE = {
    (PODS.key, "attach"),
    (PODS.key, "binding"),
    (PODS.key, "portforward"),
    (PODS.key, "proxy"),
    (PODS.key, "resize"),
    (SERVICES.key, "proxy"),
    (NODES.key, "proxy"),
    (NAMESPACES.key, "finalize"),
}
"""Subresources that a real API server has and this one refuses with 501."""


_OF_NAMESPACES = ("status", "finalize")
"""Subresources of a namespace; anything else behind its name is a resource in it."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,1000}")

_CREATED = ("eviction", "token")
"""Subresources that a POST creates; everything else with a name is read and changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request, read to its end."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes = b""
    pairs: tuple[tuple[str, str], ...] = ()
    """The query with its repetitions."""
    repeated: tuple[tuple[str, str], ...] = ()
    """The headers with their repetitions."""
    user: User = ADMINISTRATOR
    """Who asks. Whoever asks inside this process may do everything; the server says who comes from outside."""

    def flag(self, name: str) -> bool:
        """Whether a parameter is there and is not plainly a no: to the real server even `maybe` is a yes."""
        return self.query.get(name, "0").lower() not in ("0", "false")

    def values(self, header: str) -> tuple[str, ...]:
        """What a header says each time that it is there, by its lower-case name."""
        return tuple(value for name, value in self.repeated if name.lower() == header)

    def number(self, name: str) -> int | None:
        """The value of a numeric parameter; None where it is missing, BadRequest where it is no number."""
        text = self.query.get(name)
        if text is None:
            return None
        if not _NUMBER.fullmatch(text):
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        if not -(2**63) <= int(text) < 2**63:
            raise BadRequest(f'strconv.ParseInt: parsing "{text}": value out of range')
        return int(text)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A path below `/api` or `/apis` in its parts. Whether there is such a resource is not asked."""

    group: str
    version: str
    namespace: str | None
    """That the parts are in; None: in none, as a namespace itself is."""
    parts: tuple[str, ...]
    """At least the plural; then a name, a subresource and whatever follows."""

    @classmethod
    def of(cls, path: str) -> "Address | None":
        """None for paths that are about no resource: discovery, schemas, health."""
        match [unquote(part) for part in path.strip("/").split("/")]:
            case ["api", version, *rest] if rest:
                group = ""
            case ["apis", group, version, *rest] if rest:
                pass
            case _:
                return None
        namespace = None
        if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _OF_NAMESPACES:
            namespace, rest = rest[1], rest[2:]
        return cls(group=group, version=version, namespace=namespace, parts=tuple(rest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a request is about."""

    verb: str
    resource: Resource
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    def place(self, obj: Object) -> None:
        """Give the object the namespace and name of the URL; BadRequest if it has others."""
        meta = obj.setdefault("metadata", {})
        if self.resource.namespaced:
            if meta.setdefault("namespace", self.namespace) != self.namespace:
                raise BadRequest(
                    "the namespace of the provided object does not match the namespace sent on the request"
                )
        elif meta.get("namespace"):
            raise BadRequest("the namespace of the provided object does not match the namespace sent on the request")
        if self.name and not meta.get("name"):
            raise BadRequest(
                f"the name of the object ({self.name} based on URL) was undeterminable: name must be provided"
            )
        if self.name and meta["name"] != self.name:
            raise BadRequest(
                f"the name of the object ({meta['name']}) does not match the name on the URL ({self.name})"
            )


class NoSuchPage(NotFound):
    """A path that nobody has ever heard of; told in plain text."""

    def __init__(self) -> None:
        super().__init__("404 page not found")


def target(request: Request, registry: Registry) -> Target | None:
    """What the request is about; None where the path is not one of a resource. Raises 404, 405 or 501."""
    address = Address.of(request.path)
    return _target(request, registry, address) if address else None


def _target(request: Request, registry: Registry, address: Address) -> Target:
    group, namespace, rest = address.group, address.namespace or "", address.parts
    if not any(row.group == group for row in registry):
        raise NoSuchPage
    resource = registry.find(group, address.version, rest[0])
    unscoped = resource is not None and resource.namespaced and not namespace
    if resource is None and not any(row.group == group for row in registry if not row.custom):
        raise NoSuchPage
    if resource is not None and resource.custom and unscoped and request.method != "GET":
        raise NoSuchPage
    if resource is None or len(rest) > 3 or (address.namespace is not None and not resource.namespaced):
        raise NotFound.path()
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    if name and resource.namespaced and not namespace:
        raise NotFound.path()
    if name and resource.verbs == ("create",):
        raise NotFound.path()
    if subresource:
        _check_subresource(resource, name, subresource, request.method)
    # As by RBAC: to run a command is to create or to get `pods/exec`, as the client's protocol has it.
    verb = "get" if subresource == "exec" else _VERBS.get((request.method, bool(name) and subresource not in _CREATED))
    if verb == "list" and request.flag("watch"):
        verb = "watch"
    if verb is None or verb not in resource.verbs or (verb == "create" and resource.namespaced and not namespace):
        raise MethodNotAllowed
    if verb == "deletecollection" and resource.namespaced and not namespace:
        raise MethodNotAllowed
    return Target(verb=verb, resource=resource, namespace=namespace, name=name, subresource=subresource)


def _check_subresource(resource: Resource, name: str, subresource: str, method: str) -> None:
    if (resource.key, subresource) in _NOT_HERE:
        raise NotImplementedHere(f"the sandbox has no {resource.plural}/{subresource}; a real API server has")
    allowed = _served(resource).get(subresource, ())
    if not allowed:  # of a custom resource, one says what one says of an object that is not there
        raise NotFound.of(resource, name) if resource.custom else NotFound.path()
    if method not in allowed:
        raise MethodNotAllowed


def subresources(resource: Resource) -> Mapping[str, frozenset[str]]:
    """Those that a client may ask for -> with which verbs of roles; where the sandbox refuses them, with any."""
    of_methods = {method: verb for (method, named), verb in _VERBS.items() if named} | {"POST": "create"}
    served = {name: methods for name, methods in _served(resource).items() if methods}
    refused = {name: tuple(of_methods) for key, name in _NOT_HERE if key == resource.key}
    return {name: frozenset(map(of_methods.__getitem__, methods)) for name, methods in (served | refused).items()}


def _served(resource: Resource) -> Mapping[str, tuple[str, ...]]:
    """Subresource -> the methods that it has; none: there is no such subresource."""
    return {
        "status": ("GET", "PUT", "PATCH") if resource.status else (),
        "scale": ("GET", "PUT", "PATCH") if resource.scale else (),
        "log": ("GET",) if resource is PODS else (),
        "exec": ("GET", "POST") if resource is PODS else (),
        "ephemeralcontainers": ("GET", "PUT", "PATCH") if resource is PODS else (),
        "eviction": ("POST",) if resource is PODS else (),
        "token": ("POST",) if resource is SERVICE_ACCOUNTS else (),
    }
