"""What the API server refuses where a pod takes values from: fields, resources, ConfigMaps and Secrets.

The same for variables and for files. Each sentence is the real server's (1.34).
"""

import re
from collections.abc import Sequence

from gate.sandbox.kubernetes.language import metadata
from gate.sandbox.kubernetes.language.downward import Unresolved, quantity
from gate.sandbox.kubernetes.language.errors import Cause, invalid, not_supported, required
from gate.sandbox.kubernetes.language.metadata import SUBDOMAIN
from gate.sandbox.kubernetes.language.objects import Object

_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_NAMES = ("metadata.name", "metadata.namespace", "metadata.uid")
_OF_VARIABLES = (
    *_NAMES,
    *("spec.nodeName", "spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs"),
)
_OF_FILES = ("metadata.annotations", "metadata.labels", *_NAMES)
_KNOWN = {*_OF_VARIABLES, *_OF_FILES, "spec.restartPolicy", "spec.schedulerName", "status.phase"}
_OF_A_KEY = re.compile(r"metadata\.(labels|annotations)\['([^']*)'\]")
_VARIABLE = re.compile(r"[ -<>-~]+")

_KINDS = {"cpu": "cpu", "ephemeral-storage": "local ephemeral storage", "memory": "memory"}
"""What the server calls each resource that may be told, as it says it of a wrong divisor."""
_RESOURCES = tuple(f"{side}.{name}" for side in ("limits", "requests") for name in _KINDS)
_HUGE_PAGES = ("limits.hugepages-", "requests.hugepages-")
_SIZES = ("1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei")
_SHARES = ("1m", "1")


def variable(variable: Object, path: str) -> list[Cause]:
    """One row of `env`."""
    name, source = variable.get("name") or "", variable.get("valueFrom")
    causes = _variable_name(name, f"{path}.name") if name else [required(f"{path}.name")]
    return causes if source is None else causes + _source(variable, source, f"{path}.valueFrom")


def _source(variable: Object, source: Object, path: str) -> list[Cause]:
    given = [kind for kind in _SOURCES if source.get(kind) is not None]
    causes = []
    if "fieldRef" in given:
        causes += _field(source["fieldRef"], f"{path}.fieldRef", _OF_VARIABLES)
    if "resourceFieldRef" in given:
        causes += _resource(source["resourceFieldRef"], f"{path}.resourceFieldRef")
    for kind in ("configMapKeyRef", "secretKeyRef"):
        if kind in given:
            causes += _name(source[kind].get("name") or "", f"{path}.{kind}.name")
            causes += _key(source[kind].get("key"), f"{path}.{kind}.key")
    if not given:
        detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        causes.append(invalid(path, "", detail))
    elif variable.get("value"):
        causes.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        causes.append(invalid(path, "", "may not have more than one field specified at a time"))
    return causes


def imports(sources: list[Object], path: str) -> list[Cause]:
    """The ConfigMaps and Secrets whose keys become variables (`envFrom`)."""
    causes = []
    for index, source in enumerate(sources):
        place = f"{path}[{index}]"
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        if source.get("prefix"):
            causes += _variable_name(source["prefix"], f"{place}.prefix")
        for kind in given:
            name = source[kind].get("name")
            causes += _name(name, f"{place}.{kind}.name") if name else [required(f"{place}.{kind}.name")]
        if not given:
            causes.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            causes.append(invalid(path, "", "may not have more than one field specified at a time"))
    return causes


def told(item: Object, path: str) -> list[Cause]:
    """What a file of a `downwardAPI` volume tells."""
    field, resource = item.get("fieldRef"), item.get("resourceFieldRef")
    if field is not None:
        causes = _field(field, f"{path}.fieldRef", _OF_FILES)
        detail = "fieldRef and resourceFieldRef can not be specified simultaneously"
        return causes if resource is None else [*causes, invalid(path, "resource", detail)]
    if resource is not None:
        return _resource(resource, f"{path}.resourceFieldRef", of_file=True)
    return [required(path, "one of fieldRef and resourceFieldRef is required")]


def _name(name: str, field: str) -> list[Cause]:
    return [invalid(field, name, fault) for fault in SUBDOMAIN.faults(name)]


def _key(key: str | None, field: str) -> list[Cause]:
    return [invalid(field, key, fault) for fault in metadata.key_faults(key)] if key else [required(field)]


def _variable_name(name: str, field: str) -> list[Cause]:
    words = "a valid environment variable name must consist only of printable ASCII characters other than '='"
    return [] if _VARIABLE.fullmatch(name) else [invalid(field, name, words)]


def _field(reference: Object, path: str, allowed: Sequence[str]) -> list[Cause]:
    field = reference.get("fieldPath") or ""
    if not field:
        return [required(f"{path}.fieldPath")]
    if match := _OF_A_KEY.fullmatch(field):
        key = match[2].lower() if match[1] == "annotations" else match[2]
        return [invalid(path, match[2], fault) for fault in metadata.qualified_name_faults(key)]
    if field not in _KNOWN:
        detail = f"error converting fieldPath: field label not supported: {field}"
        return [invalid(f"{path}.fieldPath", field, detail)]
    return [] if field in allowed else [not_supported(f"{path}.fieldPath", field, sorted(allowed))]


def _resource(reference: Object, path: str, *, of_file: bool = False) -> list[Cause]:
    resource, causes = str(reference.get("resource") or ""), []
    if of_file and not reference.get("containerName"):
        causes.append(required(f"{path}.containerName"))
    elif not resource:
        causes.append(required(f"{path}.resource"))
    elif resource not in _RESOURCES and not resource.startswith(_HUGE_PAGES):
        causes.append(not_supported(f"{path}.resource", resource, _RESOURCES))
    return causes + _divisor(resource, str(reference.get("divisor") or "0"), f"{path}.divisor")


def _divisor(resource: str, divisor: str, field: str) -> list[Cause]:
    kind = "hugepages" if resource.startswith(_HUGE_PAGES) else _KINDS.get(resource.partition(".")[2])
    allowed = _SHARES if kind == "cpu" else _SIZES
    try:
        value = quantity(divisor)
    except Unresolved:
        return []  # a quantity that is less than nothing, or none; the latter never gets this far
    if kind is None or value in (0, *map(quantity, allowed)):
        return []
    listed = " and ".join(allowed) if kind == "cpu" else ", ".join(allowed)
    return [invalid(field, resource, f"only divisor's values {listed} are supported with the {kind} resource")]
