"""Services made real: each gets an address of the sandbox, and the balancer behind it follows the EndpointSlices."""

import logging
from typing import TYPE_CHECKING

from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, namespace_of
from gate.sandbox.kubernetes.loops.events import Events, EventType
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.loops.work import Work
from gate.sandbox.kubernetes.registry.resources import ENDPOINT_SLICES, SERVICES
from gate.sandbox.kubernetes.services.addresses import Addresses
from gate.sandbox.kubernetes.services.routes import Routes, Socket, routes
from gate.sandbox.kubernetes.store.changes import Change, ChangeType
from gate.sandbox.kubernetes.store.store import Store

if TYPE_CHECKING:
    from gate.sandbox.kubernetes.services.balancer import Balancer

logger = logging.getLogger(__name__)

_EVERYTHING = "routes"


class Proxying:
    """What kube-proxy does on a node, and the part of the API server that hands out cluster addresses."""

    def __init__(self, store: Store, addresses: Addresses) -> None:
        self._store = store
        self._addresses = addresses
        self._tell = Events(store, "kube-proxy").tell
        self._balancer: Balancer | None = None
        self._refused: set[Socket] = set()
        self._work: Work[str] = Work("kube-proxy", self._reconcile)
        self._following = Following(
            store, "kube-proxy-watch", lambda _: self._work.ask(_EVERYTHING), [SERVICES, ENDPOINT_SLICES]
        )
        store.admit(SERVICES, self._give_address)
        store.observe(SERVICES, self._take_address_back)

    def start(self) -> None:
        self._work.ask(_EVERYTHING)
        self._following.start()
        self._work.start()

    def stop(self) -> None:
        self._following.stop()
        self._work.stop()
        if self._balancer is not None:
            self._balancer.close()

    def _give_address(self, service: Object, old: Object | None) -> None:
        spec = service["spec"]
        if spec["type"] == "ExternalName":
            return
        before = lookup(old, "spec.clusterIP")
        if not spec.get("clusterIP") and before:
            spec["clusterIP"] = before
        elif not spec.get("clusterIP"):
            spec["clusterIP"] = self._addresses.service()
        elif spec["clusterIP"] != "None":
            self._addresses.reserve(spec["clusterIP"])
        spec["clusterIPs"] = [spec["clusterIP"]]

    def _take_address_back(self, change: Change) -> None:
        if change.type is ChangeType.DELETED:
            self._addresses.release(lookup(change.entry.shared, "spec.clusterIP", ""))

    def _reconcile(self, _key: str) -> float | None:
        services = [entry.shared for entry in self._store.entries(SERVICES)[0]]
        slices = [entry.shared for entry in self._store.entries(ENDPOINT_SLICES)[0]]
        self._balance(routes(services, slices))
        return None

    def _balance(self, wanted: Routes) -> None:
        if self._balancer is None and any(wanted.values()):  # asyncio, and a thread: from the first endpoint on
            from gate.sandbox.kubernetes.services.balancer import Balancer

            self._balancer = Balancer(unbound=self._complain)
        if self._balancer is not None:
            self._balancer.route(wanted)

    def _complain(self, at: Socket, error: OSError) -> None:
        if at in self._refused:
            return
        self._refused.add(at)
        for entry in self._store.entries(SERVICES)[0]:
            if lookup(entry.shared, "spec.clusterIP") == at.host:
                remedy = "; use a port from 1024 on" if isinstance(error, PermissionError) else ""
                message = f"Cannot listen on {at}: {error.strerror}{remedy}"
                where = f"{namespace_of(entry.shared)}/{name_of(entry.shared)}"
                logger.warning("service=%s %s", where, message)
                self._tell(entry.copy(), "PortNotBound", message, kind=EventType.WARNING)
