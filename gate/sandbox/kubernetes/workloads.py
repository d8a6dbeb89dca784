"""What makes the objects in the store live: controllers, node and balancer, started and stopped as one."""

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime

from gate.sandbox.kubernetes.controllers.running import Controllers
from gate.sandbox.kubernetes.kubelet.kubelet import Kubelet
from gate.sandbox.kubernetes.kubelet.node import place
from gate.sandbox.kubernetes.registry.resources import PODS
from gate.sandbox.kubernetes.runtime.commands import Commands
from gate.sandbox.kubernetes.runtime.images import Images
from gate.sandbox.kubernetes.runtime.logs import Logs
from gate.sandbox.kubernetes.runtime.runtime import NOBODY, Account
from gate.sandbox.kubernetes.services.addresses import Addresses
from gate.sandbox.kubernetes.services.proxying import Proxying
from gate.sandbox.kubernetes.store.store import Store


class Workloads:
    """A part of the sandbox: without it, Deployments and pods are only stored.

    From its making on, new pods are placed on the node and new Services get addresses; `start` begins to act on them.
    """

    def __init__(
        self,
        store: Store,
        images: Images,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        back_off: float = 10.0,
        account: Account = NOBODY,
    ) -> None:
        self.addresses = Addresses()
        kubelet = Kubelet(store, images, self.addresses, clock=clock, back_off=back_off, account=account)
        self.logs = Logs(kubelet)
        self.commands = Commands(kubelet)
        self._parts = (Proxying(store, self.addresses), kubelet, Controllers(store, clock=clock))
        self._running = contextlib.ExitStack()
        store.admit(PODS, place)

    def start(self) -> None:
        with contextlib.ExitStack() as starting:
            starting.callback(self.addresses.close)
            for part in self._parts:
                part.start()
                starting.callback(part.stop)
            self._running = starting.pop_all()

    def stop(self) -> None:
        """Stop deciding, then kill every process, then give the addresses back."""
        self._running.close()
