"""The garbage collector: dependents go after their owner, before it, or are let go, as the deletion said."""

from collections.abc import Iterable
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


class Garbage:
    """Watches everything: an owner's end is seen in any resource, and so is a dependent of somebody who is gone."""

    watches: None = None

    def __init__(self, store: Store) -> None:
        self._store = store

    def keys(self, change: Change) -> Iterable[Place]:
        obj = change.entry.shared
        yield change.resource, namespace_of(obj), name_of(obj)
        meta = obj["metadata"]
        if change.type is ChangeType.DELETED:
            for resource, entry in self._dependents(obj):
                yield resource, namespace_of(entry), name_of(entry)
            for owner in meta.get("ownerReferences") or ():  # one that waits for its dependents may go now
                row = self._store.registry.of_kind(owner["apiVersion"], owner["kind"])
                if row is not None:
                    yield row, namespace_of(obj) if row.namespaced else "", owner["name"]

    def reconcile(self, place: Place) -> float | None:
        resource, namespace, name = place
        try:
            obj = self._store.get(resource, namespace, name)
        except NotFound:
            return None
        if is_terminating(obj):
            self._finish(resource, obj)
            return None
        owners = obj["metadata"].get("ownerReferences") or []
        lost = [owner for owner in owners if not self._holds(owner, namespace)]
        if lost and len(lost) == len(owners):  # all are gone, or wait for it to go first
            self._store.delete(resource, namespace, name, Deletion(uid=uid_of(obj), policy="Background"))
        for owner in lost if len(lost) < len(owners) else ():
            self._let_go(resource, obj, owner["uid"])
        return None

    def _holds(self, reference: Object, namespace: str) -> bool:
        resource = self._store.registry.of_kind(reference["apiVersion"], reference["kind"])
        if resource is None:
            return True  # a kind that is not served (any more): nothing can be said about its objects
        try:
            owner = self._store.entry(resource, namespace, reference["name"]).shared
        except NotFound:
            return False
        waits = is_terminating(owner) and _FOREGROUND in (owner["metadata"].get("finalizers") or ())
        return uid_of(owner) == reference["uid"] and not waits

    def _finish(self, resource: Resource, obj: Object) -> None:
        """Foreground: dependents first, then the owner. Orphan: dependents are let go, then the owner goes."""
        finalizers = obj["metadata"].get("finalizers") or []
        if _ORPHAN in finalizers:
            for dependent_resource, dependent in self._dependents(obj):
                self._let_go(dependent_resource, dependent, uid_of(obj))
            self._drop_finalizer(resource, obj, _ORPHAN)
        elif _FOREGROUND in finalizers:
            dependents = list(self._dependents(obj))
            for dependent_resource, dependent in dependents:
                if not is_terminating(dependent):
                    options = Deletion(uid=uid_of(dependent), policy="Foreground")
                    self._store.delete(dependent_resource, namespace_of(dependent), name_of(dependent), options)
            if not dependents:
                self._drop_finalizer(resource, obj, _FOREGROUND)

    def _dependents(self, owner: Object) -> Iterable[tuple[Resource, Object]]:
        for resource in self._resources():
            for entry in self._store.entries(resource, namespace_of(owner) or None)[0]:
                references = entry.shared["metadata"].get("ownerReferences") or ()
                if any(each["uid"] == uid_of(owner) for each in references):
                    yield resource, entry.shared

    def _resources(self) -> Iterable[Resource]:
        """One row for each stored resource: versions share their objects."""
        return {resource.key: resource for resource in self._store.registry}.values()

    def _let_go(self, resource: Resource, obj: Object, owner: str) -> None:
        def change(present: Object) -> Object:
            references = present["metadata"].get("ownerReferences") or []
            present["metadata"]["ownerReferences"] = [each for each in references if each["uid"] != owner]
            return present

        self._store.patch(resource, namespace_of(obj), name_of(obj), change)

    def _drop_finalizer(self, resource: Resource, obj: Object, finalizer: str) -> None:
        def change(present: Object) -> Object:
            finalizers = present["metadata"].get("finalizers") or []
            present["metadata"]["finalizers"] = [each for each in finalizers if each != finalizer]
            return present

        self._store.patch(resource, namespace_of(obj), name_of(obj), change)
