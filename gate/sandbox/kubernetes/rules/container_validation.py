"""What the API server refuses in the containers of a pod: names, ports, probes, hooks, and whatever they refer to.

Each sentence is the real server's (1.34); the tests send the same containers to both.
"""

from typing import Any

from gate.sandbox.kubernetes.language.errors import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    not_negative,
    not_supported,
    required,
)
from gate.sandbox.kubernetes.language.metadata import LABEL
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.rules import port_validation, source_validation, volume_validation

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_TIMES = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket", "sleep")
_PULLS = ("Always", "IfNotPresent", "Never")
_LAST_WORDS = ("File", "FallbackToLogsOnError")
_SCHEMES = ("HTTP", "HTTPS")


def all_of(spec: Object, path: str) -> list[Cause]:
    """The causes for all containers of a pod's spec, or of a template's."""
    grace = spec.get("terminationGracePeriodSeconds")
    volumes = {volume.get("name") for volume in spec.get("volumes") or []}
    causes = [] if spec.get("containers") else [required(f"{path}.containers")]
    seen: set[str] = set()
    for group in ("containers", "initContainers"):
        for index, each in enumerate(spec.get(group) or []):
            place, name = f"{path}.{group}[{index}]", str(each.get("name") or "")
            causes += common(each, place, volumes)
            if name and name in seen:
                causes.append(duplicate(f"{place}.name", name))
            seen.add(name)
            if group == "containers" or each.get("restartPolicy") == "Always":
                causes += _attention(each, place, grace if isinstance(grace, int) else 0)
            else:
                detail = "may not be set for init containers without restartPolicy=Always"
                fields = [field for field in ("lifecycle", *_PROBES) if each.get(field) is not None]
                causes += [forbidden(f"{place}.{field}", detail) for field in fields]
    return causes


def common(container: Object, path: str, volumes: set[Any]) -> list[Cause]:
    """What every container may be."""
    name = container.get("name")
    causes = [invalid(f"{path}.name", name, fault) for fault in LABEL.faults(name)] if name else []
    causes += [required(f"{path}.{field}") for field in ("name", "image") if not container.get(field)]
    causes += _choice(container, "terminationMessagePolicy", _LAST_WORDS, path)
    causes += port_validation.of_container(container.get("ports") or [], f"{path}.ports")
    for index, variable in enumerate(container.get("env") or []):
        causes += source_validation.variable(variable, f"{path}.env[{index}]")
    causes += source_validation.imports(container.get("envFrom") or [], f"{path}.envFrom")
    causes += volume_validation.mounts(container.get("volumeMounts") or [], f"{path}.volumeMounts", volumes)
    return causes + _choice(container, "imagePullPolicy", _PULLS, path)


def _choice(container: Object, field: str, choices: tuple[str, ...], path: str) -> list[Cause]:
    chosen = container.get(field)
    return [] if chosen in choices else [not_supported(f"{path}.{field}", chosen, choices)]


def _attention(container: Object, path: str, grace: int) -> list[Cause]:
    """What is done with a container that goes on running."""
    causes = []
    for moment in ("postStart", "preStop"):
        hook = (container.get("lifecycle") or {}).get(moment)
        if hook is not None:
            causes += _hook(hook, f"{path}.lifecycle.{moment}", grace)
    for field in _PROBES:
        if isinstance(container.get(field), dict):
            causes += _probe(container[field], f"{path}.{field}", is_readiness=field == "readinessProbe")
    return causes


def _probe(probe: Object, path: str, *, is_readiness: bool) -> list[Cause]:
    causes = _handler(probe, path) + not_negative(probe, path, _TIMES)
    grace = probe.get("terminationGracePeriodSeconds")
    if grace is not None and grace <= 0:
        causes.append(invalid(f"{path}.terminationGracePeriodSeconds", grace, "must be greater than 0"))
    if grace is not None and is_readiness:
        detail = "must not be set for readinessProbes"
        causes.append(invalid(f"{path}.terminationGracePeriodSeconds", grace, detail))
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
        causes += port_validation.number_or_name(action[kind].get("port"), f"{path}.{kind}.port")
    return causes
