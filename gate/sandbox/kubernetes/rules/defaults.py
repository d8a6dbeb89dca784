"""What the API server fills in: the fields that a writer may leave out, and the first status of a new object.

Only fields that kubectl or the sandbox's own controllers read, or that the real server returns, are set; each function
works in place and is idempotent.
"""

from base64 import b64encode
from collections.abc import Iterable
from typing import Any

from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of
from gate.sandbox.kubernetes.rules import pod_defaults
from gate.sandbox.kubernetes.rules.pod_defaults import GROUPS


def empty_status(obj: Object) -> None:
    obj["status"] = {}


def namespace(obj: Object) -> None:
    labels = obj["metadata"].setdefault("labels", {})
    labels["kubernetes.io/metadata.name"] = name_of(obj)


def new_namespace(obj: Object) -> None:
    asked = _mapping(obj, "spec").get("finalizers") or []
    obj["spec"]["finalizers"] = asked if "kubernetes" in asked else [*asked, "kubernetes"]
    obj["status"] = {"phase": "Active"}


def pod(obj: Object) -> None:
    spec = _mapping(obj, "spec")
    pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)


def new_pod(obj: Object) -> None:
    obj["status"] = {"phase": "Pending", "qosClass": _quality(_mapping(obj, "spec"))}


def pod_spec(spec: Object) -> None:
    """The defaults that a pod and a pod template share."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    if spec.get("serviceAccountName"):
        spec.setdefault("serviceAccount", spec["serviceAccountName"])
    for volume in _rows(spec, "volumes"):
        for source, mode in (("configMap", "defaultMode"), ("secret", "defaultMode"), ("projected", "defaultMode")):
            if isinstance(volume.get(source), dict):
                volume[source].setdefault(mode, 0o644)
        if not volume.keys() - {"name"}:
            volume["emptyDir"] = {}
    for container in (row for group in GROUPS for row in _rows(spec, group)):
        _container(container)
    pod_defaults.parts(spec)


def _container(container: Object) -> None:
    image = str(container.get("image") or "")
    tag = image.rpartition("/")[2].partition(":")[2]
    latest = "@" not in image and tag in ("", "latest")
    container.setdefault("imagePullPolicy", "Always" if latest else "IfNotPresent")
    container.setdefault("resources", {})
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    for port in _rows(container, "ports"):
        port.setdefault("protocol", "TCP")
    for variable in _rows(container, "env"):
        reference = lookup(variable, "valueFrom.fieldRef")
        if isinstance(reference, dict):
            reference.setdefault("apiVersion", "v1")
    for kind in ("livenessProbe", "readinessProbe", "startupProbe"):
        if isinstance(container.get(kind), dict):
            _probe(container[kind])


def _probe(probe: Object) -> None:
    probe.setdefault("timeoutSeconds", 1)
    probe.setdefault("periodSeconds", 10)
    probe.setdefault("successThreshold", 1)
    probe.setdefault("failureThreshold", 3)
    if isinstance(probe.get("httpGet"), dict):
        probe["httpGet"].setdefault("path", "/")
        probe["httpGet"].setdefault("scheme", "HTTP")


def _quality(spec: Object) -> str:
    """The quality-of-service class, from the requests and limits for CPU and memory."""
    requests = [lookup(container, "resources.requests", {}) for container in _rows(spec, "containers")]
    limits = [lookup(container, "resources.limits", {}) for container in _rows(spec, "containers")]
    if not any(requests) and not any(limits):
        return "BestEffort"
    complete = all(limit.keys() >= {"cpu", "memory"} for limit in limits)
    equal = all({**limit, **request} == limit for request, limit in zip(requests, limits, strict=True))
    return "Guaranteed" if complete and equal else "Burstable"


def deployment(obj: Object) -> None:
    spec = _mapping(obj, "spec")
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    strategy = _mapping(spec, "strategy")
    strategy.setdefault("type", "RollingUpdate")
    if strategy["type"] == "RollingUpdate":
        rolling = _mapping(strategy, "rollingUpdate")
        rolling.setdefault("maxUnavailable", "25%")
        rolling.setdefault("maxSurge", "25%")
    _template(spec)


def replica_set(obj: Object) -> None:
    spec = _mapping(obj, "spec")
    spec.setdefault("replicas", 1)
    _template(spec)


def new_replica_set(obj: Object) -> None:
    obj["status"] = {"replicas": 0}


def service(obj: Object) -> None:
    spec = _mapping(obj, "spec")
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] != "ExternalName":
        spec.setdefault("internalTrafficPolicy", "Cluster")
        _families(spec)
    for port in _rows(spec, "ports"):
        port.setdefault("protocol", "TCP")
        if port.get("targetPort") in (None, "", 0):
            port["targetPort"] = port.get("port")


def _families(spec: Object) -> None:
    """What has neither an address nor pods of its own is taken to be of both families."""
    any_family = spec.get("clusterIP") == "None" and not spec.get("selector")
    policy = spec.setdefault("ipFamilyPolicy", "RequireDualStack" if any_family else "SingleStack")
    families = spec.get("ipFamilies") or ["IPv4"]
    if any_family and policy != "SingleStack" and len(families) == 1:
        families = [*families, "IPv4" if families == ["IPv6"] else "IPv6"]
    spec["ipFamilies"] = families


def new_service(obj: Object) -> None:
    obj["status"] = {"loadBalancer": {}}


def endpoints(obj: Object) -> None:
    for subset in _rows(obj, "subsets"):
        for port in _rows(subset, "ports"):
            port.setdefault("protocol", "TCP")


def endpoint_slice(obj: Object) -> None:
    for endpoint in _rows(obj, "endpoints"):
        endpoint.setdefault("conditions", {})
    for port in _rows(obj, "ports"):
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def secret(obj: Object) -> None:
    obj.setdefault("type", "Opaque")
    plain = obj.pop("stringData", None) or {}
    if plain:
        encoded = {key: b64encode(value.encode()).decode() for key, value in plain.items()}
        obj["data"] = {**(obj.get("data") or {}), **encoded}


def lease(obj: Object) -> None:
    _mapping(obj, "spec")


def event(obj: Object) -> None:
    for field in ("source", "involvedObject"):
        obj.setdefault(field, {})
    for field in ("firstTimestamp", "lastTimestamp", "eventTime"):
        obj.setdefault(field, None)
    obj.setdefault("reportingComponent", "")
    obj.setdefault("reportingInstance", "")


def new_pod_disruption_budget(obj: Object) -> None:
    obj["status"] = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}


def custom_resource_definition(obj: Object) -> None:
    spec = _mapping(obj, "spec")
    names = _mapping(spec, "names")
    if kind := names.get("kind"):
        names["listKind"] = names.get("listKind") or f"{kind}List"
        names["singular"] = names.get("singular") or str(kind).lower()
    spec.setdefault("conversion", {"strategy": "None"})
    stored = next((row.get("name", "") for row in _rows(spec, "versions") if row.get("storage")), None)
    before = lookup(obj, "status.storedVersions") or []
    if stored is not None and stored not in before:  # the status may be that of the stored definition
        obj["status"] = {**lookup(obj, "status", {}), "storedVersions": [*before, stored]}


def new_custom_resource_definition(obj: Object) -> None:
    obj["status"] = {"acceptedNames": {}, "conditions": [], "storedVersions": None}


def _template(spec: Object) -> None:
    template = _mapping(spec, "template")
    _mapping(template, "metadata")
    pod_spec(_mapping(template, "spec"))


def _mapping(obj: Object, key: str) -> Object:
    """The mapping at the key, made if it is missing or null."""
    if obj.get(key) is None:
        obj[key] = {}
    value: Object = obj[key]
    return value


def _rows(obj: Object, key: str) -> Iterable[Any]:
    """The mappings in the list at the key; what is none is left to validation."""
    return [row for row in obj.get(key) or () if isinstance(row, dict)]
