"""The garbage collector: dependents go after their owner, before it, or are let go, as the deletion said."""

from collections.abc import Iterable
from enum import Enum, auto
from typing import TypeAlias

from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, name_of, namespace_of, uid_of
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.store.changes import Change, ChangeType
from gate.sandbox.kubernetes.store.lifecycle import Deletion
from gate.sandbox.kubernetes.store.store import Store

_FOREGROUND = "foregroundDeletion"
_ORPHAN = "orphan"

Place: TypeAlias = tuple[Resource, str, str]
"""One object: resource, namespace, name."""


class _Owner(Enum):
    """What an object can expect of one of its owners."""

    THERE = auto()
    GONE = auto()
    WAITING = auto()
    """It goes when its dependents are gone."""


class Garbage:
    """Watches everything: an owner's end is seen in any resource, and so is a dependent of somebody who is gone."""

    watches: None = None

    def __init__(self, store: Store) -> None:
        self._store = store

    def keys(self, change: Change) -> Iterable[Place]:
        obj = change.entry.shared
        yield change.resource, namespace_of(obj), name_of(obj)
        if change.type is ChangeType.DELETED:
            for resource, dependent in self._dependents(obj):
                yield resource, namespace_of(dependent), name_of(dependent)
        before = [] if change.before is None else _references(change.before.shared)
        left = [] if change.type is ChangeType.DELETED else _references(obj)
        for owner in before:  # one that waits for its dependents may go now
            row = self._store.registry.of_kind(owner["apiVersion"], owner["kind"])
            if row is not None and owner not in left:
                yield row, namespace_of(obj) if row.namespaced else "", owner["name"]

    def reconcile(self, place: Place) -> float | None:
        resource, namespace, name = place
        try:
            obj = self._store.get(resource, namespace, name)
        except NotFound:
            return None
        if is_terminating(obj):
            self._finish(resource, obj)
        else:
            self._collect(resource, obj)
        return None

    def _collect(self, resource: Resource, obj: Object) -> None:
        """Delete what no owner holds any longer; what one still holds, only loses the others."""
        owners = [(reference, self._state(reference, namespace_of(obj))) for reference in _references(obj)]
        lost = [reference["uid"] for reference, state in owners if state is not _Owner.THERE]
        if not lost:
            return
        if len(lost) < len(owners):
            self._let_go(resource, obj, lost)
            return
        below = [dependent for _, dependent in self._dependents(obj)]
        awaited = any(state is _Owner.WAITING for _, state in owners) and bool(below)
        if awaited and any(_waits(dependent) for dependent in below):
            self._unblock(resource, obj)
        options = Deletion(uid=uid_of(obj), policy=_policy(obj, awaited=awaited))
        self._store.delete(resource, namespace_of(obj), name_of(obj), options)

    def _state(self, reference: Object, namespace: str) -> _Owner:
        resource = self._store.registry.of_kind(reference["apiVersion"], reference["kind"])
        if resource is None:
            return _Owner.THERE  # a kind that is not served (any more): nothing can be said about its objects
        try:
            owner = self._store.entry(resource, namespace, reference["name"]).shared
        except NotFound:
            return _Owner.GONE
        if uid_of(owner) != reference["uid"]:
            return _Owner.GONE
        return _Owner.WAITING if _waits(owner) else _Owner.THERE

    def _finish(self, resource: Resource, obj: Object) -> None:
        """Foreground: dependents first, then the owner. Orphan: dependents are let go, then the owner goes."""
        if _ORPHAN in _finalizers(obj):
            for dependent_resource, dependent in self._dependents(obj):
                self._let_go(dependent_resource, dependent, [uid_of(obj)])
            self._drop_finalizer(resource, obj, _ORPHAN)
        elif _FOREGROUND in _finalizers(obj):
            dependents = list(self._dependents(obj))
            for dependent_resource, dependent in dependents:
                if not is_terminating(dependent):
                    self._collect(dependent_resource, dependent)
            if not any(_blocks(dependent, obj) for _, dependent in self._dependents(obj)):
                self._drop_finalizer(resource, obj, _FOREGROUND)

    def _dependents(self, owner: Object) -> Iterable[tuple[Resource, Object]]:
        for resource in self._resources():
            for entry in self._store.entries(resource, namespace_of(owner) or None)[0]:
                if any(each["uid"] == uid_of(owner) for each in _references(entry.shared)):
                    yield resource, entry.shared

    def _resources(self) -> Iterable[Resource]:
        """One row for each stored resource: versions share their objects."""
        return {resource.key: resource for resource in self._store.registry}.values()

    def _let_go(self, resource: Resource, obj: Object, owners: list[str]) -> None:
        def change(present: Object) -> Object:
            kept = [each for each in _references(present) if each["uid"] not in owners]
            present["metadata"]["ownerReferences"] = kept
            return present

        self._store.patch(resource, namespace_of(obj), name_of(obj), change)

    def _unblock(self, resource: Resource, obj: Object) -> None:
        """Let its owners go before it: perhaps they are below it as well, and all would wait for ever."""

        def change(present: Object) -> Object:
            for each in _references(present):
                each["blockOwnerDeletion"] = False
            return present

        self._store.patch(resource, namespace_of(obj), name_of(obj), change)

    def _drop_finalizer(self, resource: Resource, obj: Object, finalizer: str) -> None:
        def change(present: Object) -> Object:
            present["metadata"]["finalizers"] = [each for each in _finalizers(present) if each != finalizer]
            return present

        self._store.patch(resource, namespace_of(obj), name_of(obj), change)


def _references(obj: Object) -> list[Object]:
    found: list[Object] = obj["metadata"].get("ownerReferences") or []
    return found


def _finalizers(obj: Object) -> list[str]:
    found: list[str] = obj["metadata"].get("finalizers") or []
    return found


def _waits(owner: Object) -> bool:
    """Whether it goes when its dependents are gone."""
    return is_terminating(owner) and _FOREGROUND in _finalizers(owner)


def _blocks(dependent: Object, owner: Object) -> bool:
    """Whether the owner, which goes after its dependents, has to wait for this one."""
    return any(each["uid"] == uid_of(owner) and each.get("blockOwnerDeletion") for each in _references(dependent))


def _policy(obj: Object, *, awaited: bool) -> str:
    """What becomes of the object's own dependents: they go first if an owner waits for all that is below it."""
    if awaited:
        return "Foreground"
    if _ORPHAN in _finalizers(obj):
        return "Orphan"
    return "Foreground" if _FOREGROUND in _finalizers(obj) else "Background"
