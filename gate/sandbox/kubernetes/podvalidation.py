"""What the API server refuses in the parts of a pod that a kubelet acts on: probes, hooks, variables, volumes.

Each sentence is the real server's (1.34); the tests send the same pods to both.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any

from gate.sandbox.kubernetes.errors import Cause, duplicate, forbidden, invalid, required
from gate.sandbox.kubernetes.objects import Object

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket", "sleep")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_FIELDS = re.compile(
    r"metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])"
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs)"
)
_LONGEST = 2**31 - 1


def parts(spec: Object, path: str) -> list[Cause]:
    """The causes for all parts of a pod's spec, or of a template's."""
    causes = _volumes(spec.get("volumes") or [], f"{path}.volumes")
    grace = spec.get("terminationGracePeriodSeconds")
    grace = grace if isinstance(grace, int) else 0
    for index, each in enumerate(spec.get("initContainers") or []):
        place = f"{path}.initContainers[{index}]"
        causes += _container(each, place, grace)
        if each.get("restartPolicy") != "Always":
            detail = "may not be set for init containers without restartPolicy=Always"
            fields = [field for field in ("lifecycle", *_PROBES) if each.get(field)]
            causes += [forbidden(f"{place}.{field}", detail) for field in fields]
    for index, each in enumerate(spec.get("containers") or []):
        causes += _container(each, f"{path}.containers[{index}]", grace)
    deadline = spec.get("activeDeadlineSeconds")
    if isinstance(deadline, int) and not 1 <= deadline <= _LONGEST:
        detail = f"must be between 1 and {_LONGEST}, inclusive"
        causes.append(invalid(f"{path}.activeDeadlineSeconds", deadline, detail))
    for index, alias in enumerate(spec.get("hostAliases") or []):
        causes += _address(alias.get("ip"), f"{path}.hostAliases[{index}].ip")
    return causes


def _container(container: Object, path: str, grace: int) -> list[Cause]:
    causes: list[Cause] = []
    for index, variable in enumerate(container.get("env") or []):
        causes += _variable(variable, f"{path}.env[{index}]")
    causes += _mounts(container.get("volumeMounts") or [], f"{path}.volumeMounts")
    for field in _PROBES:
        if isinstance(container.get(field), dict):
            causes += _probe(container[field], f"{path}.{field}", is_readiness=field == "readinessProbe")
    for moment, hook in (container.get("lifecycle") or {}).items():
        if moment in ("preStop", "postStart"):
            causes += _hook(hook or {}, f"{path}.lifecycle.{moment}", grace)
    return causes


def _probe(probe: Object, path: str, *, is_readiness: bool) -> list[Cause]:
    causes = _handler(probe, path)
    for field in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        value = probe.get(field)
        if isinstance(value, int) and value < 0:
            causes.append(invalid(f"{path}.{field}", value, "must be greater than or equal to 0"))
    if not is_readiness and probe.get("successThreshold", 1) != 1:
        causes.append(invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1"))
    return causes


def _hook(hook: Object, path: str, grace: int) -> list[Cause]:
    causes = _handler(hook, path)
    seconds = (hook.get("sleep") or {}).get("seconds")
    if isinstance(seconds, int) and not 0 <= seconds <= grace:
        detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        causes.append(invalid(f"{path}.sleep", seconds, detail))
    return causes


def _handler(action: Object, path: str) -> list[Cause]:
    """A probe or a hook does exactly one thing."""
    given = [kind for kind in _HANDLERS if action.get(kind) is not None]
    if not given:
        return [required(path, "must specify a handler type")]
    return [forbidden(f"{path}.{kind}", "may not specify more than 1 handler type") for kind in given[1:]]


def _variable(variable: Object, path: str) -> list[Cause]:
    source = variable.get("valueFrom")
    if source is None:
        return []
    given = [kind for kind in _SOURCES if source.get(kind) is not None]
    causes = []
    if not given:
        detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        causes.append(invalid(f"{path}.valueFrom", "", detail))
    elif variable.get("value"):
        causes.append(invalid(f"{path}.valueFrom", "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        causes.append(invalid(f"{path}.valueFrom", "", "may not have more than one field specified at a time"))
    field = (source.get("fieldRef") or {}).get("fieldPath")
    if field is not None and not _FIELDS.fullmatch(field):
        detail = f"error converting fieldPath: field label not supported: {field}"
        causes.append(invalid(f"{path}.valueFrom.fieldRef.fieldPath", field, detail))
    references = [kind for kind in given if kind in ("configMapKeyRef", "secretKeyRef")]
    return causes + [required(f"{path}.valueFrom.{kind}.key") for kind in references if not source[kind].get("key")]


def _mounts(mounts: list[Object], path: str) -> list[Cause]:
    causes = []
    seen: set[Any] = set()
    for index, mount in enumerate(mounts):
        place = mount.get("mountPath")
        if not mount.get("name"):
            causes.append(required(f"{path}[{index}].name"))
        if not place:
            causes.append(required(f"{path}[{index}].mountPath"))
        elif place in seen:
            causes.append(invalid(f"{path}[{index}].mountPath", place, "must be unique"))
        seen.add(place)
        if mount.get("subPath"):
            causes += _inside(mount["subPath"], f"{path}.subPath")
    return causes


def _volumes(volumes: list[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[Any] = set()
    for index, volume in enumerate(volumes):
        place, name = f"{path}[{index}]", volume.get("name")
        if name and name in seen:
            causes.append(duplicate(f"{place}.name", name))
        seen.add(name)
        kinds = [kind for kind in volume if kind != "name" and volume[kind] is not None]
        # The real server goes through the kinds in an order of its own, in which emptyDir comes first.
        others = sorted(kinds, key=lambda kind: kind != "emptyDir")[1:]
        causes += [forbidden(f"{place}.{kind}", "may not specify more than 1 volume type") for kind in others]
        if len(kinds) == 1:
            causes += _volume(kinds[0], volume[kinds[0]], f"{place}.{kinds[0]}")
    return causes


def _volume(kind: str, source: Object, path: str) -> list[Cause]:
    if kind == "projected":
        causes: list[Cause] = []
        for index, each in enumerate(source.get("sources") or []):
            for inner, projection in each.items():
                if inner in ("configMap", "secret", "downwardAPI"):
                    causes += _volume(inner, projection, f"{path}.sources[{index}].{inner}")
        return causes
    if kind not in ("configMap", "secret", "downwardAPI"):
        return []
    causes = []
    name = "secretName" if kind == "secret" and ".sources[" not in path else "name"
    if kind != "downwardAPI" and not source.get(name):
        causes.append(required(f"{path}.{name}"))
    for index, item in enumerate(source.get("items") or []):
        place = f"{path}.items[{index}]" if kind != "downwardAPI" else path
        if kind != "downwardAPI" and not item.get("key"):
            causes.append(required(f"{place}.key"))
        if not item.get("path"):
            causes.append(required(f"{place}.path"))
        else:
            causes += _inside(item["path"], f"{place}.path")
    return causes


def _inside(path: str, field: str) -> Iterable[Cause]:
    if path.startswith("/"):
        return [invalid(field, path, "must be a relative path")]
    return [invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else []


def _address(address: Any, field: str) -> list[Cause]:
    try:
        ip_address(str(address))
    except ValueError:
        return [invalid(field, address, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")]
    return []
