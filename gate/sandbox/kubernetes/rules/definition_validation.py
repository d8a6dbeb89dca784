"""What the API server refuses in a definition of custom resources; its schemas are looked at elsewhere."""

from collections.abc import Iterable
from enum import Enum
from urllib.parse import urlsplit

from gate.sandbox.kubernetes.language.conditions import is_true
from gate.sandbox.kubernetes.language.errors import Cause, invalid, not_supported, required
from gate.sandbox.kubernetes.language.metadata import LABEL_1035, SUBDOMAIN
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of
from gate.sandbox.kubernetes.rules.validation import extended

_SCOPES = ("Cluster", "Namespaced")
_NAMES = ("plural", "singular", "kind", "listKind")
_GONE = (
    "missing from spec.versions; {0} was previously a storage version, and must remain in spec.versions until a "
    "storage migration ensures no data remains persisted in {0} and removes {0} from status.storedVersions"
)
_PROTECTED = (".k8s.io", ".kubernetes.io")
_APPROVED = "api-approved.kubernetes.io"
_POLICY = "https://github.com/kubernetes/enhancements/pull/1111"
_MIXED = "may have mixed case, but should otherwise match: "


class _Approval(Enum):
    """What a definition says about its group's owner."""

    MISSING = "nothing"
    STRANGE = "neither where it was approved nor that it was not"
    GIVEN = "one of these"


def custom_resource_definition(new: Object, old: Object | None) -> list[Cause]:
    spec = new.get("spec") or {}
    causes = extended(new, old)
    if old is None and name_of(new) != f"{lookup(spec, 'names.plural', '')}.{spec.get('group') or ''}":
        causes.append(invalid("metadata.name", name_of(new), 'must be spec.names.plural+"."+spec.group'))
    causes += _group(spec.get("group") or "")
    if not spec.get("scope"):
        causes.append(required("spec.scope"))
    elif spec["scope"] not in _SCOPES:
        causes.append(not_supported("spec.scope", spec["scope"], _SCOPES))
    causes += _versions(spec)
    causes += _names(spec.get("names") or {})
    if old is not None:
        causes += _changes(new, old)
    if old is None or spec != old["spec"]:  # who writes the status may say what he wants of what is stored
        causes += _stored(new)
    causes += _approval(new, old)
    if spec.get("preserveUnknownFields"):
        remedy = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        causes.append(invalid("spec.preserveUnknownFields", True, f"cannot set to true, {remedy}"))
    return causes


def _group(group: str) -> list[Cause]:
    if not group:
        return [required("spec.group")]
    if faults := list(SUBDOMAIN.faults(group)):
        return [_wrong("spec.group", group, faults)]
    return [] if "." in group else [invalid("spec.group", group, "should be a domain with at least one dot")]


def _names(names: Object) -> list[Cause]:
    """A singular and a list kind that nobody chose follow from the kind, so they are missing only where that is."""
    causes = [required(f"spec.names.{field}") for field in _NAMES if not names.get(field)]
    for field in ("plural", "singular"):
        causes += _label(f"spec.names.{field}", names.get(field) or "")
    for field in ("kind", "listKind"):
        causes += _label(f"spec.names.{field}", names.get(field) or "", mixed=True)
    for field in ("shortNames", "categories"):
        for index, name in enumerate(names.get(field) or ()):
            if faults := list(LABEL_1035.faults(name)):
                causes.append(_wrong(f"spec.names.{field}[{index}]", name, faults))
    if names.get("kind") and names["kind"] == names.get("listKind"):
        causes.append(invalid("spec.names.listKind", names["listKind"], "kind and listKind may not be the same"))
    return causes


def _label(field: str, name: str, *, mixed: bool = False) -> list[Cause]:
    """What is wrong with a name that is there."""
    faults = list(LABEL_1035.faults(name.lower() if mixed else name)) if name else []
    return [_wrong(field, name, faults, _MIXED if mixed else "")] if faults else []


def _wrong(field: str, value: str, faults: Iterable[str], before: str = "") -> Cause:
    return invalid(field, value, before + ",".join(faults))


def _changes(new: Object, old: Object) -> list[Cause]:
    """What must stay: its own name, and once its objects are served, how they are stored."""
    served = is_true(old.get("status") or {}, "Established")
    fields = [*(("scope", "names.kind") if served else ()), "group", "names.plural"]
    return [
        invalid(f"spec.{field}", value, "field is immutable")
        for field in fields
        if (value := lookup(new, f"spec.{field}", "")) != lookup(old, f"spec.{field}", "")
    ]


