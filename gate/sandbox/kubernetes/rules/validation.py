"""What the API server refuses in an object: one function for each kind, each giving the causes that a client reads."""

import json
import re
from base64 import b64decode
from typing import Any

from gate.sandbox.kubernetes.language import metadata
from gate.sandbox.kubernetes.language.decoding import type_fault
from gate.sandbox.kubernetes.language.errors import Cause, forbidden, invalid, not_negative, not_supported, required
from gate.sandbox.kubernetes.language.metadata import LABEL, SUBDOMAIN
from gate.sandbox.kubernetes.language.objects import Object, lookup
from gate.sandbox.kubernetes.language.selectors import LabelSelector
from gate.sandbox.kubernetes.rules import ephemeral_validation, pod_validation

_PERCENTAGE = metadata.Rule(
    pattern=re.compile(r"[0-9]+%"),
    limit=63,
    words="a valid percent string must be a numeric string followed by an ending '%'",
    examples=("1%", "93%"),
)
_DATA_LIMIT = 1024 * 1024
"""Bytes of all values of a ConfigMap or Secret."""

_SECRET_KEYS = {
    "kubernetes.io/tls": ("tls.crt", "tls.key"),
    "kubernetes.io/dockerconfigjson": (".dockerconfigjson",),
    "kubernetes.io/dockercfg": (".dockercfg",),
    "kubernetes.io/ssh-auth": ("ssh-privatekey",),
}
"""What a Secret of a type has to hold."""
_CREDENTIALS = (".dockerconfigjson", ".dockercfg")
"""Keys of these whose values have to be a JSON object."""
_REDACTED = "<secret contents redacted>"
_ACCOUNT = "kubernetes.io/service-account.name"
"""The annotation of a Secret that says whose token it is."""


def dns_named(new: Object, _old: Object | None) -> list[Cause]:
    """A subdomain for a name, and metadata in order: all that some kinds demand."""
    return metadata.faults(new, SUBDOMAIN)


def extended(new: Object, _old: Object | None) -> list[Cause]:
    """The same for what does not come with the server: definitions, and what they define."""
    return metadata.faults(new, SUBDOMAIN, bare_finalizers=True)


def namespace(new: Object, _old: Object | None) -> list[Cause]:
    causes = metadata.faults(new, LABEL)
    for finalizer in lookup(new, "spec.finalizers", []):
        causes += metadata.finalizer_faults(finalizer, "spec.finalizers", "spec.finalizers")
    return causes


def node(new: Object, old: Object | None) -> list[Cause]:
    return dns_named(new, old)


def config_map(new: Object, old: Object | None) -> list[Cause]:
    plain, binary = new.get("data") or {}, new.get("binaryData") or {}
    causes = dns_named(new, old) + _immutable_data(new, old)
    causes += [
        invalid(f"data[{key}]", key, "duplicate of key present in binaryData") for key in sorted(plain) if key in binary
    ]
    causes += _keys(plain, "data") + _keys(binary, "binaryData")
    if sum(len(value.encode()) for value in plain.values()) + _size(binary) > _DATA_LIMIT:
        causes.append(metadata.too_long("[]", _DATA_LIMIT))
    return causes


def secret(new: Object, old: Object | None) -> list[Cause]:
    data, kind = new.get("data") or {}, new.get("type")
    causes = dns_named(new, old) + _immutable_data(new, old)
    if old is not None and old.get("type") != kind:
        causes.append(invalid("type", kind, "field is immutable"))
    causes += _keys(data, "data")
    if _size(data) > _DATA_LIMIT:
        causes.append(metadata.too_long("data", _DATA_LIMIT))
    causes += [required(f"data[{key}]") for key in _SECRET_KEYS.get(str(kind), ()) if key not in data]
    causes += [cause for key in _CREDENTIALS if key in _SECRET_KEYS.get(str(kind), ()) for cause in _mapping(data, key)]
    if kind == "kubernetes.io/service-account-token" and not (new["metadata"].get("annotations") or {}).get(_ACCOUNT):
        causes.append(required(f"metadata.annotations[{_ACCOUNT}]"))
    if kind == "kubernetes.io/basic-auth" and not data.keys() & {"username", "password"}:
        causes += [required("data[username]"), required("data[password]")]
    return causes


def event(new: Object, old: Object | None) -> list[Cause]:
    causes = dns_named(new, old)
    about = lookup(new, "involvedObject.namespace", "")
    if (about or "default") != new["metadata"].get("namespace"):
        causes.append(invalid("involvedObject.namespace", about, "does not match event.namespace"))
    return causes


