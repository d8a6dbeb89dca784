"""The history of the store: its latest changes, so that watches can begin in the past and lists show it."""

from collections import deque
from collections.abc import Iterator, Mapping

from gate.sandbox.kubernetes.language.errors import Gone
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.store.changes import Change, Entry, Key


class History:
    """The last `limit` changes. Whoever uses it holds the store's lock."""

    def __init__(self, limit: int) -> None:
        self._changes: deque[Change] = deque()
        self._limit = limit
        self._oldest = 0
        """The revision after which nothing is forgotten."""

    def append(self, change: Change) -> None:
        self._changes.append(change)
        while len(self._changes) > self._limit:
            self._oldest = self._changes.popleft().revision

    def forget(self, revision: int) -> None:
        """Drop everything up to this revision, the latest."""
        self._changes.clear()
        self._oldest = revision

    def since(self, revision: int) -> Iterator[Change]:
        """What followed the revision; Gone if that is forgotten."""
        if revision < self._oldest:
            raise Gone.revision(revision, self._oldest)
        return (change for change in self._changes if change.revision > revision)

    def rewound(self, table: Mapping[Key, Entry], resource: Resource, revision: int) -> dict[Key, Entry]:
        """The objects of a resource as they were, from those that are there now; Gone if that is forgotten."""
        if revision < self._oldest:
            raise Gone("The resourceVersion for the provided list is too old.")
        rewound = dict(table)
        for change in reversed(self._changes):
            if change.revision <= revision:
                break
            if change.resource.key != resource.key:
                continue
            if change.before is None:
                rewound.pop(change.key, None)
            else:
                rewound[change.key] = change.before
        return rewound
