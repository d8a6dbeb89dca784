"""What the API server refuses in the spec of a pod or of a template, apart from its containers and volumes.

Each sentence is the real server's (1.34); the tests send the same pods to both.
"""

from gate.sandbox.kubernetes.language import metadata
from gate.sandbox.kubernetes.language.errors import Cause, duplicate, forbidden, invalid, not_negative, not_supported
from gate.sandbox.kubernetes.language.metadata import LABEL, SUBDOMAIN
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.rules import container_validation, volume_validation

_POLICIES = {
    "restartPolicy": ("Always", "OnFailure", "Never"),
    "dnsPolicy": ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"),
}
_NAMES = {"nodeName": SUBDOMAIN, "serviceAccountName": SUBDOMAIN, "hostname": LABEL, "subdomain": LABEL}
_LONGEST = 2**31 - 1
_CHANGEABLE = ("activeDeadlineSeconds", "tolerations", "schedulingGates")
"""What of a pod's spec has rules of its own for changes."""


def pod(new: Object, old: Object | None) -> list[Cause]:
    """The spec of a pod; `old` is what it was, unless the pod is new."""
    causes = _spec(new, "spec") + _images(new)
    return causes + (_birth(new) if old is None else _change(new, old))


def template(spec: Object, path: str) -> list[Cause]:
    """The spec of pods to come."""
    causes = _spec(spec, path)
    if spec.get("ephemeralContainers"):
        causes.append(forbidden(f"{path}.ephemeralContainers", "ephemeral containers not allowed in pod template"))
    return causes


def _spec(spec: Object, path: str) -> list[Cause]:
    causes = volume_validation.volumes(spec.get("volumes") or [], f"{path}.volumes")
    causes += container_validation.all_of(spec, path)
    for field, choices in _POLICIES.items():
        if spec.get(field) not in choices:
            causes.append(not_supported(f"{path}.{field}", spec.get(field), choices))
    for field, rule in _NAMES.items():
        if spec.get(field):
            causes += [invalid(f"{path}.{field}", spec[field], fault) for fault in rule.faults(spec[field])]
    causes += metadata.labels(spec.get("nodeSelector"), f"{path}.nodeSelector")
    causes += _gates(spec, path)
    deadline = spec.get("activeDeadlineSeconds")
    if isinstance(deadline, int) and not 1 <= deadline <= _LONGEST:
        detail = f"must be between 1 and {_LONGEST}, inclusive"
        causes.append(invalid(f"{path}.activeDeadlineSeconds", deadline, detail))
    for index, alias in enumerate(spec.get("hostAliases") or []):
        place = f"{path}.hostAliases[{index}]"
        causes += metadata.address(alias.get("ip"), f"{place}.ip")
        for number, name in enumerate(alias.get("hostnames") or []):
            causes += [invalid(f"{place}.hostnames[{number}]", name, fault) for fault in SUBDOMAIN.faults(name)]
    return causes + not_negative(spec, path, ("terminationGracePeriodSeconds",))


def _images(spec: Object) -> list[Cause]:
    """The real server looks at the ends of an image's name in pods only, and not in their templates."""
    detail = "must not have leading or trailing whitespace"
    return [
        invalid(f"spec.{group}[{index}].image", each["image"], detail)
        for group in ("containers", "initContainers")
        for index, each in enumerate(spec.get(group) or [])
        if each.get("image") and each["image"] != each["image"].strip()
    ]


def _birth(spec: Object) -> list[Cause]:
    """What a pod cannot have from its beginning."""
    causes = []
    if spec.get("ephemeralContainers"):
        causes.append(forbidden("spec.ephemeralContainers", "cannot be set on create"))
    if spec.get("schedulingGates") and spec.get("nodeName"):
        causes.append(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"))
    return causes


def _change(new: Object, old: Object) -> list[Cause]:
    """Of a living pod's spec, only the images, the deadline, additional tolerations and fewer gates may change.

    One that still waits at a gate may be kept to fewer nodes, too.
    """
    causes = _opened(new.get("schedulingGates") or [], old.get("schedulingGates") or [])
    causes += _deadline(new.get("activeDeadlineSeconds"), old.get("activeDeadlineSeconds"))
    causes += _tolerated(new.get("tolerations") or [], old.get("tolerations") or [])
    if old.get("schedulingGates"):
        causes += _narrowed(new.get("nodeSelector"), old.get("nodeSelector"))
        new = new | {"nodeSelector": old.get("nodeSelector")}
        old = old | {"nodeSelector": old.get("nodeSelector")}
    if _frozen(new) == _frozen(old):
        return causes
    detail = (
        "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    return [*causes, forbidden("spec", detail)]


def _gates(spec: Object, path: str) -> list[Cause]:
    causes = []
    for index, gate in enumerate(spec.get("readinessGates") or []):
        kind, place = gate.get("conditionType") or "", f"{path}.readinessGates[{index}].conditionType"
        causes += [invalid(place, kind, fault) for fault in metadata.qualified_name_faults(kind)]
    seen: set[str] = set()
    for index, gate in enumerate(spec.get("schedulingGates") or []):
        name, place = gate.get("name") or "", f"{path}.schedulingGates[{index}]"
        causes += [invalid(place, name, fault) for fault in metadata.qualified_name_faults(name)]
        if name in seen:
            causes.append(duplicate(place, name))
        seen.add(name)
    return causes


def _opened(new: list[Object], old: list[Object]) -> list[Cause]:
    detail = "only deletion is allowed, but found new scheduling gate"
    return [
        forbidden(f"spec.schedulingGates[{index}].name", f"{detail} '{gate['name']}'")
        for index, gate in enumerate(new)
        if gate not in old
    ]


def _narrowed(new: dict[str, str] | None, old: dict[str, str] | None) -> list[Cause]:
    if (old or {}).items() <= (new or {}).items():
        return []
    detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)"
    return [invalid("spec.nodeSelector", new, detail)]


def _deadline(new: int | None, old: int | None) -> list[Cause]:
    if old is not None and new is None:
        return [invalid("spec.activeDeadlineSeconds", None, "must not update from a positive integer to nil value")]
    if old is not None and new is not None and new > old:
        return [invalid("spec.activeDeadlineSeconds", new, "must be less than or equal to previous value")]
    return []


def _tolerated(new: list[Object], old: list[Object]) -> list[Cause]:
    """For how long something is tolerated may change, and more may be tolerated."""

    def lasting(toleration: Object) -> Object:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [lasting(each) for each in new]
    if all(lasting(each) in kept for each in old):
        return []
    return [forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")]


def _frozen(spec: Object) -> Object:
    kept = {key: value for key, value in spec.items() if key not in _CHANGEABLE}
    if not kept.get("nodeName"):
        kept.pop("nodeName", None)
    for group in ("containers", "initContainers"):
        if group in kept:
            kept[group] = [{key: value for key, value in each.items() if key != "image"} for each in kept[group]]
    return kept
