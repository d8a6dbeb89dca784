"""What the API server refuses in ports: those of containers and of Services, and those that probes and hooks ask."""

import re
from collections.abc import Iterator
from typing import Any

from gate.sandbox.kubernetes.language.errors import Cause, duplicate, forbidden, invalid, not_supported, required
from gate.sandbox.kubernetes.language.metadata import LABEL, qualified_name_faults
from gate.sandbox.kubernetes.language.objects import Object

_HIGHEST = 65535
_LONGEST_NAME = 15
_PROTOCOLS = ("SCTP", "TCP", "UDP")


def number(port: int, field: str) -> list[Cause]:
    if 0 < port <= _HIGHEST:
        return []
    return [invalid(field, port, f"must be between 1 and {_HIGHEST}, inclusive")]


def number_or_name(port: Any, field: str) -> list[Cause]:
    """A number, or the name that a container gives to one of its ports."""
    if isinstance(port, str):
        return [invalid(field, port, fault) for fault in _name_faults(port)]
    return number(port or 0, field)


def of_container(ports: list[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[str] = set()
    for index, port in enumerate(ports):
        place, name = f"{path}[{index}]", port.get("name")
        wrong = [invalid(f"{place}.name", name, fault) for fault in _name_faults(name)] if name else []
        if name in seen:
            wrong.append(duplicate(f"{place}.name", name))
        seen |= {name} if name else set()
        asked = port.get("containerPort")
        causes += wrong
        causes += number(asked, f"{place}.containerPort") if asked else [required(f"{place}.containerPort")]
        causes += number(port["hostPort"], f"{place}.hostPort") if port.get("hostPort") else []
        causes += _protocol(port, place)
    return causes


def of_service(ports: list[Object], path: str, kind: str) -> list[Cause]:
    causes: list[Cause] = []
    names: set[str] = set()
    served: set[tuple[str, int]] = set()
    for index, port in enumerate(ports):
        place, name, asked = f"{path}[{index}]", port.get("name") or "", port.get("port") or 0
        if name:
            causes += [invalid(f"{place}.name", name, fault) for fault in LABEL.faults(name)]
        elif len(ports) > 1:
            causes.append(required(f"{place}.name"))
        if name and name in names:
            causes.append(duplicate(f"{place}.name", name))
        names.add(name)
        causes += number(asked, f"{place}.port") + number_or_name(port.get("targetPort"), f"{place}.targetPort")
        causes += _protocol(port, place)
        application = port.get("appProtocol")
        if application:
            faults = qualified_name_faults(application)
            causes += [invalid(f"{place}.appProtocol", application, fault) for fault in faults]
        if port.get("nodePort") and kind == "ClusterIP":
            causes.append(forbidden(f"{place}.nodePort", "may not be used when `type` is 'ClusterIP'"))
        if (port.get("protocol"), asked) in served:
            causes.append(duplicate(place, _as_key(port)))
        served.add((port["protocol"], asked))
    return causes


def _name_faults(name: str) -> Iterator[str]:
    if len(name) > _LONGEST_NAME:
        yield f"must be no more than {_LONGEST_NAME} characters"
    if not re.fullmatch(r"[-a-z0-9]+", name):
        yield "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"
    if not re.search(r"[a-z]", name):
        yield "must contain at least one letter (a-z)"
    if "--" in name:
        yield "must not contain consecutive hyphens"
    if name.startswith("-") or name.endswith("-"):
        yield "must not begin or end with a hyphen"


def _protocol(port: Object, path: str) -> list[Cause]:
    protocol = port.get("protocol")
    return [] if protocol in _PROTOCOLS else [not_supported(f"{path}.protocol", protocol, _PROTOCOLS)]


def _as_key(port: Object) -> Object:
    """The real server's words for a port that is there twice."""
    told = {"Protocol": port["protocol"], "AppProtocol": None, "Port": port["port"]}
    return {"Name": "", **told, "TargetPort": 0, "NodePort": 0}
