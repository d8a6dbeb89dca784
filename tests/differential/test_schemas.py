"""Schemas of custom resources that are not structural: both grounds refuse the same, and take the same."""

from typing import Any

import pytest

from tests.differential.comparing import Pair
from tests.differential.player import Ask
from tests.differential.words import DEFINITIONS

pytestmark = pytest.mark.cluster

LIST_TYPE, KEYS = "x-kubernetes-list-type", "x-kubernetes-list-map-keys"
PRESERVE, EITHER = "x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string"
TEXT, THING = {"type": "string"}, {"type": "object"}
KEYED = {"type": "object", "properties": {"k": TEXT}}

FIELDS: tuple[dict[str, Any], ...] = (
    {"type": "objekt"},
    {},
    {"description": "of no type"},
    *({"type": "string", "pattern": pattern} for pattern in ("(", "(?!x)", "^a+$")),
    *({"type": "string", "default": value} for value in (5, "a")),
    {"type": "string", "enum": ["a"], "default": "b"},
    {"type": "string", "nullable": True, "default": None},
    {"type": "object", "properties": {"b": {"type": "integer"}}, "default": {"b": "x"}},
    *({"type": "array", "items": items} for items in ({}, [TEXT], TEXT)),
    {"type": "array"},
    {"type": "array", "items": TEXT, "uniqueItems": True},
    {"type": "array", "items": TEXT, LIST_TYPE: "bag"},
    {"type": "array", "items": THING, LIST_TYPE: "map"},
    {"type": "array", "items": KEYED, LIST_TYPE: "map", KEYS: ["k"]},
    {"type": "array", "items": KEYED | {"required": ["k"]}, LIST_TYPE: "map", KEYS: ["k"]},
    {"$ref": "#/x"},
    {"type": "object", "properties": {"b": TEXT}, "additionalProperties": TEXT},
    *({"type": "object", "additionalProperties": more} for more in (True, False, {}, TEXT)),
    {"type": "string", "anyOf": [TEXT]},
    {"type": "string", "anyOf": [{"pattern": "a"}], "not": {"minLength": 2}},
    *({EITHER: True}, {EITHER: True, "anyOf": [{"type": "integer"}, TEXT]}, {PRESERVE: True}),
    {"type": "object", "x-kubernetes-embedded-resource": True},
)
ROOTS: tuple[dict[str, Any], ...] = (
    *({}, TEXT, THING | {PRESERVE: False}, {PRESERVE: True}),
    {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"labels": THING}}}},
    {"type": "object", "properties": {"metadata": {"type": "object", "properties": {"name": TEXT}}}},
    {"type": "object", "properties": {"kind": {"type": "integer"}}},
)

OF_WRONG_TYPES: tuple[Any, ...] = (
    *("x", [], {"type": 5}, {"type": "object", "properties": []}, {"type": "object", "properties": {"a": "x"}}),
    *({"type": "object", "required": "a"}, {"type": "object", "odd": 1}, {"type": "object", "title": None}),
    {"type": "object", "properties": {"a": {"type": "string", "nullable": "yes"}}},
    {"type": "object", "properties": {"a": {"type": "string", "enum": "a"}}},
    {"type": "object", "properties": {"a": {"type": "string", "maxLength": 1.5}}},
    {"type": "object", "properties": {"a": {"type": "integer", "minimum": "1"}}},
    {"type": "object", "properties": {"a": {"type": "array", "items": 5}}},
    {"type": "object", "properties": {"a": {"type": "object", "properties": {"b": {"odd": {}, "type": "string"}}}}},
)


def definition(*schemas: Any) -> Ask:
    versions = [
        {"name": f"v{number}", "served": True, "storage": number == 1, "schema": {"openAPIV3Schema": schema}}
        for number, schema in enumerate(schemas, 1)
    ]
    spec = {"group": "example.com", "scope": "Namespaced", "names": {"plural": "things", "kind": "Thing"}}
    made = DEFINITIONS.object("things.example.com", spec={**spec, "versions": versions})
    return DEFINITIONS.create(made, dryRun="All").show("kind", "reason", "details.causes.0.field")


def test_schemas(pair: Pair) -> None:
    fields = [{"type": "object", "properties": {"a": field}} for field in FIELDS]
    pair.agree_on(*map(definition, (*fields, *ROOTS, *OF_WRONG_TYPES)), definition(THING, TEXT), definition(TEXT, TEXT))
