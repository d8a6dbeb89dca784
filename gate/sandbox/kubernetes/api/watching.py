"""A watch as a client sees it: the changes of the store, seen through selectors, as lines of JSON with bookmarks."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from datetime import datetime

from gate.sandbox.kubernetes.api import tables
from gate.sandbox.kubernetes.api.tables import Form
from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.store.changes import Change, ChangeType, Entry
from gate.sandbox.kubernetes.store.watch import Watch

IDLE = 0.5
"""Seconds without a change after which the stream gives a sign of life, so that its reader's absence is noticed."""

BOOKMARK_EVERY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What of the changes a client wants to see, and how."""

    resource: Resource
    namespace: str
    wanted: Callable[[Object], bool]
    form: Form
    include: str
    bookmarks: bool
    seconds: float | None
    """How long the watch lasts; None: until somebody ends it."""

    def shows(self, entry: Entry) -> bool:
        place = entry.shared["metadata"].get("namespace")
        return (not self.namespace or place == self.namespace) and self.wanted(entry.shared)

    def seen(self, change: Change) -> tuple[ChangeType, Entry] | None:
        """The change as this view shows it: an object that stops matching is deleted, one that starts to is added."""
        after = change.type is not ChangeType.DELETED and self.shows(change.entry)
        before = change.before is not None and self.shows(change.before)
        if after:
            return (ChangeType.MODIFIED if before else ChangeType.ADDED), change.entry
        if not before or change.before is None:
            return None
        if change.type is ChangeType.DELETED:
            return ChangeType.DELETED, change.entry
        last = change.before.copy()
        last["metadata"]["resourceVersion"] = str(change.revision)
        return ChangeType.DELETED, Entry(last, change.revision)


def stream(
    view: View,
    initial: Sequence[Entry],
    watch: Watch,
    revision: int,
    *,
    initial_end: bool,
    wall: Callable[[], datetime],
    monotonic: Callable[[], float],
) -> Generator[bytes]:
    """The lines of the watch: first the initial objects as ADDED, then what changes after `revision`; b"" when idle.

    A bookmark tells a client that asked for them how far it has come: about each second when something has happened,
    and at the end. The first line is empty: whoever has taken it can end the watch by closing the generator.
    """
    lines = _Lines(view, wall)
    with watch:
        yield b""
        for entry in initial:
            yield lines.event(ChangeType.ADDED.value, entry)
        if initial_end:
            yield lines.bookmark(revision, {"k8s.io/initial-events-end": "true"})
        end = None if view.seconds is None else monotonic() + view.seconds
        told, told_at = revision, monotonic()
        while not watch.closed:
            left = IDLE if end is None else min(IDLE, end - monotonic())
            if left <= 0:
                break
            change = watch.next(left)
            if change is None and watch.closed:
                break
            shown = view.seen(change) if change is not None else None
            yield lines.event(shown[0].value, shown[1]) if shown is not None else b""
            if view.bookmarks and monotonic() - told_at >= BOOKMARK_EVERY:
                told_at, reached = monotonic(), watch.caught_up()
                if reached is not None and reached > told:
                    told = reached
                    yield lines.bookmark(told)
        if view.bookmarks and (reached := watch.caught_up()) is not None:
            yield lines.bookmark(reached)


def refusal(error: ApiError) -> Generator[bytes]:
    """The one line of a watch that cannot go on."""
    yield b'{"type":"ERROR","object":' + tables.encode(error.as_status()) + b"}\n"


class _Lines:
    def __init__(self, view: View, wall: Callable[[], datetime]) -> None:
        self._view = view
        self._wall = wall
        self._headed = True

    def event(self, kind: str, entry: Entry) -> bytes:
        view = self._view
        if view.form is Form.TABLE:
            metadata = {"resourceVersion": str(entry.revision)}
            rows = tables.table(view.resource, [entry], metadata, self._wall(), view.include, headed=self._headed)
            self._headed = False
            body = tables.encode(rows)
        else:
            body = tables.one(view.resource, entry, view.form, self._wall())
        return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"

    def bookmark(self, revision: int, annotations: Object | None = None) -> bytes:
        resource = self._view.resource
        metadata: Object = {"resourceVersion": str(revision)}
        if annotations:
            metadata["annotations"] = annotations
        empty = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
        return self.event("BOOKMARK", Entry(empty, revision))
