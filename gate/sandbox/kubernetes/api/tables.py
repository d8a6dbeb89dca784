"""The forms of an answer that a client can choose: objects, their metadata, or the rows that kubectl prints."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from gate.sandbox.kubernetes.language.errors import BadRequest, NotAcceptable
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.store.changes import Entry

META = "meta.k8s.io/v1"


class Form(StrEnum):
    OBJECT = ""
    TABLE = "Table"
    PARTIAL = "PartialObjectMetadata"
    PARTIAL_LIST = "PartialObjectMetadataList"


_SERVED = "application/json, application/yaml, application/vnd.kubernetes.protobuf"
"""What the real server names when it can give none of what was asked for; the sandbox has only the first."""


def accepted(header: str) -> Form:
    """The first form in an Accept header that can be had; NotAcceptable if there is none."""
    known = False
    for offer in header.split(",") if header else ["*/*"]:
        media, *parameters = (part.strip() for part in offer.split(";"))
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        if media not in ("application/json", "*/*"):
            continue
        known = True
        if not named.get("as"):
            return Form.OBJECT
        if named["as"] in set(Form) and (named.get("g"), named.get("v")) == ("meta.k8s.io", "v1"):
            return Form(named["as"])
    if known:
        raise NotAcceptable(f"only the following media types are accepted: {_SERVED}")
    raise NotAcceptable(f"406: Not Acceptable\n\nAvailable representations: {_SERVED}", details={})


def accepted_of_one(header: str) -> Form:
    """The same for one object, which has not the form of a list."""
    form = accepted(header)
    if form is Form.PARTIAL_LIST:
        raise NotAcceptable("you requested PartialObjectMetadataList, but the requested object is not a list")
    return form


def accepted_of_many(header: str) -> Form:
    """The same for a list, which has not the form of one object."""
    form = accepted(header)
    if form is Form.PARTIAL:
        raise NotAcceptable("you requested PartialObjectMetadata, but the requested object is a list")
    return form


def included(query: Mapping[str, str], form: Form) -> str:
    """What goes with each row of a table; BadRequest for what cannot."""
    wanted = query.get("includeObject") or "Metadata"
    if form is Form.TABLE and wanted not in ("Metadata", "Object", "None"):
        raise BadRequest(
            f'Unable to convert to Table as requested: includeObject: Invalid value: "{wanted}": '
            "must be 'Metadata', 'Object', 'None', or empty"
        )
    return wanted


def encode(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def one(resource: Resource, entry: Entry, form: Form, now: datetime, include: str = "Metadata") -> bytes:
    """One object in the form."""
    match form:
        case Form.TABLE:
            return encode(table(resource, [entry], {"resourceVersion": str(entry.revision)}, now, include))
        case Form.PARTIAL | Form.PARTIAL_LIST:
            return encode(_partial(entry))
        case Form.OBJECT if entry.shared["apiVersion"] == resource.api_version:
            return entry.encoded
        case Form.OBJECT:
            return encode(entry.shared | {"apiVersion": resource.api_version})


def many(
    resource: Resource, entries: Sequence[Entry], metadata: Object, form: Form, now: datetime, include: str = "Metadata"
) -> bytes:
    """A list of objects in the form."""
    if form is Form.TABLE:
        return encode(table(resource, entries, metadata, now, include))
    if form is not Form.OBJECT:
        items = b",".join(encode(_partial(entry)) for entry in entries)
        head = {"kind": "PartialObjectMetadataList", "apiVersion": META, "metadata": metadata}
    else:
        head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata}
        if resource.custom:
            head["metadata"] = {"continue": "", **metadata}
            items = b",".join(one(resource, entry, form, now) for entry in entries)
        else:
            items = b",".join(entry.encoded_item for entry in entries)
    return encode(head)[:-1] + b',"items":[' + items + b"]}"


def table(
    resource: Resource,
    entries: Sequence[Entry],
    metadata: Object,
    now: datetime,
    include: str = "Metadata",
    *,
    headed: bool = True,
) -> Object:
    """A metav1.Table. `include` says what goes with each row: the Object, its Metadata, or None."""
    return {
        "kind": "Table",
        "apiVersion": META,
        "metadata": metadata,
        "columnDefinitions": [column.as_object() for column in resource.columns] if headed else None,
        "rows": [_row(resource, entry, now, include) for entry in entries],
    }


def _row(resource: Resource, entry: Entry, now: datetime, include: str) -> Object:
    row: Object = {"cells": [column.cell(entry.shared, now) for column in resource.columns]}
    if include == "Object":
        row["object"] = entry.shared
    else:
        row["object"] = None if include == "None" else _partial(entry)
    return row


def _partial(entry: Entry) -> Object:
    return {"kind": Form.PARTIAL.value, "apiVersion": META, "metadata": entry.shared["metadata"]}
