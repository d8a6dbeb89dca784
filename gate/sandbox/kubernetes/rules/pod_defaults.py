"""What the API server fills into the parts of a pod that a kubelet acts on: hooks, references, volumes, requests."""

from typing import Any

from gate.sandbox.kubernetes.language.objects import Object, lookup

GROUPS = ("initContainers", "containers", "ephemeralContainers")
"""Where a pod's spec has containers."""
_TOKEN_LIFETIME = 3600


def parts(spec: Object) -> None:
    """Works in place, and twice as well as once."""
    for group in GROUPS:
        for container in _mappings(spec.get(group)):
            _container(container)
    for volume in _mappings(spec.get("volumes")):
        _volume(volume)


def _container(container: Object) -> None:
    for moment in ("preStop", "postStart"):
        request = lookup(container, f"lifecycle.{moment}.httpGet")
        if isinstance(request, dict):
            request.setdefault("path", "/")
            request.setdefault("scheme", "HTTP")
    for variable in _mappings(container.get("env")):
        _references(variable.get("valueFrom"))
    resources = container.get("resources")
    limits = resources.get("limits") if isinstance(resources, dict) else None
    if isinstance(resources, dict) and isinstance(limits, dict) and limits:
        resources["requests"] = limits | (resources.get("requests") or {})


def _volume(volume: Object) -> None:
    if isinstance(volume.get("hostPath"), dict):
        volume["hostPath"].setdefault("type", "")
    if isinstance(volume.get("downwardAPI"), dict):
        volume["downwardAPI"].setdefault("defaultMode", 0o644)
    projections = [lookup(source, "downwardAPI", {}) for source in _mappings(lookup(volume, "projected.sources", []))]
    for projection in (lookup(volume, "downwardAPI", {}), *projections):
        for item in _mappings(projection.get("items")):
            _references(item)
    for source in _mappings(lookup(volume, "projected.sources", [])):
        if isinstance(source.get("serviceAccountToken"), dict):
            source["serviceAccountToken"].setdefault("expirationSeconds", _TOKEN_LIFETIME)


def _references(source: Any) -> None:
    if not isinstance(source, dict):
        return
    if isinstance(source.get("fieldRef"), dict):
        source["fieldRef"].setdefault("apiVersion", "v1")
    if isinstance(source.get("resourceFieldRef"), dict):
        source["resourceFieldRef"].setdefault("divisor", "0")


def _mappings(rows: Any) -> list[Object]:
    """The mappings in a list; what is none is left to validation."""
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
