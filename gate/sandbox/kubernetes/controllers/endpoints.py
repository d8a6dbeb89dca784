"""The Endpoints and EndpointSlice controllers: who answers for a Service, in the old form and in the new one."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gate.sandbox.kubernetes.controllers.ownership import reference_to
from gate.sandbox.kubernetes.controllers.trigger_times import TRIGGER_TIME, TriggerTimes
from gate.sandbox.kubernetes.language.conditions import is_true
from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import (
    Object,
    controller_of,
    is_terminating,
    labels_of,
    lookup,
    name_of,
    namespace_of,
    uid_of,
)
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import ENDPOINT_SLICES, ENDPOINTS, PODS, SERVICES
from gate.sandbox.kubernetes.store.changes import Change, Key
from gate.sandbox.kubernetes.store.store import Store

SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
_CONTROLLER = "endpointslice-controller.k8s.io"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One pod behind a Service."""

    pod: Object
    ready: bool
    terminating: bool

    @property
    def is_serving(self) -> bool:
        return is_true(self.pod["status"], "Ready")


class ServiceEndpoints:
    watches = (SERVICES, PODS)

    def __init__(self, store: Store) -> None:
        self._store = store
        self._trigger_times = TriggerTimes()

    def keys(self, change: Change) -> Iterable[Key]:
        obj = change.entry.shared
        if change.resource is SERVICES:
            yield namespace_of(obj), name_of(obj)
            return
        versions = [obj] if change.before is None else [obj, change.before.shared]
        for entry in self._store.entries(SERVICES, namespace_of(obj))[0]:
            if any(_selects(entry.shared, pod) for pod in versions):
                yield namespace_of(entry.shared), name_of(entry.shared)

    def reconcile(self, key: Key) -> float | None:
        try:
            service = self._store.get(SERVICES, *key)
        except NotFound:
            self._trigger_times.forget(key)
            self._remove(ENDPOINTS, *key)
            return None
        if not lookup(service, "spec.selector") or lookup(service, "spec.type") == "ExternalName":
            return None  # its endpoints are somebody else's, or what it names
        pods = [entry.copy() for entry in self._store.entries(PODS, key[0])[0] if _selects(service, entry.shared)]
        trigger_time = self._trigger_times.of(key, service, pods)
        found = [endpoint for pod in pods if (endpoint := _endpoint(service, pod)) is not None]
        self._put(ENDPOINTS, _endpoints(service, found), trigger_time)
        self._put_slices(service, found, trigger_time)
        return None

    def _put_slices(self, service: Object, found: list[Endpoint], trigger_time: str | None) -> None:
        """One EndpointSlice for all that answer at the same ports; those that are there keep their names."""
        spare = [
            entry.copy()
            for entry in self._store.entries(ENDPOINT_SLICES, namespace_of(service))[0]
            if (owner := controller_of(entry.shared)) is not None and owner["uid"] == uid_of(service)
        ]
        wanted = _slices(service, found)
        for slice_of in wanted:
            fitting = next((each for each in spare if each.get("ports") == slice_of["ports"]), None)
            if fitting is not None:
                slice_of["metadata"]["name"] = name_of(fitting)
                spare.remove(fitting)
        for slice_of in wanted:
            if spare and "name" not in slice_of["metadata"]:
                slice_of["metadata"]["name"] = name_of(spare.pop(0))
            self._put(ENDPOINT_SLICES, slice_of, trigger_time)
        for left in spare:
            self._remove(ENDPOINT_SLICES, namespace_of(left), name_of(left))

    def _put(self, resource: Resource, wanted: Object, trigger_time: str | None) -> None:
        """Write it with the time that led to it; a new time is no reason to write."""
        annotation = {} if trigger_time is None else {TRIGGER_TIME: trigger_time}
        try:
            present = self._store.get(resource, namespace_of(wanted), name_of(wanted))
        except NotFound:
            wanted["metadata"]["annotations"] = annotation
            self._store.create(resource, wanted)
            return
        wanted["metadata"] = present["metadata"] | {"labels": labels_of(wanted)}
        if self._store.update(resource, wanted, dry_run=True) == present:
            return
        others = {
            key: value for key, value in lookup(present, "metadata.annotations", {}).items() if key != TRIGGER_TIME
        }
        wanted["metadata"]["annotations"] = others | annotation
        self._store.update(resource, wanted)

    def _remove(self, resource: Resource, namespace: str, name: str) -> None:
        try:
            self._store.delete(resource, namespace, name)
        except NotFound:
            return


def _selects(service: Object, pod: Object) -> bool:
    selector = lookup(service, "spec.selector")
    return bool(selector) and LabelSelector.from_labels(selector).matches(labels_of(pod))


