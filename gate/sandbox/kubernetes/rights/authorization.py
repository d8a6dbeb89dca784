"""May this user do that? Role-based access control as a function of bindings and roles; pure.

It refuses nothing by itself (`access.door` does) and knows no requests, only what they want (`Attributes`).
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Protocol, Self

from gate.sandbox.kubernetes.language.objects import Object, name_of, namespace_of
from gate.sandbox.kubernetes.rights.users import MASTERS, User

GROUP = "rbac.authorization.k8s.io"
EVERYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What somebody wants: a verb on a resource, or on a path that is about none."""

    verb: str
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    """"" for the whole cluster."""
    name: str = ""
    path: str = ""
    """Of a request that is about no resource."""

    @property
    def qualified(self) -> str:
        """The resource as rules name it: ``pods``, ``pods/log``."""
        return f"{self.resource}/{self.subresource}" if self.subresource else self.resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """rbac.authorization.k8s.io PolicyRule."""

    verbs: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Only these objects; none: all."""
    urls: tuple[str, ...] = ()

    @classmethod
    def of(cls, rule: Object) -> Self:
        return cls(
            verbs=tuple(rule.get("verbs") or ()),
            groups=tuple(rule.get("apiGroups") or ()),
            resources=tuple(rule.get("resources") or ()),
            names=tuple(rule.get("resourceNames") or ()),
            urls=tuple(rule.get("nonResourceURLs") or ()),
        )

    def as_object(self) -> Object:
        fields = {
            "verbs": self.verbs,
            "apiGroups": self.groups,
            "resources": self.resources,
            "resourceNames": self.names,
            "nonResourceURLs": self.urls,
        }
        return {key: list(values) for key, values in fields.items() if values}

    def allows(self, wanted: Attributes) -> bool:
        if not _has(self.verbs, wanted.verb):
            return False
        if wanted.path:
            return any(_is_below(wanted.path, url) for url in self.urls)
        return (
            _has(self.groups, wanted.group)
            and (_has(self.resources, wanted.qualified) or self._has_subresource(wanted.subresource))
            and (not self.names or wanted.name in self.names)
        )

    def _has_subresource(self, subresource: str) -> bool:
        return bool(subresource) and f"*/{subresource}" in self.resources

    def covers(self, other: "Rule") -> bool:
        """Whoever has this rule has the other one, too. The other one is a single right (see `rights`)."""
        if not _has_all(self.verbs, other.verbs):
            return False
        if other.urls:
            return all(any(_is_below(url, own) for own in self.urls) for url in other.urls)
        return (
            _has_all(self.groups, other.groups)
            and all(self._covers_resource(resource) for resource in other.resources)
            and (not self.names or (bool(other.names) and set(other.names) <= set(self.names)))
        )

    def _covers_resource(self, resource: str) -> bool:
        return _has(self.resources, resource) or self._has_subresource(resource.partition("/")[2])

    def rights(self) -> Iterator["Rule"]:
        """The rule taken apart: each about one verb, and one resource, object or path."""
        names: tuple[tuple[str, ...], ...] = tuple((name,) for name in self.names) or ((),)
        for group, resource, name, verb in product(self.groups, self.resources, names, self.verbs):
            yield Rule(verbs=(verb,), groups=(group,), resources=(resource,), names=name)
        for url, verb in product(self.urls, self.verbs):
            yield Rule(verbs=(verb,), urls=(url,))

    def __str__(self) -> str:
        """As the real server writes a rule into a refusal."""
        fields = {
            "APIGroups": self.groups,
            "Resources": self.resources,
            "ResourceNames": self.names,
            "NonResourceURLs": self.urls,
            "Verbs": self.verbs,
        }
        return "{" + ", ".join(f"{key}:{listed(values)}" for key, values in fields.items() if values) + "}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The answer, and why: which binding allows it, or which role that might is missing."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A rule that somebody has, or the role that a binding gives and that is not there."""

    binding: str
    """What the real server says of it."""
    rule: Rule | None = None
    missing: str = ""


