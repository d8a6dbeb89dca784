"""The store: every object, one counter of versions, and the history that watches are answered from.

Controllers and kubelet use it in the same process, the HTTP server for everybody else, with the same semantics.
One lock guards it. What goes in is copied and what comes out is a copy, so nobody can change a stored object.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random, SystemRandom
from threading import RLock
from typing import TypeAlias

from gate.sandbox.kubernetes.language.errors import (
    AlreadyExists,
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    Timeout,
)
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, name_of, namespace_of, uid_of
from gate.sandbox.kubernetes.language.selectors import FieldSelector, LabelSelector, selection
from gate.sandbox.kubernetes.registry.registry import Registry
from gate.sandbox.kubernetes.registry.resource import Grace, Resource
from gate.sandbox.kubernetes.registry.resources import NAMESPACES
from gate.sandbox.kubernetes.store import lifecycle
from gate.sandbox.kubernetes.store.changes import HEAD, Change, ChangeType, Entry, Key, key_of
from gate.sandbox.kubernetes.store.history import History
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.sharing import sparing
from gate.sandbox.kubernetes.store.table import Table
from gate.sandbox.kubernetes.store.watch import Watch

Mutation: TypeAlias = Callable[[Object], Object | None]
"""Takes a copy of the stored object, gives the new one, or None: leave it."""

Admission: TypeAlias = Callable[[Object, Object | None], None]
"""Completes, in place, an object about to be stored, given the stored one; may raise an ApiError."""

Objects: TypeAlias = list[Object]
Entries: TypeAlias = list["Entry"]

HISTORY = 10_000
GENERATED_NAME_ATTEMPTS = 8


@dataclass(slots=True, kw_only=True)
class _Plugs:
    """What parts of the server hang into the way of a write to one resource."""

    admissions: list[Admission] = field(default_factory=list)
    observers: list[Callable[[Change], None]] = field(default_factory=list)


class Store:
    def __init__(
        self,
        registry: Registry | None = None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        random: Random | None = None,
        history: int = HISTORY,
    ) -> None:
        self.registry = registry or Registry()
        self._clock = clock
        self._random = random or SystemRandom()
        self.lock = RLock()
        """Held by whoever has to see several calls as one."""
        self._revision = 0
        self._tables: dict[tuple[str, str], Table] = {}
        self._history = History(history)
        self._watches: list[Watch] = []
        self._plugs: dict[tuple[str, str], _Plugs] = {}
        for name in ("default", "kube-system"):
            self.create(NAMESPACES, {"metadata": {"name": name}})

    # Reading

    @property
    def revision(self) -> int:
        """The version of the latest change."""
        return self._revision

    def get(self, resource: Resource, namespace: str, name: str) -> Object:
        """A copy of the object; NotFound."""
        return self._read(resource, self.entry(resource, namespace, name))

    def entry(self, resource: Resource, namespace: str, name: str) -> Entry:
        """The object as it lies in the store, to be read only; NotFound."""
        with self.lock:
            entry = self._table(resource).get(key_of(resource, namespace, name))
        if entry is None:
            raise NotFound.of(resource, name)
        return entry

    def list(
        self,
        resource: Resource,
        namespace: str | None = None,
        labels: LabelSelector | None = None,
        fields: FieldSelector | None = None,
    ) -> tuple[Objects, int]:
        """Copies of all that match, ordered by namespace and name, and the revision at which that was true."""
        entries, revision = self.entries(resource, namespace, labels, fields)
        return [self._read(resource, entry) for entry in entries], revision

    def entries(
        self,
        resource: Resource,
        namespace: str | None = None,
        labels: LabelSelector | None = None,
        fields: FieldSelector | None = None,
        *,
        at: int | None = None,
    ) -> tuple[Entries, int]:
        """The same, as they lie in the store; `at` an earlier revision, as long as the history goes back (Gone)."""
        with self.lock:
            table = self._table(resource).all() if at is None else self._table_at(resource, at)
            revision = self._revision if at is None else at
        wanted = selection(labels, fields)
        found = [
            entry
            for (place, _), entry in sorted(table.items(), key=_by_key)
            if (not namespace or place == namespace) and wanted(entry.shared)
        ]
        return found, revision

    def controlled(self, resource: Resource, namespace: str, uids: Collection[str]) -> Entries:
        """Those in the namespace whose controller has one of these uids ("": that have none), ordered by name."""
        with self.lock:
            found = self._table(resource).controlled(namespace, uids)
        return [entry for _, entry in sorted(found, key=_by_key)]

    def subscribe(self, resources: Collection[Resource] | None = None, since: int | None = None) -> Watch:
        """Watch these resources (None: all) from now, or from what followed the revision `since`; Gone if forgotten.

        A list and a subscription from the list's revision together miss nothing and repeat nothing.
        """
        keys = None if resources is None else frozenset(resource.key for resource in resources)
        watch = Watch(self, keys)
        with self.lock:
            if since is not None:
                for change in filter(watch.wants, self._history.since(since)):
                    watch.offer(change)
            self._watches.append(watch)
        return watch

    # Writing

    def create(self, resource: Resource, obj: Object, *, dry_run: bool = False) -> Object:
        """Store a new object and give it back complete. AlreadyExists, Invalid, NotFound for its namespace."""
        with self.lock:
            self._check_namespace(resource, obj)
            for attempts_left in reversed(range(GENERATED_NAME_ATTEMPTS)):
                new = lifecycle.born(resource, obj, now=self._clock(), random=self._random)
                taken = self._table(resource).get(key_of(resource, namespace_of(new), name_of(new)))
                if taken is None:
                    break
                if name_of(obj) or not attempts_left:
                    raise AlreadyExists.of(resource, taken.shared)
            self._admit(resource, new, None)
            if dry_run:
                return new
            return self._commit(ChangeType.ADDED, resource, new, None)

    def update(
        self, resource: Resource, obj: Object, subresource: str | None = None, *, dry_run: bool = False
    ) -> Object:
        """Replace the object, or (subresource "status") its status. Conflict if it carries a stale resourceVersion.

        An object without a resourceVersion replaces whatever is there, and one with another uid nothing. Writing what
        is there already changes nothing.
        """
        with self.lock:
            before = self.entry(resource, namespace_of(obj), name_of(obj))
            if uid_of(obj) not in ("", uid_of(before.shared)):
                because = (
                    f"Precondition failed: UID in precondition: {uid_of(obj)}, "
                    f"UID in object meta: {uid_of(before.shared)}"
                )
                raise Conflict.of(resource, name_of(obj), because)
            return self._replace(resource, obj, before, subresource, dry_run=dry_run)

    def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        function: Mutation,
        subresource: str | None = None,
        *,
        dry_run: bool = False,
    ) -> Object:
        """Change the object by a function of its present state, with nobody in between; NotFound."""
        with self.lock:
            before = self.entry(resource, namespace, name)
            present = self._read(resource, before)
            new = function(lifecycle.copy(present))
            return present if new is None else self._replace(resource, new, before, subresource, dry_run=dry_run)

    def delete(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        options: Deletion | None = None,
        *,
        dry_run: bool = False,
    ) -> Object:
        """Ask for the object to go; NotFound, or Conflict with a precondition.

        Gives the object in its last state. It is gone already unless that has a deletionTimestamp that somebody holds:
        finalizers, or for a pod on a node the kubelet, which confirms with ``Deletion(grace=0)``.
        """
        with self.lock:
            before = self.entry(resource, namespace, name)
            new = lifecycle.dying(resource, before.shared, options or Deletion(), self._clock())
            gone = lifecycle.is_over(new)
            if gone and resource.grace is not Grace.POD:
                new = before.copy()  # of what may take its time, everybody sees that it has none left; of others nobody
            elif not dry_run and not lifecycle.same(new, before.shared):
                new = self._commit(ChangeType.MODIFIED, resource, new, before)
                before = self.entry(resource, namespace, name)
            if gone and not dry_run:
                new = self._commit(ChangeType.DELETED, resource, new, before)
            return new

    # For the parts of the server

    def admit(self, resource: Resource, admission: Admission) -> None:
        """Let this complete or refuse every object of the resource before it is stored (it runs under the lock)."""
        self._plugs.setdefault(resource.key, _Plugs()).admissions.append(admission)

    def observe(self, resource: Resource, observer: Callable[[Change], None]) -> None:
        """Call this with every change of the resource, before the writer gets an answer (it runs under the lock)."""
        self._plugs.setdefault(resource.key, _Plugs()).observers.append(observer)

    def forget(self) -> None:
        """Drop the history, as etcd's compaction does: watches from an older revision than now get Gone."""
        with self.lock:
            self._history.forget(self._revision)

    def leave(self, watch: Watch) -> None:
        """Offer this watch nothing more; `Watch.close` does this."""
        with self.lock:
            self._watches.remove(watch)

    def close(self) -> None:
        """End all watches."""
        for watch in tuple(self._watches):
            watch.close()

    # Inside, with the lock held

    def _replace(
        self, resource: Resource, obj: Object, before: Entry, subresource: str | None, *, dry_run: bool
    ) -> Object:
        if lifecycle.carried_revision(obj) not in (None, before.revision):
            raise Conflict.of(resource, name_of(obj))
        new = lifecycle.changed(resource, obj, before.shared, subresource)
        self._admit(resource, new, before.shared)
        if lifecycle.same(new, before.shared):
            return self._read(resource, before)
        gone = lifecycle.is_over(new)
        if gone or dry_run:  # whoever lets go of the last finalizer sees the object as it was before it went
            new["metadata"]["resourceVersion"] = str(before.revision)
        if dry_run:
            return new
        if gone:  # what goes is what was stored, not what the last writer made of it
            self._commit(ChangeType.DELETED, resource, before.copy(), before)
            return new
        return self._commit(ChangeType.MODIFIED, resource, new, before)

    def _table(self, resource: Resource) -> Table:
        return self._tables.setdefault(resource.key, Table())

    def _table_at(self, resource: Resource, revision: int) -> dict[Key, Entry]:
        if revision > self._revision:
            raise Timeout.too_large(revision, self._revision)
        return self._history.rewound(self._table(resource).all(), resource, revision)

    def _commit(self, kind: ChangeType, resource: Resource, new: Object, before: Entry | None) -> Object:
        self._revision += 1
        new = {key: new[key] for key in HEAD} | new
        new["metadata"] = new["metadata"] | {"resourceVersion": str(self._revision)}
        new = sparing(new, before.shared if before is not None else None)
        change = Change(
            type=kind, resource=resource, revision=self._revision, entry=Entry(new, self._revision), before=before
        )
        if kind is ChangeType.DELETED:
            self._table(resource).drop(change.key)
        else:
            self._table(resource).put(change.key, change.entry)
        self._history.append(change)
        for observer in self._plugs.get(resource.key, _Plugs()).observers:
            observer(change)
        for watch in self._watches:
            if watch.wants(change):
                watch.offer(change)
        if before is not None:
            before.fade()
        return change.object

    def _admit(self, resource: Resource, new: Object, old: Object | None) -> None:
        for admission in self._plugs.get(resource.key, _Plugs()).admissions:
            admission(new, old)

    def _check_namespace(self, resource: Resource, obj: Object) -> None:
        if not resource.namespaced:
            return
        namespace = namespace_of(obj)
        if not namespace:
            raise BadRequest("an empty namespace may not be set during creation")
        if is_terminating(self.entry(NAMESPACES, "", namespace).shared):
            raise Forbidden.terminating(resource, name_of(obj), namespace)

    @staticmethod
    def _read(resource: Resource, entry: Entry) -> Object:
        """A copy in the version asked for. Versions of a custom resource differ in nothing else here."""
        return entry.copy() | {"apiVersion": resource.api_version}


def _by_key(item: tuple[Key, Entry]) -> Key:
    return item[0]
