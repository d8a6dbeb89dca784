"""What the store keeps and tells: versions of objects, and the changes from one to the next."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from gate.sandbox.kubernetes.language.objects import Object, name_of, namespace_of
from gate.sandbox.kubernetes.registry.resource import Resource

Key: TypeAlias = tuple[str, str]
"""Namespace ("" for objects of the whole cluster) and name."""

HEAD = ("kind", "apiVersion")
"""What every stored object begins with."""


class ChangeType(StrEnum):
    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"


class Entry:
    """One version of one object. It is shared and must not be changed; `copy` is for keeping."""

    __slots__ = ("_encoded", "revision", "shared")

    def __init__(self, obj: Object, revision: int) -> None:
        self.shared = obj
        self.revision = revision
        self._encoded: bytes | None = None

    @property
    def encoded(self) -> bytes:
        """Compact JSON, made once for all readers."""
        encoded = self._encoded
        if encoded is None:
            encoded = self._encoded = json.dumps(self.shared, separators=(",", ":"), ensure_ascii=False).encode()
        return encoded

    @property
    def encoded_item(self) -> bytes:
        """The same without kind and apiVersion, which the items of a list of a built-in kind do not repeat."""
        head = json.dumps({key: self.shared[key] for key in HEAD}, separators=(",", ":"))
        return b"{" + self.encoded[len(head) :]

    def copy(self) -> Object:
        copied: Object = json.loads(self.encoded)
        return copied

    def fade(self) -> None:
        """There is a newer version, so few will ask for this one: do not keep its JSON."""
        self._encoded = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of the history."""

    type: ChangeType
    resource: Resource
    revision: int
    entry: Entry
    """After the change; of a deleted object its last state, at the revision of the deletion."""
    before: Entry | None

    @property
    def object(self) -> Object:
        """A copy of the object after the change."""
        return self.entry.copy()

    @property
    def key(self) -> Key:
        """Where in the table of its resource the object lies."""
        return key_of(self.resource, namespace_of(self.entry.shared), name_of(self.entry.shared))


def key_of(resource: Resource, namespace: str, name: str) -> Key:
    return (namespace if resource.namespaced else "", name)
