"""What the API server refuses in the ephemeral containers that a pod is given while it runs.

Each sentence is the real server's (1.34); the tests send the same containers to both.
"""

from gate.sandbox.kubernetes.language.errors import Cause, duplicate, forbidden, not_found
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.rules import container_validation

_NEVER = ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle", "resizePolicy", "restartPolicy")
"""What an ephemeral container has not; neither has it `resources`, of which an empty mapping is none."""
_NOT_FOR_IT = "cannot be set for an Ephemeral Container"


def aid(new: Object, old: Object) -> list[Cause]:
    """The spec of a pod with the ephemeral containers that it is to have, given the one with those that it has."""
    path = "spec.ephemeralContainers"
    wanted = new.get("ephemeralContainers") or []
    volumes = {volume.get("name") for volume in new.get("volumes") or []}
    others = {each["name"] for group in ("initContainers", "containers") for each in new.get(group) or []}
    causes: list[Cause] = []
    seen = set(others)
    for index, each in enumerate(wanted):
        place, name = f"{path}[{index}]", str(each.get("name") or "")
        causes += container_validation.common(each, place, volumes)
        if name and name in seen:
            causes.append(duplicate(f"{place}.name", name))
        seen.add(name)
        causes += _own(each, place, others)
    return causes + _kept(wanted, old.get("ephemeralContainers") or [], path)


def _own(container: Object, path: str, others: set[str]) -> list[Cause]:
    target = container.get("targetContainerName")
    causes = [not_found(f"{path}.targetContainerName", target)] if target and target not in others else []
    causes += [forbidden(f"{path}.{field}", _NOT_FOR_IT) for field in (*_NEVER, "resources") if container.get(field)]
    return causes + [
        forbidden(f"{path}.volumeMounts[{index}].{field}", _NOT_FOR_IT)
        for index, mount in enumerate(container.get("volumeMounts") or [])
        for field in ("subPath", "subPathExpr")
        if mount.get(field)
    ]


def _kept(wanted: list[Object], present: list[Object], path: str) -> list[Cause]:
    """None that is there may go or change."""
    by_name = {each.get("name"): each for each in wanted}
    causes = []
    for each in present:
        name = each["name"]
        if name not in by_name:
            causes.append(forbidden(path, f'existing ephemeral containers "{name}" may not be removed\n'))
        elif by_name[name] != each:
            causes.append(forbidden(path, f'existing ephemeral containers "{name}" may not be changed\n'))
    return causes
