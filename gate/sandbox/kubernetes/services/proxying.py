"""Services made real: each gets an address of the sandbox, and the balancer behind it follows the EndpointSlices."""

import logging
from collections.abc import Iterator

from gate.sandbox.kubernetes.controllers.endpoints import SERVICE_NAME
from gate.sandbox.kubernetes.language.objects import Object, labels_of, lookup, name_of, namespace_of
from gate.sandbox.kubernetes.loops.events import Events, EventType
from gate.sandbox.kubernetes.loops.following import Following
from gate.sandbox.kubernetes.loops.work import Work
from gate.sandbox.kubernetes.registry.resources import ENDPOINT_SLICES, SERVICES
from gate.sandbox.kubernetes.services.addresses import Addresses
from gate.sandbox.kubernetes.services.balancer import Balancer, Routes, Socket
from gate.sandbox.kubernetes.store.changes import Change, ChangeType
from gate.sandbox.kubernetes.store.store import Store

logger = logging.getLogger(__name__)

_EVERYTHING = "routes"


class Proxying:
    """What kube-proxy does on a node, and the part of the API server that hands out cluster addresses."""

    def __init__(self, store: Store, addresses: Addresses) -> None:
        self._store = store
        self._addresses = addresses
        self._tell = Events(store, "kube-proxy").tell
        self._balancer: Balancer
        self._refused: set[Socket] = set()
        self._work: Work[str] = Work("kube-proxy", self._reconcile)
        self._following = Following(
            store, "kube-proxy-watch", lambda _: self._work.ask(_EVERYTHING), [SERVICES, ENDPOINT_SLICES]
        )
        store.admit(SERVICES, self._give_address)
        store.observe(SERVICES, self._take_address_back)

    def start(self) -> None:
        self._balancer = Balancer(unbound=self._complain)
        self._work.ask(_EVERYTHING)
        self._following.start()
        self._work.start()

    def stop(self) -> None:
        self._following.stop()
        self._work.stop()
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
        self._balancer.route(routes(services, slices))
        return None

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


def routes(services: list[Object], slices: list[Object]) -> Routes:
    """Where each port of each Service leads: ready endpoints or, without any, those that still serve while they go."""
    found: dict[Socket, tuple[Socket, ...]] = {}
    for service in services:
        host = lookup(service, "spec.clusterIP", "None")
        if host == "None":
            continue
        mine = [
            each
            for each in slices
            if namespace_of(each) == namespace_of(service) and labels_of(each).get(SERVICE_NAME) == name_of(service)
        ]
        for port in lookup(service, "spec.ports", []):
            ends = list(_ends(mine, port.get("name", "")))
            chosen = [end for end, ready in ends if ready] or [end for end, _ in ends]
            found[Socket(host=host, port=port["port"])] = tuple(sorted(chosen))
    return found


def _ends(slices: list[Object], port_name: str) -> Iterator[tuple[Socket, bool]]:
    """The endpoints of a port that may be used, and whether they are ready."""
    for each in slices:
        for port in each.get("ports") or ():
            if (port.get("name") or "") != port_name:
                continue
            for endpoint in each.get("endpoints") or ():
                conditions = endpoint.get("conditions") or {}
                ready = conditions.get("ready", True)
                if ready or (conditions.get("serving") and conditions.get("terminating")):
                    yield Socket(host=endpoint["addresses"][0], port=port["port"]), ready
