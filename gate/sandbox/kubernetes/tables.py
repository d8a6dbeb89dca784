"""The forms of an answer that a client can choose: objects, their metadata, or the rows that kubectl prints."""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from gate.sandbox.kubernetes.errors import NotAcceptable
from gate.sandbox.kubernetes.objects import Object
from gate.sandbox.kubernetes.resources import Resource
from gate.sandbox.kubernetes.store import Entry

META = "meta.k8s.io/v1"


class Form(StrEnum):
    OBJECT = ""
    TABLE = "Table"
    PARTIAL = "PartialObjectMetadata"
    PARTIAL_LIST = "PartialObjectMetadataList"


def accepted(header: str) -> Form:
    """The first form in an Accept header that can be had; NotAcceptable if there is none."""
    for offer in header.split(",") if header else ["*/*"]:
        media, *parameters = (part.strip() for part in offer.split(";"))
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        if media not in ("application/json", "application/*", "*/*"):
            continue
        if not named.get("as"):
            return Form.OBJECT
        if named["as"] in set(Form) and (named.get("g"), named.get("v")) == ("meta.k8s.io", "v1"):
            return Form(named["as"])
    raise NotAcceptable(
        "only the following media types are accepted: application/json, "
        "application/json;as=Table;v=v1;g=meta.k8s.io, application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"
    )


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
    elif include != "None":
        row["object"] = _partial(entry)
    return row


def _partial(entry: Entry) -> Object:
    return {"kind": Form.PARTIAL.value, "apiVersion": META, "metadata": entry.shared["metadata"]}
