"""The objects of one resource, found by where they lie and by who controls them.

Whoever uses it holds the store's lock. Controllers look for what is theirs after every change: among a thousand
ReplicaSets that must not take longer than among ten.
"""

from collections.abc import Collection

from gate.sandbox.kubernetes.language.objects import controller_of, namespace_of, uid_of
from gate.sandbox.kubernetes.store.changes import Entry, Key


class Table:
    __slots__ = ("_entries", "_subjects")

    def __init__(self) -> None:
        self._entries: dict[Key, Entry] = {}
        self._subjects: dict[tuple[str, str], dict[Key, Entry]] = {}
        """By namespace and controller."""

    def get(self, key: Key) -> Entry | None:
        return self._entries.get(key)

    def all(self) -> dict[Key, Entry]:
        """A copy of the whole, by place."""
        return dict(self._entries)

    def controlled(self, namespace: str, uids: Collection[str]) -> list[tuple[Key, Entry]]:
        """Those in the namespace that one of these controls; "" stands for nobody."""
        return [row for uid in uids for row in self._subjects.get((namespace, uid), {}).items()]

    def put(self, key: Key, entry: Entry) -> None:
        self.drop(key)
        self._entries[key] = entry
        self._subjects.setdefault(_controller(entry), {})[key] = entry

    def drop(self, key: Key) -> None:
        before = self._entries.pop(key, None)
        if before is None:
            return
        subjects = self._subjects[_controller(before)]
        del subjects[key]
        if not subjects:
            del self._subjects[_controller(before)]


def _controller(entry: Entry) -> tuple[str, str]:
    return namespace_of(entry.shared), uid_of({"metadata": controller_of(entry.shared) or {}})
