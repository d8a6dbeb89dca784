"""What goes with what holds it: the contents of a terminating namespace, the objects of a terminating definition."""

import contextlib
from collections.abc import Callable
from datetime import datetime

from gate.sandbox.kubernetes.controllers.definitions import key_of
from gate.sandbox.kubernetes.controllers.namespace_conditions import going
from gate.sandbox.kubernetes.language.conditions import with_condition
from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, name_of, namespace_of, timestamp
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES
from gate.sandbox.kubernetes.store.changes import Change, ChangeType
from gate.sandbox.kubernetes.store.lifecycle import CLEANUP_FINALIZER
from gate.sandbox.kubernetes.store.store import Mutation, Store


class Emptying:
    """Deletes what a terminating namespace or definition holds, and lets go of it when nothing is left.

    Level-triggered: any change of, or in, something that terminates makes it look again.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._clock = clock
        self._following = Following(store, "emptying", self._hear)

    def start(self) -> None:
        self._following.start()

    def stop(self) -> None:
        self._following.stop()

    def _hear(self, change: Change) -> None:
        if self._concerns(change):
            self._look()

    def _concerns(self, change: Change) -> bool:
        shared = change.entry.shared
        if change.resource in (NAMESPACES, CUSTOM_RESOURCE_DEFINITIONS):
            return is_terminating(shared)
        return change.resource.custom or is_terminating(shared) or change.type is ChangeType.DELETED

    def _look(self) -> None:
        for entry in self._store.entries(NAMESPACES)[0]:
            if is_terminating(entry.shared):
                name = name_of(entry.shared)
                held = [row for row in self._store.registry if row.namespaced]
                if self._emptied(held, name):
                    self._let_go(NAMESPACES, name, _without_content)
                else:
                    self._tell(name, held)
        for entry in self._store.entries(CUSTOM_RESOURCE_DEFINITIONS)[0]:
            if is_terminating(entry.shared):
                key = key_of(entry.shared)
                if self._emptied([row for row in self._store.registry if row.key == key], None):
                    self._let_go(CUSTOM_RESOURCE_DEFINITIONS, name_of(entry.shared), self._without_cleanup)

    def _emptied(self, rows: list[Resource], namespace: str | None) -> bool:
        """Ask everything in there to go; true if nothing is left."""
        for row in rows:
            for entry in self._store.entries(row, namespace)[0]:
                if not is_terminating(entry.shared):
                    self._delete(row, entry.shared)
        return not any(self._store.entries(row, namespace)[0] for row in rows)

    def _tell(self, name: str, rows: list[Resource]) -> None:
        """Say in the namespace what it is still waiting for."""
        stored = {row.key: row for row in rows}.values()  # versions share their objects
        remaining = {row: [entry.shared for entry in self._store.entries(row, name)[0]] for row in stored}

        def change(namespace: Object) -> Object:
            status = namespace["status"]
            status["conditions"] = going(status.get("conditions") or (), remaining, self._clock())
            return namespace

        with contextlib.suppress(NotFound):
            self._store.patch(NAMESPACES, "", name, change, "status")

    def _delete(self, row: Resource, obj: Object) -> None:
        try:
            self._store.delete(row, namespace_of(obj), name_of(obj))
        except NotFound:
            return

    def _let_go(self, resource: Resource, name: str, change: Mutation) -> None:
        try:
            self._store.patch(resource, "", name, change, "finalize" if resource is NAMESPACES else "status")
        except NotFound:
            return

    def _without_cleanup(self, definition: Object) -> Object:
        """Without what its objects hold it by; and it says that there are none, to whomever still holds it."""
        finalizers, status = definition["metadata"].get("finalizers") or [], definition["status"]
        definition["metadata"]["finalizers"] = [one for one in finalizers if one != CLEANUP_FINALIZER]
        done = {
            "type": "Terminating",
            "status": "False",
            "lastTransitionTime": timestamp(self._clock()),
            "reason": "InstanceDeletionCompleted",
            "message": "removed all instances",
        }
        status["conditions"] = with_condition(status.get("conditions") or [], done)
        return definition


def _without_content(namespace: Object) -> Object:
    """What somebody else holds it by is somebody else's to take away."""
    finalizers = namespace["spec"].get("finalizers") or []
    namespace["spec"]["finalizers"] = [one for one in finalizers if one != "kubernetes"]
    return namespace