def _versions(spec: Object) -> list[Cause]:
    """The versions of a definition, each with a name of its own, one of which is stored."""
    versions = spec.get("versions") or []
    causes = [
        required(f"spec.versions[{index}].schema.openAPIV3Schema")
        for index, version in enumerate(versions)
        if lookup(version, "schema.openAPIV3Schema") is None
    ]
    for index, version in enumerate(versions):
        causes += _version(version, f"spec.versions[{index}]")
    names = [version.get("name") or "" for version in versions]
    told = [_as_kept(version) for version in versions] or spec.get("versions")
    if len({*names}) < len(names):
        causes.append(invalid("spec.versions", told, "must contain unique version names"))
    if sum(bool(version.get("storage")) for version in versions) != 1:
        causes.append(invalid("spec.versions", told, "must have exactly one version marked as storage version"))
    if names and names[0] and (faults := list(LABEL_1035.faults(names[0]))):
        causes.append(_wrong("spec.version", names[0], faults))  # what older servers called the first one
    return causes


def _as_kept(version: Object) -> Object:
    """A version as refusals show it: as the real server keeps it, with what all versions share kept elsewhere."""
    shared = ("Schema", "Subresources", "AdditionalPrinterColumns", "SelectableFields")
    return {
        "Name": version.get("name") or "",
        "Served": bool(version.get("served")),
        "Storage": bool(version.get("storage")),
        "Deprecated": bool(version.get("deprecated")),
        "DeprecationWarning": version.get("deprecationWarning"),
        **dict.fromkeys(shared),
    }


def _version(version: Object, path: str) -> list[Cause]:
    """One version of a definition: what the API server needs in order to serve it."""
    faults = list(LABEL_1035.faults(version.get("name") or ""))
    causes = [_wrong(f"{path}.name", version.get("name") or "", faults)] if faults else []
    for index, column in enumerate(version.get("additionalPrinterColumns") or []):
        place = f"{path}.additionalPrinterColumns[{index}]"
        causes += [required(f"{place}.{field}") for field in ("name", "type", "jsonPath") if not column.get(field)]
    scale = lookup(version, "subresources.scale")
    if scale is not None:
        place = f"{path}.subresources.scale"
        causes += [
            required(f"{place}.{field}") for field in ("specReplicasPath", "statusReplicasPath") if not scale.get(field)
        ]
    return causes


def _stored(definition: Object) -> list[Cause]:
    """What was ever stored has to stay readable until somebody says that nothing is stored so any longer."""
    field, stored = "status.storedVersions", lookup(definition, "status.storedVersions")
    if not stored:
        return [invalid(field, stored, "must have at least one stored version")]
    left = {name: index for index, name in enumerate(stored)}
    causes = []
    for version in lookup(definition, "spec.versions", []):
        name = version.get("name") or ""
        if name not in left and version.get("storage"):
            causes.append(invalid(field, stored, f"must have the storage version {name}"))
        left.pop(name, None)
    return causes + [invalid(f"{field}[{index}]", name, _GONE.format(name)) for name, index in left.items()]


def _approval(new: Object, old: Object | None) -> list[Cause]:
    """Groups of the Kubernetes project are not anybody's to use."""
    if not str(lookup(new, "spec.group", "")).endswith(_PROTECTED):
        return []
    state = _approval_of(new)
    if state is _Approval.GIVEN or (old is not None and state is _approval_of(old)):
        return []
    field, why = f"metadata.annotations[{_APPROVED}]", f'protected groups must have approval annotation "{_APPROVED}"'
    if state is _Approval.MISSING:
        return [required(field, f"{why}, see {_POLICY}")]
    told = f'{why} with either a URL or a reason starting with "unapproved", see {_POLICY}'
    return [invalid(field, _annotation(new), told)]


def _approval_of(definition: Object) -> "_Approval":
    said = _annotation(definition)
    if not said:
        return _Approval.MISSING
    address = urlsplit(said)
    is_good = said.startswith("unapproved") or (address.scheme and address.netloc)
    return _Approval.GIVEN if is_good else _Approval.STRANGE


def _annotation(definition: Object) -> str:
    return str((definition["metadata"].get("annotations") or {}).get(_APPROVED, ""))