def _endpoint(service: Object, pod: Object) -> Endpoint | None:
    if not lookup(pod, "status.podIP") or lookup(pod, "status.phase") in ("Succeeded", "Failed"):
        return None
    terminating = is_terminating(pod)
    tolerant = bool(lookup(service, "spec.publishNotReadyAddresses"))
    ready = tolerant or (is_true(pod["status"], "Ready") and not terminating)
    return Endpoint(pod=pod, ready=ready, terminating=terminating)


def _labels(service: Object) -> dict[str, str]:
    headless = lookup(service, "spec.clusterIP") == "None"
    return labels_of(service) | ({"service.kubernetes.io/headless": ""} if headless else {})


def _ports(service: Object, pod: Object) -> list[Object]:
    """The Service's ports as numbers on this pod; a name that it does not know is none of its ports."""
    return [
        {"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
        for port in lookup(service, "spec.ports", [])
        if (number := _number(port["targetPort"], pod)) is not None
    ]


def _number(target: int | str, pod: Object) -> int | None:
    if isinstance(target, int):
        return target
    for container in pod["spec"]["containers"]:
        for port in container.get("ports") or ():
            if port.get("name") == target:
                return int(port["containerPort"])
    return None


def _endpoints(service: Object, found: list[Endpoint]) -> Object:
    """The old form. It does not show pods on their way out."""
    staying = sorted((each for each in found if not each.terminating), key=_by_address)
    subsets = _subsets(service, staying)
    return {
        "metadata": {
            "name": name_of(service),
            "namespace": namespace_of(service),
            "labels": _labels(service) | {"endpoints.kubernetes.io/managed-by": "endpoint-controller"},
        },
        **({"subsets": subsets} if subsets else {}),
    }


def _subsets(service: Object, staying: list[Endpoint]) -> list[Object]:
    """Ports that the same pods answer at stand together; who answers at none appears only where none is asked for."""
    if not lookup(service, "spec.ports"):
        return [_subset(service, staying, [])] if staying else []
    answering: dict[tuple[tuple[str, Any], ...], list[Endpoint]] = {}
    for each in staying:
        for port in _ports(service, each.pod):
            answering.setdefault(tuple((key, value) for key, value in port.items() if value), []).append(each)
    together: dict[tuple[str, ...], tuple[list[Endpoint], list[Object]]] = {}
    for key, pods in answering.items():
        together.setdefault(tuple(name_of(each.pod) for each in pods), (pods, []))[1].append(dict(key))
    return [_subset(service, pods, ports) for pods, ports in together.values()]


def _subset(service: Object, pods: list[Endpoint], ports: list[Object]) -> Object:
    subset: Object = {}
    for key, ready in (("addresses", True), ("notReadyAddresses", False)):
        addresses = [_address(service, each) for each in pods if each.ready is ready]
        if addresses:
            subset[key] = addresses
    return {**subset, **({"ports": ports} if ports else {})}


def _address(service: Object, endpoint: Endpoint) -> Object:
    pod = endpoint.pod
    address = {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName"), "targetRef": _reference(pod)}
    return {**_hostname(service, pod), **address}


def _hostname(service: Object, pod: Object) -> dict[str, str]:
    """What the pod is called below the Service's name, if it says that this Service is the one."""
    spec = pod["spec"]
    is_called = spec.get("hostname") and spec.get("subdomain") == name_of(service)
    return {"hostname": spec["hostname"]} if is_called else {}


def _by_address(endpoint: Endpoint) -> tuple[int, ...]:
    return tuple(map(int, endpoint.pod["status"]["podIP"].split(".")))


def _slices(service: Object, found: list[Endpoint]) -> list[Object]:
    """The new form; of a Service without pods, one that is empty."""
    groups: dict[str, tuple[list[Object], list[Endpoint]]] = {}
    for each in found:
        ports = _ports(service, each.pod)
        groups.setdefault(str(ports), (ports, []))[1].append(each)
    return [_slice(service, ports, pods) for ports, pods in groups.values() or [([], [])]]


def _slice(service: Object, ports: list[Object], pods: list[Endpoint]) -> Object:
    return {
        "metadata": {
            "generateName": f"{name_of(service)}-",
            "namespace": namespace_of(service),
            "labels": _labels(service) | {SERVICE_NAME: name_of(service), _MANAGED_BY: _CONTROLLER},
            "ownerReferences": [reference_to(service)],
        },
        "addressType": "IPv4",
        # The real controller writes null, not [], and a slice without endpoints has no ports either.
        "endpoints": [_slice_endpoint(service, each) for each in pods] or None,
        "ports": ports or None,
    }


def _slice_endpoint(service: Object, endpoint: Endpoint) -> Object:
    pod = endpoint.pod
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": endpoint.ready, "serving": endpoint.is_serving, "terminating": endpoint.terminating},
        **_hostname(service, pod),
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": _reference(pod),
    }


def _reference(pod: Object) -> Object:
    return {"kind": "Pod", "name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)}
