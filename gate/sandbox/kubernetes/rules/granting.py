"""Roles and bindings as somebody writes them: what is filled in, and what is refused."""

from collections.abc import Iterator
from dataclasses import dataclass

from gate.sandbox.kubernetes.language import metadata
from gate.sandbox.kubernetes.language.errors import Cause, invalid, not_supported, required
from gate.sandbox.kubernetes.language.metadata import SUBDOMAIN
from gate.sandbox.kubernetes.language.objects import Object, lookup, namespace_of
from gate.sandbox.kubernetes.rights.authorization import GROUP

_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


@dataclass(frozen=True, slots=True)
class _PathSegment:
    """Names that only have to fit into a URL: roles and bindings are called ``system:discovery``."""

    def faults(self, text: str) -> Iterator[str]:
        if text in (".", ".."):
            yield f"may not be '{text}'"
            return
        yield from (f"may not contain '{sign}'" for sign in ("/", "%") if sign in text)


_NAME = _PathSegment()


def role(obj: Object) -> None:
    """A role without rules says so."""
    obj["rules"] = obj.get("rules") or None


def binding(obj: Object) -> None:
    reference = obj.setdefault("roleRef", {})
    for field, value in (("apiGroup", GROUP), ("kind", ""), ("name", "")):
        if not reference.get(field):
            reference[field] = value
    for subject in obj.get("subjects") or ():
        if subject.get("kind") in ("User", "Group") and not subject.get("apiGroup"):
            subject["apiGroup"] = GROUP


def validate_role(new: Object, _old: Object | None) -> list[Cause]:
    causes = metadata.faults(new, _NAME) + _rules(new)
    aggregation = new.get("aggregationRule")
    if aggregation is None:
        return causes
    field = "aggregationRule.clusterRoleSelectors"
    selectors = aggregation.get("clusterRoleSelectors") or []
    if not selectors:
        return [*causes, required(field, "at least one clusterRoleSelector required if aggregationRule is non-nil")]
    for index, selector in enumerate(selectors):
        faults = list(_selector(selector, f"{field}[{index}]"))
        causes += [*faults, invalid(f"{field}[{index}]", None, "invalid label selector.")] if faults else []
    return causes


def validate_binding(new: Object, old: Object | None) -> list[Cause]:
    causes = metadata.faults(new, _NAME)
    reference = new["roleRef"]
    if reference["apiGroup"] != GROUP:
        causes.append(not_supported("roleRef.apiGroup", reference["apiGroup"], (GROUP,)))
    kinds = ("Role", "ClusterRole") if namespace_of(new) else ("ClusterRole",)
    if reference["kind"] not in kinds:
        causes.append(not_supported("roleRef.kind", reference["kind"], kinds))
    if not reference["name"]:
        causes.append(required("roleRef.name"))
    causes += [invalid("roleRef.name", reference["name"], fault) for fault in _NAME.faults(reference["name"])]
    for index, subject in enumerate(new.get("subjects") or ()):
        causes += _subject(subject, f"subjects[{index}]", namespaced=bool(namespace_of(new)))
    if old is not None and reference != old["roleRef"]:
        told = {"APIGroup": reference["apiGroup"], "Kind": reference["kind"], "Name": reference["name"]}
        causes.append(invalid("roleRef", told, "cannot change roleRef"))
    return causes


def _rules(new: Object) -> list[Cause]:
    return [
        cause
        for index, rule in enumerate(new.get("rules") or ())
        for cause in _rule(rule, f"rules[{index}]", namespaced=bool(namespace_of(new)))
    ]


def _rule(rule: Object, path: str, *, namespaced: bool) -> Iterator[Cause]:
    if not rule.get("verbs"):
        yield required(f"{path}.verbs", "verbs must contain at least one value")
    urls = rule.get("nonResourceURLs")
    if urls:
        if namespaced:
            yield invalid(f"{path}.nonResourceURLs", urls, "namespaced rules cannot apply to non-resource URLs")
        if any(rule.get(field) for field in ("apiGroups", "resources", "resourceNames")):
            detail = "rules cannot apply to both regular resources and non-resource URLs"
            yield invalid(f"{path}.nonResourceURLs", urls, detail)
        return
    if not rule.get("apiGroups"):
        yield required(f"{path}.apiGroups", "resource rules must supply at least one api group")
    if not rule.get("resources"):
        yield required(f"{path}.resources", "resource rules must supply at least one resource")


def _subject(subject: Object, path: str, *, namespaced: bool) -> Iterator[Cause]:
    kind, name, group = (subject.get(field) or "" for field in ("kind", "name", "apiGroup"))
    if not name:
        yield required(f"{path}.name")
    match kind:
        case "ServiceAccount":
            if name:
                yield from (invalid(f"{path}.name", name, fault) for fault in SUBDOMAIN.faults(name))
            if group:
                yield not_supported(f"{path}.apiGroup", group, ("",))
            if not namespaced and not subject.get("namespace"):
                yield required(f"{path}.namespace")
        case "User" | "Group":
            if group != GROUP:
                yield not_supported(f"{path}.apiGroup", group, (GROUP,))
        case _:
            yield not_supported(f"{path}.kind", kind, ("ServiceAccount", "User", "Group"))


def _selector(selector: Object, path: str) -> Iterator[Cause]:
    for index, each in enumerate(lookup(selector, "matchExpressions", [])):
        if each.get("operator") not in _OPERATORS:
            field = f"{path}.matchExpressions[{index}].operator"
            yield invalid(field, each.get("operator") or "", "not a valid selector operator")
