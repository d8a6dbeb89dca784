"""The Endpoints and EndpointSlice controllers: who answers for a Service, in the old form and in the new one."""

from collections.abc import Iterable
from dataclasses import dataclass

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
        self._put(ENDPOINT_SLICES, self._slice(service, found), trigger_time)
        return None

    def _slice(self, service: Object, found: list[Endpoint]) -> Object:
        """The one EndpointSlice of the Service; its name is kept once it has one."""
        slice_of: Object = {
            "metadata": {
                "generateName": f"{name_of(service)}-",
                "namespace": namespace_of(service),
                "labels": _labels(service) | {SERVICE_NAME: name_of(service), _MANAGED_BY: _CONTROLLER},
                "ownerReferences": [reference_to(service)],
            },
            "addressType": "IPv4",
            # The real controller writes null, not [], and a slice without endpoints has no ports either.
            "endpoints": [_slice_endpoint(each) for each in found] or None,
            "ports": _ports(service, found) or None,
        }
        for entry in self._store.entries(ENDPOINT_SLICES, namespace_of(service))[0]:
            owner = controller_of(entry.shared)
            if owner is not None and owner["uid"] == uid_of(service):
                slice_of["metadata"]["name"] = name_of(entry.shared)
        return slice_of

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


def _ports(service: Object, found: list[Endpoint]) -> list[Object]:
    """The Service's ports as numbers on the pods. Pods of one Service share their port names' numbers here."""
    ports = []
    for port in lookup(service, "spec.ports", []):
        number = next((n for each in found if (n := _number(port["targetPort"], each.pod)) is not None), None)
        if number is not None:
            ports.append({"name": port.get("name", ""), "port": number, "protocol": port["protocol"]})
    return ports


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
    ports = [{key: value for key, value in port.items() if value} for port in _ports(service, staying)]
    subset: Object = {}
    for key, ready in (("addresses", True), ("notReadyAddresses", False)):
        addresses = [_address(each) for each in staying if each.ready is ready]
        if addresses:
            subset[key] = addresses
    if subset and ports:
        subset["ports"] = ports
    return {
        "metadata": {
            "name": name_of(service),
            "namespace": namespace_of(service),
            "labels": _labels(service) | {"endpoints.kubernetes.io/managed-by": "endpoint-controller"},
        },
        **({"subsets": [subset]} if subset else {}),
    }


def _address(endpoint: Endpoint) -> Object:
    pod = endpoint.pod
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"].get("nodeName"), "targetRef": _reference(pod)}


def _by_address(endpoint: Endpoint) -> tuple[int, ...]:
    return tuple(map(int, endpoint.pod["status"]["podIP"].split(".")))


def _slice_endpoint(endpoint: Endpoint) -> Object:
    pod = endpoint.pod
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": endpoint.ready, "serving": endpoint.is_serving, "terminating": endpoint.terminating},
        "nodeName": pod["spec"].get("nodeName"),
        "targetRef": _reference(pod),
    }


def _reference(pod: Object) -> Object:
    return {"kind": "Pod", "name": name_of(pod), "namespace": namespace_of(pod), "uid": uid_of(pod)}
