"""Where the ports of Services lead, as it follows from their EndpointSlices; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gate.sandbox.kubernetes.controllers.endpoints import SERVICE_NAME
from gate.sandbox.kubernetes.language.objects import Object, labels_of, lookup, name_of, namespace_of


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Socket:
    """An address and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


Routes = Mapping[Socket, tuple[Socket, ...]]
"""For each port of each Service: its ready endpoints."""


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
