"""A thread that hears every change of some resources, as what follows the store needs it."""

import threading
from collections.abc import Callable, Collection

from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.store.changes import Change
from gate.sandbox.kubernetes.store.store import Store


class Following:
    """Calls `hear` for each change since it was made, one after the other, between `start` and `stop`."""

    def __init__(
        self, store: Store, name: str, hear: Callable[[Change], None], resources: Collection[Resource] | None = None
    ) -> None:
        """Without `resources` it hears of everything, custom resources too."""
        self._hear = hear
        self._watch = store.subscribe(resources)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """What is being heard is heard to its end."""
        self._watch.close()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        for change in self._watch:
            self._hear(change)
