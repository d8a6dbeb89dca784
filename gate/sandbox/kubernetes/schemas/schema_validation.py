"""What the API server refuses in the schemas of a CustomResourceDefinition: whatever is not structural.

CEL rules are not compiled, as they are not evaluated.
"""

import re
from collections.abc import Iterator
from typing import Any

from gate.sandbox.kubernetes.language.errors import Cause, forbidden, invalid, not_supported, required
from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.rules.definition_validation import custom_resource_definition
from gate.sandbox.kubernetes.schemas import schema as schemas

_TYPES = ("array", "boolean", "integer", "number", "object", "string")
_LIST_TYPES = ("atomic", "set", "map")
_IMPLICIT = {"apiVersion": "string", "kind": "string", "metadata": "object"}
"""What every object has at its root, and of which type."""
_NOT_STRUCTURAL = ("type", "additionalProperties", "default", "description", "nullable", "title")
"""What has no place in the parts of a combination."""
_LOOKS_AROUND = re.compile(r"\(\?<?[=!]")
"""Regular expressions that Go does not have."""


def definition(new: Object, old: Object | None) -> list[Cause]:
    causes = custom_resource_definition(new, old)
    found = [lookup(version, "schema.openAPIV3Schema") for version in lookup(new, "spec.versions", [])]
    if found and found.count(found[0]) == len(found):  # what all versions have in common is looked at once
        return [*causes, *_root(found[0], "spec.validation.openAPIV3Schema")]
    for index, schema in enumerate(found):
        causes += _root(schema, f"spec.versions[{index}].schema.openAPIV3Schema")
    return causes


def _root(schema: Any, place: str) -> Iterator[Cause]:
    if not isinstance(schema, dict):
        return
    if schema.get("type", "object") != "object":
        yield invalid(f"{place}.type", schema["type"], "must be object at the root")
    for name, kind in _IMPLICIT.items():
        told = lookup(schema, f"properties.{name}", {})
        inner = f"{place}.properties[{name}]"
        if told.get("type", kind) != kind:
            yield invalid(f"{inner}.type", told["type"], f"must be {kind}")
        if name == "metadata" and not {*(told.get("properties") or {})} <= {"name", "generateName"}:
            detail = "must not specify anything other than name and generateName, but metadata is implicitly specified"
            yield forbidden(inner, detail)
    yield from _faults(schema, place, "at the root")


def _faults(schema: Any, place: str, where: str) -> Iterator[Cause]:
    if not isinstance(schema, dict):
        return
    if "$ref" in schema:
        yield forbidden(f"{place}.$ref", "$ref is not supported")
    yield from _type(schema, place, where)
    yield from _values(schema, place)
    yield from _list(schema, place)
    if not schema.get(schemas.INT_OR_STRING):
        yield from _combinations(schema, place)
    properties, others = schema.get("properties") or {}, schema.get("additionalProperties")
    if properties and others:
        yield forbidden(f"{place}.additionalProperties", "additionalProperties and properties are mutual exclusive")
    for name, inner in properties.items():
        yield from _faults(inner, f"{place}.properties[{name}]", "for specified object fields")
    yield from _faults(others, f"{place}.additionalProperties", "for specified object fields")
    yield from _faults(schema.get("items"), f"{place}.items", "for specified array items")


def _type(schema: Object, place: str, where: str) -> Iterator[Cause]:
    kind, open_to_all = schema.get("type"), schema.get(schemas.PRESERVE)
    if kind and kind not in _TYPES:
        yield not_supported(f"{place}.type", kind, _TYPES)
    elif not (kind or open_to_all or schema.get(schemas.INT_OR_STRING)):
        yield required(f"{place}.type", f"must not be empty {where}")
    if open_to_all is False:
        yield invalid(f"{place}.{schemas.PRESERVE}", False, "must be true or undefined")
    if schema.get(schemas.EMBEDDED) and not schema.get("properties") and not open_to_all:
        detail = f"must not be empty if {schemas.EMBEDDED} is true without {schemas.PRESERVE}"
        yield required(f"{place}.properties", detail)


def _values(schema: Object, place: str) -> Iterator[Cause]:
    """The pattern of values, and the one that is taken where there is none."""
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and (fault := _pattern_fault(pattern)):
        yield invalid(f"{place}.pattern", pattern, f"must be a valid regular expression, but isn't: {fault}")
    elif schema.get("default") is not None and schema.get("type", "object") in _TYPES:
        for cause in schemas.faults(schema["default"], schema):
            below = "" if cause.field in ("", "<nil>") else f".{cause.field}".replace(".[", "[")
            yield Cause(field=f"{place}.default{below}", type=cause.type, message=cause.message)


def _pattern_fault(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        return f"error parsing regexp: {error}"
    return "error parsing regexp: invalid or unsupported Perl syntax" if _LOOKS_AROUND.search(pattern) else ""


def _list(schema: Object, place: str) -> Iterator[Cause]:
    items, kind = schema.get("items"), schema.get("x-kubernetes-list-type")
    if schema.get("type") == "array" and not isinstance(items, dict | list):
        yield required(f"{place}.items", "must be specified")
    if isinstance(items, list):
        yield forbidden(f"{place}.items", "items must be a schema object and not an array")
    if schema.get("uniqueItems"):
        detail = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic"
        yield forbidden(f"{place}.uniqueItems", detail)
    if kind is not None and kind not in _LIST_TYPES:
        yield not_supported(f"{place}.x-kubernetes-list-type", kind, _LIST_TYPES)
    if kind != "map" or not isinstance(items, dict):
        return
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if not keys:
        detail = "must not be empty if x-kubernetes-list-type is map"
        yield required(f"{place}.x-kubernetes-list-map-keys", detail)
    for key in keys:
        inner = lookup(items, "properties", {}).get(key) or {}
        if key not in (items.get("required") or ()) and inner.get("default") is None:
            detail = "this property is in x-kubernetes-list-map-keys, so it must have a default or be required"
            yield required(f"{place}.items.properties[{key}].default", detail)


def _combinations(schema: Object, place: str) -> Iterator[Cause]:
    parts = [
        (f"{place}.{word}[{index}]", part)
        for word in ("allOf", "anyOf", "oneOf")
        for index, part in enumerate(schema.get(word) or ())
    ]
    for inner, part in (*parts, (f"{place}.not", schema.get("not") or {})):
        for field in _NOT_STRUCTURAL:
            if part.get(field):
                yield forbidden(f"{inner}.{field}", "must be empty to be structural")
