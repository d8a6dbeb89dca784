"""What the API server refuses in the status of a built-in kind; that of Jobs has a file of its own."""

import re
from collections.abc import Iterable

from gate.sandbox.kubernetes.language import metadata
from gate.sandbox.kubernetes.language.errors import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    not_negative,
    not_supported,
    required,
)
from gate.sandbox.kubernetes.language.objects import Object, is_terminating, lookup

_REASON = metadata.Rule(
    pattern=re.compile(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"),
    limit=1024,
    words="a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric "
    "characters or '_,:', and must end with an alphanumeric character or '_'",
    examples=("my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"),
)
_STATUSES = ("False", "True", "Unknown")


def deployment(new: Object, old: Object | None) -> list[Cause]:
    status = new["status"]
    causes = not_negative(
        status,
        "status",
        (
            *("observedGeneration", "replicas", "updatedReplicas", "readyReplicas", "availableReplicas"),
            *("unavailableReplicas", "collisionCount"),
        ),
    )
    causes += _at_most_all(status, ("updatedReplicas", "readyReplicas", "availableReplicas"))
    collisions, before = status.get("collisionCount") or 0, lookup(old, "status.collisionCount")
    if before is not None and collisions < before:
        causes.append(invalid("status.collisionCount", collisions, "cannot be decremented"))
    return causes


def replica_set(new: Object, _old: Object | None) -> list[Cause]:
    status, counts = new["status"], ("fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    causes = not_negative(status, "status", ("replicas", *counts, "observedGeneration"))
    return causes + _at_most_all(status, counts)


def _at_most_all(status: Object, counts: Iterable[str]) -> list[Cause]:
    """No part of the pods is more than all of them, and only ready ones are available."""
    found = [(f"status.{count}", status.get(count) or 0) for count in counts]
    total, ready = status.get("replicas") or 0, status.get("readyReplicas") or 0
    causes = [invalid(field, size, "cannot be greater than status.replicas") for field, size in found if size > total]
    available = status.get("availableReplicas") or 0
    if available > ready:
        causes.append(invalid("status.availableReplicas", available, "cannot be greater than readyReplicas"))
    return causes


def pod_disruption_budget(new: Object, _old: Object | None) -> list[Cause]:
    counts = ("disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods")
    causes = not_negative(new["status"], "status", counts)
    seen: set[str] = set()
    for index, each in enumerate(new["status"].get("conditions") or ()):
        place = f"status.conditions[{index}]"
        if each["type"] in seen:
            causes.append(duplicate(f"{place}.type", each["type"]))
        seen.add(each["type"])
        causes += _condition(each, place)
    return causes


def _condition(condition: Object, place: str) -> list[Cause]:
    """One metav1.Condition."""
    kind, status, reason = condition["type"], condition["status"], condition.get("reason")
    causes = [invalid(f"{place}.type", kind, fault) for fault in metadata.qualified_name_faults(kind)]
    if status not in _STATUSES:
        causes.append(not_supported(f"{place}.status", status, _STATUSES))
    causes += not_negative(condition, place, ("observedGeneration",))
    if not condition.get("lastTransitionTime"):
        causes.append(required(f"{place}.lastTransitionTime"))
    if not reason:
        return [*causes, required(f"{place}.reason")]
    return causes + [invalid(f"{place}.reason", reason, fault) for fault in _REASON.faults(reason)]


def namespace(new: Object, _old: Object | None) -> list[Cause]:
    phase, field = new["status"].get("phase"), "status.Phase"
    if is_terminating(new):
        detail = "may only be 'Terminating' if `deletionTimestamp` is not empty"
        return [] if phase == "Terminating" else [invalid(field, phase, detail)]
    detail = "may only be 'Active' if `deletionTimestamp` is empty"
    return [] if phase == "Active" else [invalid(field, phase, detail)]


def pod(new: Object, old: Object | None) -> list[Cause]:
    status, natural = new["status"], "must be a non-negative integer"
    causes = []
    before = lookup(old, "status.qosClass")
    if before and status.get("qosClass") != before:
        causes.append(invalid("status.qosClass", status.get("qosClass", ""), "field is immutable"))
    nominated = status.get("nominatedNodeName")
    if nominated:
        causes += [
            invalid("status.nominatedNodeName", nominated, fault) for fault in metadata.SUBDOMAIN.faults(nominated)
        ]
    if status.get("observedGeneration", 0) < 0:
        causes.append(invalid("status.observedGeneration", status["observedGeneration"], natural))
    for index, address in enumerate(_addresses(status)):
        causes += metadata.address(address, f"status.podIPs[{index}]")
    for index, each in enumerate(status.get("conditions") or ()):
        place = f"status.conditions[{index}]"
        faults = metadata.qualified_name_faults(each["type"])
        causes += [invalid(f"{place}.Type", each["type"], fault) for fault in faults]
        if each.get("observedGeneration", 0) < 0:
            causes.append(invalid(f"{place}.observedGeneration", each["observedGeneration"], natural))
    return causes


def _addresses(status: Object) -> list[str]:
    """Those of a pod. Where the one address and the many do not agree, the one counts, as on the real server."""
    first, all_of_them = status.get("podIP"), [str(each.get("ip")) for each in status.get("podIPs") or ()]
    return [first] if first and all_of_them[:1] != [first] else all_of_them


def service(new: Object, _old: Object | None) -> list[Cause]:
    if not lookup(new, "status.loadBalancer.ingress"):
        return []
    detail = "may only be used when `spec.type` is 'LoadBalancer'"
    return [forbidden("status.loadBalancer.ingress", detail)]
