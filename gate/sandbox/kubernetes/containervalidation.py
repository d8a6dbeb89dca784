"""What the API server refuses in the containers of a pod: names, ports, variables, mounts, probes, hooks.

Each sentence is the real server's (1.34); the tests send the same containers to both.
"""

import re
from typing import Any

from gate.sandbox.kubernetes import portvalidation
from gate.sandbox.kubernetes.errors import (
    Cause,
    CauseType,
    duplicate,
    forbidden,
    invalid,
    not_negative,
    not_supported,
    required,
)
from gate.sandbox.kubernetes.metadata import LABEL
from gate.sandbox.kubernetes.objects import Object

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_TIMES = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket", "sleep")
_SOURCES = ("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef")
_FIELDS = re.compile(
    r"metadata\.(name|namespace|uid|(labels|annotations)\['[^']+'\])"
    r"|spec\.(nodeName|serviceAccountName)|status\.(hostIP|hostIPs|podIP|podIPs)"
)
_POLICIES = {
    "imagePullPolicy": ("Always", "IfNotPresent", "Never"),
    "terminationMessagePolicy": ("File", "FallbackToLogsOnError"),
}
_SCHEMES = ("HTTP", "HTTPS")
_VARIABLE = re.compile(r"[ -<>-~]+")


def all_of(spec: Object, path: str) -> list[Cause]:
    """The causes for all containers of a pod's spec, or of a template's."""
    grace = spec.get("terminationGracePeriodSeconds")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    causes = [] if spec.get("containers") else [required(f"{path}.containers")]
    seen: set[str] = set()
    for group in ("initContainers", "containers"):
        for index, each in enumerate(spec.get(group) or []):
            place, name = f"{path}.{group}[{index}]", str(each.get("name") or "")
            if name and name in seen:
                causes.append(duplicate(f"{place}.name", name))
            seen.add(name)
            causes += _container(each, place, volumes, grace if isinstance(grace, int) else 0)
            if group == "initContainers" and each.get("restartPolicy") != "Always":
                detail = "may not be set for init containers without restartPolicy=Always"
                fields = [field for field in ("lifecycle", *_PROBES) if each.get(field)]
                causes += [forbidden(f"{place}.{field}", detail) for field in fields]
    return causes


def _container(container: Object, path: str, volumes: set[Any], grace: int) -> list[Cause]:
    name = container.get("name")
    causes = [invalid(f"{path}.name", name, fault) for fault in LABEL.faults(name)] if name else []
    causes += [required(f"{path}.{field}") for field in ("name", "image") if not container.get(field)]
    for field, policies in _POLICIES.items():
        if container.get(field) not in policies:
            causes.append(not_supported(f"{path}.{field}", container.get(field), policies))
    causes += portvalidation.of_container(container.get("ports") or [], f"{path}.ports")
    causes += _imports(container.get("envFrom") or [], f"{path}.envFrom")
    for index, variable in enumerate(container.get("env") or []):
        causes += _variable(variable, f"{path}.env[{index}]")
    causes += _mounts(container.get("volumeMounts") or [], f"{path}.volumeMounts", volumes)
    for field in _PROBES:
        if isinstance(container.get(field), dict):
            causes += _probe(container[field], f"{path}.{field}", is_readiness=field == "readinessProbe")
    for moment, hook in (container.get("lifecycle") or {}).items():
        if moment in ("preStop", "postStart"):
            causes += _hook(hook or {}, f"{path}.lifecycle.{moment}", grace)
    return causes


def _probe(probe: Object, path: str, *, is_readiness: bool) -> list[Cause]:
    causes = _handler(probe, path) + not_negative(probe, path, _TIMES)
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
    kind, *more = given
    causes = [forbidden(f"{path}.{other}", "may not specify more than 1 handler type") for other in more]
    if kind == "exec" and not action[kind].get("command"):
        causes.append(required(f"{path}.exec.command"))
    if kind == "httpGet" and action[kind].get("scheme") not in _SCHEMES:
        causes.append(not_supported(f"{path}.httpGet.scheme", action[kind].get("scheme"), _SCHEMES))
    if kind in ("httpGet", "tcpSocket", "grpc"):
        causes += portvalidation.number_or_name(action[kind].get("port"), f"{path}.{kind}.port")
    return causes


def _variable(variable: Object, path: str) -> list[Cause]:
    name, source = variable.get("name") or "", variable.get("valueFrom")
    causes = [] if name else [required(f"{path}.name")]
    if name and not _VARIABLE.fullmatch(name):
        words = "a valid environment variable name must consist only of printable ASCII characters other than '='"
        causes.append(invalid(f"{path}.name", name, words))
    return causes if source is None else causes + _source(variable, source, f"{path}.valueFrom")


def _source(variable: Object, source: Object, path: str) -> list[Cause]:
    given = [kind for kind in _SOURCES if source.get(kind) is not None]
    causes = []
    if not given:
        detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        causes.append(invalid(path, "", detail))
    elif variable.get("value"):
        causes.append(invalid(path, "", "may not be specified when `value` is not empty"))
    elif len(given) > 1:
        causes.append(invalid(path, "", "may not have more than one field specified at a time"))
    field = (source.get("fieldRef") or {}).get("fieldPath")
    if field is not None and not _FIELDS.fullmatch(field):
        detail = f"error converting fieldPath: field label not supported: {field}"
        causes.append(invalid(f"{path}.fieldRef.fieldPath", field, detail))
    references = [kind for kind in given if kind in ("configMapKeyRef", "secretKeyRef")]
    return causes + [required(f"{path}.{kind}.key") for kind in references if not source[kind].get("key")]


def _imports(sources: list[Object], path: str) -> list[Cause]:
    """The ConfigMaps and Secrets whose keys become variables."""
    causes = []
    for index, source in enumerate(sources):
        given = [kind for kind in ("configMapRef", "secretRef") if source.get(kind) is not None]
        if not given:
            causes.append(invalid(path, "", "must specify one of: `configMapRef` or `secretRef`"))
        elif len(given) > 1:
            causes.append(invalid(path, "", "may not have more than one field specified at a time"))
        causes += [required(f"{path}[{index}].{kind}.name") for kind in given if not source[kind].get("name")]
    return causes


def _mounts(mounts: list[Object], path: str, volumes: set[Any]) -> list[Cause]:
    causes = []
    seen: set[Any] = set()
    for index, mount in enumerate(mounts):
        name, place = mount.get("name"), mount.get("mountPath")
        if not name:
            causes.append(required(f"{path}[{index}].name"))
        if name not in volumes:
            message = f'Not found: "{name or ""}"'
            causes.append(Cause(field=f"{path}[{index}].name", type=CauseType.NOT_FOUND, message=message))
        if not place:
            causes.append(required(f"{path}[{index}].mountPath"))
        elif place in seen:
            causes.append(invalid(f"{path}[{index}].mountPath", place, "must be unique"))
        seen.add(place)
        if mount.get("subPath"):
            causes += inside(mount["subPath"], f"{path}.subPath")
    return causes


def inside(path: str, field: str) -> list[Cause]:
    """A path that has to stay in a volume."""
    if path.startswith("/"):
        return [invalid(field, path, "must be a relative path")]
    return [invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else []
