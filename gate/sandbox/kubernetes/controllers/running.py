"""All controllers of the sandbox, side by side on one thread."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Protocol

from gate.sandbox.kubernetes.controllers.deployment import Deployments
from gate.sandbox.kubernetes.controllers.disruption import Disruptions
from gate.sandbox.kubernetes.controllers.endpoints import ServiceEndpoints
from gate.sandbox.kubernetes.controllers.garbage import Garbage
from gate.sandbox.kubernetes.controllers.job import Jobs
from gate.sandbox.kubernetes.controllers.replicaset import ReplicaSets
from gate.sandbox.kubernetes.loops.events import Events, Tell
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.loops.work import Work
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.store.changes import Change, ChangeType
from gate.sandbox.kubernetes.store.store import Store


class Controller(Protocol):
    """One controller. `watches` None: everything, custom resources too."""

    @property
    def watches(self) -> tuple[Resource, ...] | None: ...

    def keys(self, change: Change) -> Iterable[Any]:
        """What to look at after this change."""
        ...

    def reconcile(self, key: Any) -> float | None:
        """Make it so; seconds after which to look again by itself, or None."""
        ...


class Controllers:
    """Runs all controllers of the sandbox over one store."""

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._store = store

        def telling(name: str) -> Tell:
            return Events(store, name, clock=clock).tell

        self._controllers: Mapping[str, Controller] = {
            "deployment-controller": Deployments(store, telling("deployment-controller"), clock),
            "replicaset-controller": ReplicaSets(store, telling("replicaset-controller"), clock),
            "job-controller": Jobs(store, telling("job-controller"), clock),
            "endpoint-controller": ServiceEndpoints(store),
            "disruption-controller": Disruptions(store, telling("controllermanager"), clock),
            "garbage-collector": Garbage(store),
        }
        self._work: Work[tuple[str, Hashable]] = Work("controllers", self._reconcile)
        self._following = Following(store, "controllers-watch", self._notice)

    def start(self) -> None:
        """Look at everything that is there already, and from now on at every change."""
        for resource in self._store.registry:
            for entry in self._store.entries(resource)[0]:
                revision = entry.revision
                self._notice(
                    Change(type=ChangeType.ADDED, resource=resource, revision=revision, entry=entry, before=None)
                )
        self._following.start()
        self._work.start()

    def stop(self) -> None:
        """Stop; what is under way is finished."""
        self._following.stop()
        self._work.stop()

    def _notice(self, change: Change) -> None:
        for name, controller in self._controllers.items():
            if controller.watches is None or change.resource in controller.watches:
                for key in controller.keys(change):
                    self._work.ask((name, key))

    def _reconcile(self, key: tuple[str, Hashable]) -> float | None:
        name, concerned = key
        return self._controllers[name].reconcile(concerned)