def lease(new: Object, old: Object | None) -> list[Cause]:
    causes = dns_named(new, old)
    seconds = lookup(new, "spec.leaseDurationSeconds")
    if seconds is not None and seconds <= 0:
        causes.append(invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0"))
    transitions = lookup(new, "spec.leaseTransitions")
    if transitions is not None and transitions < 0:
        causes.append(invalid("spec.leaseTransitions", transitions, "must be greater than or equal to 0"))
    return causes


def endpoint_slice(new: Object, old: Object | None) -> list[Cause]:
    causes = dns_named(new, old)
    kind = new.get("addressType")
    if not kind:
        causes.append(required("addressType"))
    elif kind not in ("IPv4", "IPv6", "FQDN"):
        causes.append(not_supported("addressType", kind, ("FQDN", "IPv4", "IPv6")))
    if old is not None and old.get("addressType") != kind:
        causes.append(invalid("addressType", kind, "field is immutable"))
    for index, endpoint in enumerate(new.get("endpoints") or [] if kind in ("IPv4", "IPv6") else []):
        for place, address in enumerate(endpoint.get("addresses") or []):
            causes += metadata.address(address, f"endpoints[{index}].addresses[{place}]")
    return causes


def pod_disruption_budget(new: Object, old: Object | None) -> list[Cause]:
    causes = dns_named(new, old)
    spec = new.get("spec") or {}
    least, most, policy = (
        spec.get(field) for field in ("minAvailable", "maxUnavailable", "unhealthyPodEvictionPolicy")
    )
    if least is not None and most is not None:
        whole = {
            "MinAvailable": least,
            "Selector": spec.get("selector"),
            "MaxUnavailable": most,
            "UnhealthyPodEvictionPolicy": policy,
        }
        causes.append(invalid("spec", whole, "minAvailable and maxUnavailable cannot be both set"))
    for field in ("minAvailable", "maxUnavailable"):
        causes += _share(spec.get(field), f"spec.{field}")
    policies = ("AlwaysAllow", "IfHealthyBudget")
    if policy is not None and policy not in policies:
        causes.append(not_supported("spec.unhealthyPodEvictionPolicy", policy, policies))
    selector = spec.get("selector") or {}
    causes += metadata.labels(selector.get("matchLabels"), "spec.selector.matchLabels")
    return causes + _expressions(selector, "spec.selector")


def _share(amount: Any, field: str, most: int | None = 100) -> list[Cause]:
    """A number of pods, or a percentage of them that is not more than `most`."""
    if isinstance(amount, str):
        causes = [invalid(field, amount, fault) for fault in _PERCENTAGE.faults(amount)]
        if not causes and most is not None and int(amount.removesuffix("%")) > most:
            causes.append(invalid(field, amount, f"must not be greater than {most}%"))
        return causes
    return [invalid(field, amount, "must be greater than or equal to 0")] if amount is not None and amount < 0 else []


def pod(new: Object, old: Object | None) -> list[Cause]:
    return dns_named(new, old) + pod_validation.pod(new.get("spec") or {}, None if old is None else old["spec"])


def aided_pod(new: Object, old: Object | None) -> list[Cause]:
    """The same, of a pod that is given ephemeral containers."""
    return dns_named(new, old) + ephemeral_validation.aid(new["spec"], (old or new)["spec"])


def deployment(new: Object, old: Object | None) -> list[Cause]:
    causes = dns_named(new, old) + _templated(new, old)
    spec = new["spec"]
    causes += not_negative(
        spec, "spec", ("replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds")
    )
    causes += _strategy(spec.get("strategy") or {})
    deadline, ready = spec.get("progressDeadlineSeconds"), spec.get("minReadySeconds") or 0
    if isinstance(deadline, int) and isinstance(ready, int) and deadline <= ready:
        causes.append(invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"))
    return causes


def replica_set(new: Object, old: Object | None) -> list[Cause]:
    causes = dns_named(new, old) + _templated(new, old)
    return causes + not_negative(new["spec"], "spec", ("replicas", "minReadySeconds"))


# Parts of objects


def _expressions(selector: Object, path: str) -> list[Cause]:
    causes = []
    for index, each in enumerate(selector.get("matchExpressions") or []):
        place, operator, values = f"{path}.matchExpressions[{index}]", each.get("operator"), each.get("values")
        if not each.get("key"):
            causes.append(required(f"{place}.key"))
        if operator not in ("In", "NotIn", "Exists", "DoesNotExist"):
            causes.append(invalid(f"{place}.operator", operator or "", "not a valid selector operator"))
        elif operator in ("In", "NotIn") and not values:
            causes.append(required(f"{place}.values", "must be specified when `operator` is 'In' or 'NotIn'"))
        elif operator in ("Exists", "DoesNotExist") and values:
            detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"
            causes.append(forbidden(f"{place}.values", detail))
    return causes


def _keys(data: Object, field: str) -> list[Cause]:
    return [invalid(f"{field}[{key}]", key, fault) for key in sorted(data) for fault in metadata.key_faults(key)]


def _mapping(data: Object, key: str) -> list[Cause]:
    try:
        value = json.loads(b64decode(data.get(key, "e30=")))
    except ValueError as error:
        return [invalid(f"data[{key}]", _REDACTED, str(error))]
    if value is None or isinstance(value, dict):
        return []
    return [invalid(f"data[{key}]", _REDACTED, type_fault(value, "map[string]interface {}"))]


def _size(data: Object) -> int:
    """Bytes of values in base64."""
    return sum(len(b64decode(value)) for value in data.values())


def _immutable_data(new: Object, old: Object | None) -> list[Cause]:
    if old is None or not old.get("immutable"):
        return []
    detail = "field is immutable when `immutable` is set"
    causes = [forbidden(field, detail) for field in ("data", "binaryData") if new.get(field) != old.get(field)]
    return causes if new.get("immutable") else [forbidden("immutable", detail), *causes]


def _templated(new: Object, old: Object | None) -> list[Cause]:
    """The selector and the template of a Deployment or ReplicaSet."""
    spec = new["spec"]
    selector = spec.get("selector")
    template = spec.get("template") or {}
    causes = []
    if selector is None:
        causes.append(required("spec.selector"))
    elif not (selector.get("matchLabels") or selector.get("matchExpressions")):
        causes.append(invalid("spec.selector", {}, "empty selector is invalid for deployment"))  # of a ReplicaSet, too
    wrong = metadata.labels((selector or {}).get("matchLabels"), "spec.selector.matchLabels")
    wrong += _expressions(selector or {}, "spec.selector")
    if wrong:
        causes += [*wrong, invalid("spec.selector", selector, "invalid label selector")]
    else:  # whether a template is right can be said only of one that is selected
        causes += _template(template, selector)
    if old is not None and lookup(old, "spec.selector") != selector:
        causes.append(invalid("spec.selector", selector, "field is immutable"))
    return causes


def _template(template: Object, selector: Object | None) -> list[Cause]:
    template_labels = lookup(template, "metadata.labels")
    causes = metadata.labels(template_labels, "spec.template.labels")
    causes += metadata.annotations(lookup(template, "metadata.annotations"), "spec.template.annotations")
    if selector is None or not LabelSelector.from_object(selector).matches(template_labels or {}):
        detail = "`selector` does not match template `labels`"
        causes.append(invalid("spec.template.metadata.labels", template_labels, detail))
    policy = lookup(template, "spec.restartPolicy")
    if policy != "Always":
        causes.append(not_supported("spec.template.spec.restartPolicy", policy, ("Always",)))
    if lookup(template, "spec.activeDeadlineSeconds"):
        detail = "activeDeadlineSeconds in ReplicaSet is not Supported"
        causes.append(forbidden("spec.template.spec.activeDeadlineSeconds", detail))
    return causes + pod_validation.template(template.get("spec") or {}, "spec.template.spec")


def _strategy(strategy: Object) -> list[Cause]:
    kind, rolling = strategy.get("type"), strategy.get("rollingUpdate")
    if kind not in ("Recreate", "RollingUpdate"):
        whole = {"Type": kind, "RollingUpdate": rolling}
        return [not_supported("spec.strategy", whole, ("Recreate", "RollingUpdate"))]
    if kind == "Recreate":
        detail = "may not be specified when strategy `type` is 'Recreate'"
        return [] if rolling is None else [forbidden("spec.strategy.rollingUpdate", detail)]
    causes = _share(lookup(rolling, "maxUnavailable"), "spec.strategy.rollingUpdate.maxUnavailable")
    causes += _share(lookup(rolling, "maxSurge"), "spec.strategy.rollingUpdate.maxSurge", most=None)
    if all(_is_zero(lookup(rolling, side)) for side in ("maxUnavailable", "maxSurge")):
        field = "spec.strategy.rollingUpdate.maxUnavailable"
        causes.append(invalid(field, lookup(rolling, "maxUnavailable"), "may not be 0 when `maxSurge` is 0"))
    return causes


def _is_zero(amount: Any) -> bool:
    return amount in (0, "0%", "0")
