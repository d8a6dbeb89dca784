"""What the API server refuses in a Service, and what the sandbox refuses because it balances in one way only."""

from ipaddress import ip_address

from gate.sandbox.kubernetes.language import metadata
from gate.sandbox.kubernetes.language.errors import Cause, duplicate, forbidden, invalid, not_supported, required
from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.rules import port_validation

_CHOICES = {
    "type": ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort"),
    "sessionAffinity": ("ClientIP", "None"),
    "internalTrafficPolicy": ("Cluster", "Local"),
    "ipFamilyPolicy": ("PreferDualStack", "RequireDualStack", "SingleStack"),
}
_FAMILIES = ("IPv4", "IPv6")
_DISTRIBUTIONS = ("PreferClose", "PreferSameZone", "PreferSameNode")
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
    if is_name:
        causes += _external_name((spec.get("externalName") or "").removesuffix("."))
    if not ports and not is_name and spec.get("clusterIP") != "None":
        causes.append(required("spec.ports"))
    causes += port_validation.of_service(ports, "spec.ports", str(spec.get("type")))
    causes += metadata.labels(spec.get("selector"), "spec.selector")
    return causes + _addresses(spec) + _external(spec) + _moved(spec, old)


def _external_name(name: str) -> list[Cause]:
    if not name:
        return [required("spec.externalName")]
    return [invalid("spec.externalName", name, fault) for fault in metadata.SUBDOMAIN.faults(name)]


def _external(spec: Object) -> list[Cause]:
    """What is for traffic from outside; no type of Service that the sandbox has gets any from a balancer."""
    causes = []
    for index, address in enumerate(spec.get("externalIPs") or ()):
        field = f"spec.externalIPs[{index}]"
        causes += metadata.address(address, field) or _not_reachable(address, field)
    if spec.get("loadBalancerSourceRanges"):
        causes.append(forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"))
    if spec.get("healthCheckNodePort"):
        detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"
        causes.append(invalid("spec.healthCheckNodePort", spec["healthCheckNodePort"], detail))
    distribution = spec.get("trafficDistribution")
    if distribution and distribution not in _DISTRIBUTIONS:
        causes.append(not_supported("spec.trafficDistribution", distribution, _DISTRIBUTIONS))
    return causes


def _not_reachable(text: str, field: str) -> list[Cause]:
    address = ip_address(text)
    details = (
        (address.is_unspecified, f"may not be unspecified ({address})"),
        (address.is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
        (address.is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
        (
            address.is_multicast and str(address).startswith(("224.0.0.", "ff02:")),
            "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)",
        ),
    )
    return [invalid(field, text, detail) for it_is, detail in details if it_is]


def _addresses(spec: Object) -> list[Cause]:
    causes = []
    any_family = spec.get("clusterIP") == "None" and not spec.get("selector")
    if spec.get("ipFamilyPolicy") == "RequireDualStack" and not any_family:
        detail = "this cluster is not configured for dual-stack services"
        causes.append(invalid("spec.ipFamilyPolicy", "RequireDualStack", detail))
    families = spec.get("ipFamilies") or []
    for index, family in enumerate(families):
        if family not in _FAMILIES:
            causes.append(not_supported(f"spec.ipFamilies[{index}]", family, _FAMILIES))
        elif family in families[:index]:
            causes.append(duplicate(f"spec.ipFamilies[{index}]", family))
        elif family != "IPv4" and not any_family:
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
