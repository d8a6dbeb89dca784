"""The patches that come in requests: which kinds there are, and what they make of an object (by `language.patch`)."""

import json
import re
from collections.abc import Callable
from typing import TypeAlias

from gate.sandbox.kubernetes.language import patch
from gate.sandbox.kubernetes.language.decoding import Oddity, doubled_fields, json_fault, read_json, type_fault
from gate.sandbox.kubernetes.language.errors import BadRequest, UnsupportedMediaType
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.routes import Request, Target

Patch: TypeAlias = Callable[[Object], Object]

_OPERATION = re.compile(r"\[\d+\]\.\w+")
"""The path of a field of a JSON patch itself, not of the values in it."""

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCHES = ("application/apply-patch+yaml", "application/apply-patch+cbor")
PATCHES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, *APPLY_PATCHES)
"""What a real server knows; what of these is not had here is refused in other words than what nobody knows."""


def patch_in(request: Request, about: Target) -> tuple[Patch, list[Oddity]]:
    """The patch in the body as a function, and what is odd about it.

    BadRequest where there is none, UnsupportedMediaType with what can be had.
    """
    if request.media_type not in PATCHES:
        raise UnsupportedMediaType("415: Unsupported Media Type", details={})
    kinds = [JSON_PATCH, MERGE_PATCH] if about.resource.custom else [JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH]
    if request.media_type not in kinds:
        raise UnsupportedMediaType(
            "the body of the request was in an unknown format - accepted media types include: " + ", ".join(kinds)
        )
    strategic = request.media_type == STRATEGIC_MERGE_PATCH
    try:
        body = read_json(request.body)
    except json.JSONDecodeError as error:
        raise BadRequest(f"{'' if strategic else 'error decoding patch: '}{json_fault(error)}") from error
    oddities = list(doubled_fields(body))
    if oddities:  # told once: what they led to is one thing
        body = json.loads(request.body)
    where = "" if strategic else "error decoding patch: "
    if request.media_type == JSON_PATCH:
        if not isinstance(body, list):
            raise BadRequest(where + type_fault(body, "[]handlers.jsonPatchOp"))
        oddities = [Oddity(f"json patch {what}", path) for what, path in oddities if _OPERATION.fullmatch(path)]
        return lambda present: patch.json_patch(present, body), oddities
    if not isinstance(body, dict):
        raise BadRequest(where + type_fault(body, "map[string]interface {}"))
    if not strategic:
        return lambda present: patch.merge_patch(present, body), oddities
    kind = "Scale" if about.subresource == "scale" else about.resource.kind
    return lambda present: _of_the_same_kind(patch.strategic_merge_patch(present, body, kind), present), oddities


def _of_the_same_kind(patched: Object, present: Object) -> Object:
    """A strategic patch is one of the kind that it is sent to, whatever it says of itself."""
    said = {field: present[field] for field in ("kind", "apiVersion") if isinstance(patched.get(field, ""), str)}
    return patched | said