class Roles(Protocol):
    """Where bindings and roles come from."""

    def bindings(self, namespace: str) -> Iterable[Object]:
        """The RoleBindings of a namespace; "": the ClusterRoleBindings."""

    def rules(self, kind: str, namespace: str, name: str) -> list[Object] | None:
        """The rules of a Role or ClusterRole; None if there is no such role."""


def decide(user: User, wanted: Attributes, roles: Roles) -> Decision:
    """Whether the user may do it. Rights only add up: nothing takes one away."""
    if MASTERS in user.groups:
        return Decision(allowed=True)
    missing = []
    for grant in grants(user, wanted.namespace, roles):
        if grant.rule is None:
            missing.append(grant.missing)
        elif grant.rule.allows(wanted):
            return Decision(allowed=True, reason=f"RBAC: allowed by {grant.binding}")
    return Decision(allowed=False, reason=f"RBAC: {aggregate(missing)}" if missing else "")


def grants(user: User, namespace: str, roles: Roles) -> Iterator[Grant]:
    """All that the user has in the namespace: what he has everywhere, then what only there."""
    for scope in dict.fromkeys(("", namespace)):
        for binding in roles.bindings(scope):
            subject = _subject_for(user, binding, scope)
            if subject is None:
                continue
            role = binding["roleRef"]
            described = _describe(binding, subject)
            rules = roles.rules(role["kind"], scope, role["name"])
            if rules is None:
                yield Grant(binding=described, missing=f'{role["kind"].lower()}.{GROUP} "{role["name"]}" not found')
            for rule in rules or ():
                yield Grant(binding=described, rule=Rule.of(rule))


def uncovered(owned: Iterable[Rule], asked: Iterable[Rule]) -> list[Rule]:
    """What of the asked rules the owner of the others does not have himself, written as the real server does."""
    own = tuple(owned)
    lacking: dict[Rule, list[str]] = {}
    for right in (right for rule in asked for right in rule.rights()):
        if not any(rule.covers(right) for rule in own):
            place = right if right.urls else replace(right, verbs=())  # verbs on one resource are told together
            lacking.setdefault(place, []).extend(right.verbs)
    return sorted((replace(place, verbs=tuple(verbs)) for place, verbs in lacking.items()), key=str)


def listed(values: Iterable[str]) -> str:
    """Strings as Go's %q writes a list of them."""
    return "[" + " ".join(json.dumps(value, ensure_ascii=False) for value in values) + "]"


def aggregate(messages: list[str]) -> str:
    """Several errors as one text."""
    told = tuple(dict.fromkeys(messages))
    return told[0] if len(told) == 1 else f"[{', '.join(told)}]"


def _has(listed: tuple[str, ...], value: str) -> bool:
    return EVERYTHING in listed or value in listed


def _has_all(listed: tuple[str, ...], values: tuple[str, ...]) -> bool:
    return EVERYTHING in listed or set(values) <= set(listed)


def _is_below(path: str, url: str) -> bool:
    return path == url or (url.endswith(EVERYTHING) and path.startswith(url.rstrip(EVERYTHING)))


def _subject_for(user: User, binding: Object, namespace: str) -> Object | None:
    """The first subject of the binding that is the user."""
    for subject in binding.get("subjects") or ():
        if _is(user, subject, namespace):
            found: Object = subject
            return found
    return None


def _is(user: User, subject: Object, namespace: str) -> bool:
    match subject["kind"]:
        case "User":
            return bool(user.name == subject["name"])
        case "Group":
            return subject["name"] in user.groups
        case "ServiceAccount":
            home = subject.get("namespace") or namespace
            return bool(home) and user.name == f"system:serviceaccount:{home}:{subject['name']}"
    return False


def _describe(binding: Object, subject: Object) -> str:
    role, namespace = binding["roleRef"], namespace_of(binding)
    name = f"{name_of(binding)}/{namespace}" if namespace else name_of(binding)
    who = subject["name"]
    if subject["kind"] == "ServiceAccount":
        who = f"{who}/{subject.get('namespace') or namespace}"
    return f'{binding["kind"]} "{name}" of {role["kind"]} "{role["name"]}" to {subject["kind"]} "{who}"'
