"""Structural OpenAPI v3 schemas of custom resources: pruning, defaulting and validation, in that order.

CEL rules (`x-kubernetes-validations`) are not evaluated: an object that only such a rule refuses is accepted here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from gate.sandbox.kubernetes.language.decoding import Decoded, decode, doubled_fields, unknown_field
from gate.sandbox.kubernetes.language.errors import (
    BadRequest,
    Cause,
    CauseType,
    invalid,
    not_supported,
    required,
    shown,
)
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.rules.validation import extended

PRESERVE = "x-kubernetes-preserve-unknown-fields"
INT_OR_STRING = "x-kubernetes-int-or-string"
EMBEDDED = "x-kubernetes-embedded-resource"
_TYPED = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True)
class Schema:
    """The schema of one version of a custom resource."""

    root: Object

    @classmethod
    def of(cls, version: Object) -> "Schema":
        return cls((version.get("schema") or {}).get("openAPIV3Schema") or {"type": "object", PRESERVE: True})

    def decode(self, obj: Object) -> Decoded:
        """The object without the fields that the schema does not declare."""
        unknown: list[str] = []
        body = {key: value for key, value in obj.items() if key not in _TYPED}
        pruned = _pruned(body, self._body, "", unknown)
        metadata = obj.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise BadRequest(f"metadata has to be a mapping, not {metadata!r}")
        metadata = decode("ObjectMeta", "meta/v1", metadata)
        typed = {key: obj[key] for key in _TYPED if key in obj} | {"metadata": metadata.object}
        unknown += [f"metadata.{oddity.path}" for oddity in metadata.oddities if oddity.what == "unknown"]
        return Decoded(typed | pruned, (*doubled_fields(obj), *map(unknown_field, sorted(unknown))))

    def default(self, obj: Object) -> None:
        _fill(obj, self._body)

    def validate(self, new: Object, old: Object | None) -> list[Cause]:
        body = {key: value for key, value in new.items() if key not in (*_TYPED, "status")}
        return [*extended(new, old), *_faults(body, self._body, ""), *self._status_faults(new)]

    def _status_faults(self, new: Object) -> Iterator[Cause]:
        """A status is looked at by itself, so its messages name what is in it as if there were nothing around it."""
        schema = (self._body.get("properties") or {}).get("status")
        if schema is not None and "status" in new:
            for cause in _faults(new["status"], schema, ""):
                within = "" if cause.field == "<nil>" else f".{cause.field}"
                yield replace(cause, field=f"status{within}")

    @cached_property
    def _body(self) -> Object:
        """The schema without what every object has, which the API server looks after itself."""
        properties = {key: value for key, value in (self.root.get("properties") or {}).items() if key not in _TYPED}
        demanded = [key for key in self.root.get("required") or () if key not in _TYPED]
        return self.root | {"properties": properties, "required": demanded}


def path_value(obj: Any, path: str) -> Any:
    """The value at a simple JSON path such as .status.conditions[?(@.type=="Ready")].status; None if there is none."""
    for step in _PATH_STEP.finditer(path):
        obj = _stepped(obj, step)
        if obj is None:
            return None
    return obj


_PATH_STEP = re.compile(
    r"""\.(?P<name>(?:\\.|[\w-])+) | \['(?P<quoted>[^']*)'\] | \[(?P<index>-?\d+)\]
      | \[\?\(@\.(?P<key>[\w.-]+)\s*==\s*['"](?P<value>[^'"]*)['"]\)\]""",
    re.VERBOSE,
)


def _stepped(obj: Any, step: re.Match[str]) -> Any:
    if step["index"] is not None:
        place = int(step["index"])
        return obj[place] if isinstance(obj, list) and -len(obj) <= place < len(obj) else None
    if step["key"] is not None:
        rows = obj if isinstance(obj, list) else []
        return next((row for row in rows if isinstance(row, dict) and str(row.get(step["key"])) == step["value"]), None)
    name = step["quoted"] if step["quoted"] is not None else step["name"].replace("\\", "")
    return obj.get(name) if isinstance(obj, dict) else None


# Pruning


def _pruned(value: Any, schema: Object, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        items = schema.get("items") or {}
        return [_pruned(each, items, f"{path}[{index}]", unknown) for index, each in enumerate(value)]
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    result = {}
    for key, each in value.items():
        place = f"{path}.{key}" if path else key
        if key in properties:
            result[key] = _pruned(each, properties[key], place, unknown)
        elif isinstance(others, dict):
            result[key] = _pruned(each, others, place, unknown)
        elif others or schema.get(PRESERVE) or (schema.get(EMBEDDED) and key in _TYPED):
            result[key] = each
        else:
            unknown.append(place)
    return result


# Defaulting


def _fill(value: Any, schema: Object) -> None:
    if isinstance(value, dict):
        for key, each in (schema.get("properties") or {}).items():
            if "default" in each and (key not in value or (value[key] is None and not each.get("nullable"))):
                value[key] = deepcopy(each["default"])
            elif key in value and value[key] is None and not each.get("nullable"):
                del value[key]
            if key in value:
                _fill(value[key], each)
        others = schema.get("additionalProperties")
        if isinstance(others, dict):
            for key in value.keys() - (schema.get("properties") or {}).keys():
                _fill(value[key], others)
    elif isinstance(value, list):
        for each in value:
            _fill(each, schema.get("items") or {})


# Validation

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}
_WORDS = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}


def faults(value: Any, schema: Object) -> Iterator[Cause]:
    """Where the value is not what the schema wants."""
    yield from _faults(value, schema, "")


def _faults(value: Any, schema: Object, path: str) -> Iterator[Cause]:
    if value is None and schema.get("nullable"):
        return
    wrong = _type_fault(value, schema, path)
    if wrong is not None:
        yield wrong
        return
    if "enum" in schema and value not in schema["enum"]:
        yield not_supported(path, value, schema["enum"])
    if isinstance(value, str):
        yield from _string_faults(value, schema, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield from _number_faults(value, schema, path)
    elif isinstance(value, list):
        yield from _list_faults(value, schema, path)
    elif isinstance(value, dict):
        yield from _object_faults(value, schema, path)
    yield from _combined_faults(value, schema, path)


def _type_fault(value: Any, schema: Object, path: str) -> Cause | None:
    allowed: tuple[type, ...]
    if schema.get(INT_OR_STRING):
        allowed, wanted = (int, str), "integer,string"
    elif "type" in schema:
        allowed, wanted = _TYPES.get(schema["type"], ()), str(schema["type"])
    else:
        return None
    whole = isinstance(value, float) and value.is_integer() and wanted == "integer"
    if (isinstance(value, allowed) or whole) and not (isinstance(value, bool) and bool not in allowed):
        return None
    found = "null" if value is None else _WORDS[type(value)]
    message = f'Invalid value: "{found}": {path or "<nil>"} in body must be of type {wanted}: "{found}"'
    return Cause(field=path or "<nil>", type=CauseType.TYPE_INVALID, message=message)


def _said(path: str, value: Any, rule: str, kind: CauseType = CauseType.INVALID) -> Cause:
    shown_value = (
        f'"{"array" if isinstance(value, list) else "object"}"' if isinstance(value, list | dict) else shown(value)
    )
    return Cause(field=path, type=kind, message=f"Invalid value: {shown_value}: {path} in body {rule}")


def _string_faults(value: str, schema: Object, path: str) -> Iterator[Cause]:
    if "maxLength" in schema and len(value) > schema["maxLength"]:
        limit = schema["maxLength"]
        yield Cause(field=path, type=CauseType.TOO_LONG, message=f"Too long: may not be more than {limit} bytes")
    if "minLength" in schema and len(value) < schema["minLength"]:
        yield _said(path, value, f"should be at least {schema['minLength']} chars long")
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield _said(path, value, f"should match '{schema['pattern']}'")
    check = _FORMATS.get(schema.get("format", ""))
    if check is not None and not check(value):
        yield _said(path, value, f"must be of type {schema['format']}: {shown(value)}", CauseType.TYPE_INVALID)


def _number_faults(value: float, schema: Object, path: str) -> Iterator[Cause]:
    # Like the real server's, a limit loses its fraction where the value is a whole number.
    whole = isinstance(value, int)
    if "minimum" in schema:
        strict, limit = schema.get("exclusiveMinimum"), int(schema["minimum"]) if whole else schema["minimum"]
        if value < limit or (strict and value == limit):
            yield _said(path, value, f"should be greater than {'' if strict else 'or equal to '}{limit}")
    if "maximum" in schema:
        strict, limit = schema.get("exclusiveMaximum"), int(schema["maximum"]) if whole else schema["maximum"]
        if value > limit or (strict and value == limit):
            yield _said(path, value, f"should be less than {'' if strict else 'or equal to '}{limit}")
    if "multipleOf" in schema and value % schema["multipleOf"]:
        yield _said(path, value, f"should be a multiple of {schema['multipleOf']}")
    if schema.get("format") == "int32" and not -(2**31) <= value < 2**31:
        yield _said(path, value, f"must be of type int32: {shown(value)}")


def _list_faults(value: list[Any], schema: Object, path: str) -> Iterator[Cause]:
    if "maxItems" in schema and len(value) > schema["maxItems"]:
        limit = schema["maxItems"]
        message = f"Too many: {len(value)}: must have at most {limit} items"
        yield Cause(field=path, type=CauseType.TOO_MANY, message=message)
    if "minItems" in schema and len(value) < schema["minItems"]:
        yield _said(path, len(value), f"should have at least {schema['minItems']} items")
    yield from _twins(value, schema, path)
    for index, each in enumerate(value):
        yield from _faults(each, schema.get("items") or {}, f"{path}[{index}]")


def _twins(value: list[Any], schema: Object, path: str) -> Iterator[Cause]:
    """Elements of a set or map list that are there twice."""
    kind = schema.get("x-kubernetes-list-type")
    seen: list[Any] = []
    for index, each in enumerate(value):
        if kind == "map" and isinstance(each, dict):
            identity: Any = {key: each.get(key) for key in schema.get("x-kubernetes-list-map-keys") or ()}
        elif kind == "set":
            identity = each
        else:
            return
        if identity in seen:
            message = f"Duplicate value: {shown(identity)}"
            yield Cause(field=f"{path}[{index}]", type=CauseType.DUPLICATE, message=message)
        seen.append(identity)


def _object_faults(value: Object, schema: Object, path: str) -> Iterator[Cause]:
    properties = schema.get("properties") or {}
    others = schema.get("additionalProperties")
    for key in schema.get("required") or ():
        if key not in value:
            yield required(f"{path}.{key}" if path else key)
    if "maxProperties" in schema and len(value) > schema["maxProperties"]:
        limit = schema["maxProperties"]
        message = f"Too many: {len(value)}: must have at most {limit} items"
        yield Cause(field=path, type=CauseType.TOO_MANY, message=message)
    if "minProperties" in schema and len(value) < schema["minProperties"]:
        yield _said(path, value, f"should have at least {schema['minProperties']} properties")
    for key, each in value.items():
        inner = properties.get(key, others if isinstance(others, dict) else None)
        if inner is not None:
            yield from _faults(each, inner, f"{path}.{key}" if path else key)


def _combined_faults(value: Any, schema: Object, path: str) -> Iterator[Cause]:
    for inner in schema.get("allOf") or ():
        yield from _faults(value, inner, path)
    for word, rule, most in (("anyOf", "at least one", None), ("oneOf", "one and only one", 1)):
        choices = schema.get(word) or ()
        fitting = sum(not any(_faults(value, choice, path)) for choice in choices)
        if choices and not 1 <= fitting <= (most or fitting):
            yield invalid(path or "<nil>", "", f"{path!r} must validate {rule} schema ({word})")
    if "not" in schema and not any(_faults(value, schema["not"], path)):
        yield invalid(path or "<nil>", "", f"{path!r} must not validate the schema (not)")


def _is_date_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text.upper()).tzinfo is not None and "T" in text.upper()
    except ValueError:
        return False


def _is_date(text: str) -> bool:
    return re.fullmatch(r"\d{4}-\d\d-\d\d", text) is not None and _is_date_time(f"{text}T00:00:00Z")


_FORMATS: Mapping[str, Callable[[str], bool]] = {
    "date-time": _is_date_time,
    "date": _is_date,
    "uuid": lambda text: re.fullmatch(r"(?i)[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", text) is not None,
    "duration": lambda text: re.fullmatch(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+", text) is not None,
}
"""The formats that are checked; others are documentation, as on the real server."""
