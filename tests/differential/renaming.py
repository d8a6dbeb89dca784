"""Answers without what no two servers agree on: uids, times, versions, generated names, tokens. Pure.

A value gets its name where it appears first, and the same value has the same name afterwards: so a version that
changed, or one that did not, still shows.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from tests.differential.player import Reply, value_at

TIMES = frozenset(
    (
        "creationTimestamp",
        "deletionTimestamp",
        "lastTransitionTime",
        "lastUpdateTime",
        "lastProbeTime",
        "startTime",
        "time",
    )
)
"""The fields whose times servers write. A time that a script wrote elsewhere stays."""

LONGEST = 500
"""Characters of a line in a diff."""

_UID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_MESSAGES = (
    (re.compile(r"(ResourceVersion in (?:precondition|object meta): )\d+"), r"\1<version>"),
    (re.compile(r"(ResourceVersion in (?:the precondition|record) \()\d+"), r"\1<version>"),
    # What a pod's change would have changed, as a diff of Go's structures.
    (re.compile(r"(if it was previously negative\))\n@@ .*", re.DOTALL), r"\1"),
    # What etcd and its client add is not the API's.
    (re.compile(r"StorageError: invalid object, Code: 4, Key: \S+, ResourceVersion: 0, AdditionalErrorMsg: "), ""),
    (re.compile(r"(too old resource version: )\d+ \(\d+\)"), r"\1<version> (<version>)"),
    (re.compile(r"(Too large resource version: )\d+, current: \d+"), r"\1<version>, current: <version>"),
    (re.compile(r"(spec\.template: Invalid value: )\{.*\}(: field is immutable)", re.DOTALL), r"\1<object>\2"),
    (re.compile(r"^(Invalid value: )\{.*\}(: field is immutable)$", re.DOTALL), r"\1<object>\2"),
    (re.compile(r'(Invalid value: )"(?:\{.*\}|map\[.*\])"(: )', re.DOTALL), r"\1<object>\2"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:Z| \+0000 UTC)"), "<time>"),
)
_AGE = re.compile(r"\d+(?:ms|s|m\d+s|m)|<unknown>")


class Renaming:
    """The names given so far, in one play on one server."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._versions: dict[str, str] = {}

    def replies(self, replies: Iterable[Reply], shown: Iterable[tuple[str, ...] | None]) -> list[Any]:
        """Each answer as a mapping of JSON values that can be compared; `shown` as in `Ask`."""
        return [self._reply(reply, paths) for reply, paths in zip(replies, shown, strict=True)]

    def _reply(self, reply: Reply, shown: tuple[str, ...] | None) -> Any:
        body = reply.body
        if isinstance(body, list):
            body = _one_bookmark(body)
        self._learn(body)
        if shown is None:
            body = self._renamed(body)
        else:
            body = {path: self._field(path.rpartition(".")[2], value_at(body, path), {"uid": ""}) for path in shown}
        return {"code": reply.code, "headers": dict(reply.headers), "body": body}

    def _learn(self, value: Any) -> None:
        """Name the generated names: they appear in messages, too."""
        for mapping in _mappings(value):
            name, prefix = str(mapping.get("name", "")), mapping.get("generateName")
            if prefix and name.startswith(prefix):
                self._names.setdefault(name, f"{prefix}<name {len(self._names)}>")

    def _renamed(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._renamed(each) for each in value]
        if isinstance(value, dict):
            if "columnDefinitions" in value:
                value = _ageless(value)
            value = _in_order(value)
            return {key: self._field(key, value[key], value) for key in sorted(value) if key != "managedFields"}
        return self._text(value) if isinstance(value, str) else value

    def _field(self, key: str, value: Any, around: dict[str, Any]) -> Any:
        if key in TIMES and isinstance(value, str):
            return "<time>"
        if key == "resourceVersion" and isinstance(value, str) and value:
            if "uid" not in around:
                return "<version of a list>"
            return self._versions.setdefault(value, f"<version {len(self._versions)}>")
        if key == "continue" and value:
            return "<token>"  # whether two are the same depends on what else was written to the server meanwhile
        return self._renamed(value)

    def _text(self, text: str) -> str:
        for pattern, name in _MESSAGES:
            text = pattern.sub(name, text)
        for raw, name in self._names.items():
            text = text.replace(raw, name)
        return _UID.sub(lambda found: self._names.setdefault(found[0], f"<uid {len(self._names)}>"), text)


def _one_bookmark(events: list[Any]) -> list[Any]:
    """How many bookmarks there are between two events is a matter of timing; that there are some is not.

    Of their objects only the version means anything.
    """
    kept: list[Any] = []
    for event in events:
        if event.get("type") != "BOOKMARK":
            kept.append(event)
        elif not kept or kept[-1]["type"] != "BOOKMARK" or value_at(event, "object.metadata.annotations"):
            told = {key: value for key, value in event["object"].items() if key in ("kind", "apiVersion", "metadata")}
            kept.append(event | {"object": told})
    return kept


def _ageless(table: dict[str, Any]) -> dict[str, Any]:
    """A Table without the ages in its cells, and without the essays on its columns."""
    rows = [
        row | {"cells": ["<age>" if isinstance(cell, str) and _AGE.fullmatch(cell) else cell for cell in row["cells"]]}
        for row in table.get("rows") or ()
    ]
    columns = [
        {key: said for key, said in column.items() if key != "description"}
        for column in table["columnDefinitions"] or ()
    ]
    return table | {"rows": rows, "columnDefinitions": columns}


def _in_order(value: dict[str, Any]) -> dict[str, Any]:
    """A Status with its causes in order: the real server's is a matter of chance, and it may say one twice.

    The sentence repeats the causes, and is left out where there are several.
    """
    causes = value_at(value, "details.causes")
    if not isinstance(causes, list):
        return value
    ordered = sorted(causes, key=lambda cause: (cause.get("field", ""), cause["message"]))
    once = [cause for index, cause in enumerate(ordered) if cause not in ordered[:index]]
    sentence = str(value["message"]).partition("is invalid: ")[0] if len(once) > 1 else value["message"]
    return value | {"message": sentence, "details": value["details"] | {"causes": once}}


def _mappings(value: Any) -> Iterable[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _mappings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _mappings(each)


def as_text(value: Any) -> list[str]:
    """Lines that a diff of two values is made from."""
    lines = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).splitlines()
    return [line if len(line) < LONGEST else f"{line[:LONGEST]}... ({len(line)} characters)" for line in lines]
