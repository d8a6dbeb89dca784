"""What the API server refuses in a Service, and what the sandbox refuses because it balances in one way only."""

from gate.sandbox.kubernetes import metadata, portvalidation
from gate.sandbox.kubernetes.errors import Cause, forbidden, invalid, not_supported, required
from gate.sandbox.kubernetes.objects import Object, lookup

_CHOICES = {
    "type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
    "sessionAffinity": ("ClientIP", "None"),
    "internalTrafficPolicy": ("Cluster", "Local"),
}
_NOT_DONE = (("type", "LoadBalancer"), ("type", "NodePort"), ("sessionAffinity", "ClientIP"))


def service(new: Object, old: Object | None) -> list[Cause]:
    spec = new.get("spec") or {}
    ports = spec.get("ports") or []
    is_name = spec.get("type") == "ExternalName"
    causes = metadata.faults(new, metadata.LABEL_1035)
    for field, choices in _CHOICES.items():
        value = spec.get(field)
        if value not in choices and not (is_name and value is None):
            causes.append(not_supported(f"spec.{field}", value, choices))
    for field, value in _NOT_DONE:
        if spec.get(field) == value:
            causes.append(forbidden(f"spec.{field}", f"the sandbox has no {value}"))
    if is_name and not spec.get("externalName"):
        causes.append(required("spec.externalName"))
    if not ports and not is_name and spec.get("clusterIP") != "None":
        causes.append(required("spec.ports"))
    causes += portvalidation.of_service(ports, "spec.ports", str(spec.get("type")))
    causes += metadata.labels(spec.get("selector"), "spec.selector")
    return causes + _addresses(spec) + _moved(spec, old)


def _addresses(spec: Object) -> list[Cause]:
    causes = []
    for index, family in enumerate(spec.get("ipFamilies") or []):
        if family != "IPv4":
            causes.append(invalid(f"spec.ipFamilies[{index}]", family, "not configured on this cluster"))
    if spec.get("externalTrafficPolicy") and spec.get("type") == "ClusterIP":
        detail = "may only be set for externally-accessible services"
        causes.append(invalid("spec.externalTrafficPolicy", spec["externalTrafficPolicy"], detail))
    address = spec.get("clusterIP")
    return causes + (metadata.address(address, "spec.clusterIPs[0]") if address and address != "None" else [])


def _moved(spec: Object, old: Object | None) -> list[Cause]:
    before, after = lookup(old, "spec.clusterIP"), spec.get("clusterIP")
    if not before or before == after or spec.get("type") == "ExternalName":
        return []
    return [invalid("spec.clusterIPs[0]", [after or ""], "may not change once set")]
