"""What the API server refuses in the volumes of a pod, and in where its containers mount them.

Each sentence is the real server's (1.34); the tests send the same pods to both.
"""

from collections.abc import Iterator
from typing import Any

from gate.sandbox.kubernetes.language.errors import (
    Cause,
    duplicate,
    forbidden,
    invalid,
    not_found,
    not_supported,
    required,
)
from gate.sandbox.kubernetes.language.metadata import LABEL
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.rules import source_validation

_MOST_MODE = 0o777
_LEAST_LIFETIME = 600
_MOST_LIFETIME = 2**32
_ALSO_BELOW = ("Disabled", "Enabled", "IfPossible")
"""How far read-only reaches: `recursiveReadOnly`."""
_WAYS = ("Bidirectional", "HostToContainer", "None")
"""In which mounts become visible on the other side: `mountPropagation`."""
_PROJECTED = ("secret", "configMap", "downwardAPI", "serviceAccountToken")
"""In the order in which the real server goes through them."""


def volumes(volumes: list[Object], path: str) -> list[Cause]:
    causes: list[Cause] = []
    seen: set[Any] = set()
    for index, volume in enumerate(volumes):
        place, name = f"{path}[{index}]", volume.get("name")
        if not name:
            causes.append(required(f"{place}.name"))
        else:
            causes += [invalid(f"{place}.name", name, fault) for fault in LABEL.faults(name)]
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


def mounts(mounts: list[Object], path: str, volumes: set[Any]) -> list[Cause]:
    causes = []
    seen: set[Any] = set()
    for index, mount in enumerate(mounts):
        name, place = mount.get("name"), mount.get("mountPath")
        if not name:
            causes.append(required(f"{path}[{index}].name"))
        if name not in volumes:
            causes.append(not_found(f"{path}[{index}].name", name or ""))
        if not place:
            causes.append(required(f"{path}[{index}].mountPath"))
        elif place in seen:
            causes.append(invalid(f"{path}[{index}].mountPath", place, "must be unique"))
        seen.add(place)
        causes += _parts(mount, f"{path}[{index}]", path)
    return causes


def _parts(mount: Object, place: str, path: str) -> Iterator[Cause]:
    """Which part of the volume is mounted, and how; most of it is said of all mounts, not of this one."""
    part, expression = mount.get("subPath"), mount.get("subPathExpr")
    if part:
        yield from _inside(part, f"{path}.subPath")
    if part and expression:
        yield invalid(f"{place}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
    if expression:
        yield from _inside(expression, f"{path}.subPathExpr")
    way = mount.get("mountPropagation")
    if way is not None and way not in _WAYS:
        yield not_supported(f"{path}.mountPropagation", way, _WAYS)
    below, field = mount.get("recursiveReadOnly"), f"{path}.recursiveReadOnly"
    if below is not None and below not in _ALSO_BELOW:
        yield not_supported(field, below, _ALSO_BELOW)
    elif below in ("Enabled", "IfPossible"):
        if not mount.get("readOnly"):
            yield forbidden(field, "may only be specified when readOnly is true")
        if way not in (None, "None"):
            yield forbidden(field, "may only be specified when mountPropagation is None or not specified")


def _volume(kind: str, source: Object, path: str) -> list[Cause]:
    if kind == "projected":
        return [*_mode(source, "defaultMode", path), *_projected(source.get("sources") or [], path)]
    if kind == "emptyDir" and str(source.get("sizeLimit") or "").startswith("-"):
        return [forbidden(f"{path}.sizeLimit", "SizeLimit field must be a valid resource quantity")]
    if kind == "downwardAPI":
        return [*_mode(source, "defaultMode", path), *_told(source, path)]
    if kind in ("configMap", "secret"):
        name = f"{path}.{'secretName' if kind == 'secret' else 'name'}"
        missing = [] if source.get(name.rpartition(".")[2]) else [required(name)]
        return [*missing, *_mode(source, "defaultMode", path), *_items(source, path)]
    return []


def _projected(sources: list[Object], path: str) -> Iterator[Cause]:
    taken: set[str] = set()
    for index, source in enumerate(sources):
        given = [kind for kind in _PROJECTED if source.get(kind) is not None]
        for kind in given:
            part, place = source[kind], f"{path}.sources[{index}].{kind}"
            if kind == "serviceAccountToken":
                yield from _collisions([part], taken, None, path)
                yield from _token(part, place, path)
                continue
            if kind == "downwardAPI":
                yield from _told(part, place)
            else:
                yield from () if part.get("name") else (required(f"{place}.name"),)
                yield from _items(part, place)
            yield from _collisions(part.get("items") or [], taken, part.get("name"), path)
        if len(given) > 1:
            yield forbidden(f"{path}.sources[{index}]", "may not specify more than 1 volume type per source")


def _collisions(files: list[Object], taken: set[str], name: str | None, path: str) -> Iterator[Cause]:
    """Files where there is one already; the server blames the ConfigMap or Secret, and otherwise the path."""
    for file in files:
        place = file.get("path") or ""
        if place and place in taken:
            yield invalid(path, name or place, "conflicting duplicate paths")
        taken.add(place)


def _token(token: Object, place: str, path: str) -> Iterator[Cause]:
    lifetime = token.get("expirationSeconds")
    if isinstance(lifetime, int) and lifetime < _LEAST_LIFETIME:
        yield invalid(f"{place}.expirationSeconds", lifetime, "may not specify a duration less than 10 minutes")
    if isinstance(lifetime, int) and lifetime > _MOST_LIFETIME:
        yield invalid(f"{place}.expirationSeconds", lifetime, "may not specify a duration larger than 2^32 seconds")
    yield from _inside(token["path"], f"{path}.path") if token.get("path") else [required(f"{path}.path")]


def _items(source: Object, path: str) -> Iterator[Cause]:
    """The keys of a ConfigMap or Secret that become files."""
    for index, item in enumerate(source.get("items") or []):
        place = f"{path}.items[{index}]"
        if not item.get("key"):
            yield required(f"{place}.key")
        yield from _file(item, place)
        yield from _mode(item, "mode", place)


def _told(source: Object, path: str) -> Iterator[Cause]:
    """What the pod learns of itself in files; the server does not say in which one it found the fault."""
    for item in source.get("items") or []:
        yield from _file(item, path)
        yield from source_validation.told(item, path)
        yield from _mode(item, "mode", path)


def _file(item: Object, path: str) -> list[Cause]:
    return _inside(item["path"], f"{path}.path") if item.get("path") else [required(f"{path}.path")]


def _mode(source: Object, field: str, path: str) -> list[Cause]:
    mode = source.get(field)
    if not isinstance(mode, int) or 0 <= mode <= _MOST_MODE:
        return []
    return [invalid(f"{path}.{field}", mode, "must be a number between 0 and 0777 (octal), both inclusive")]


def _inside(path: str, field: str) -> list[Cause]:
    """A path that has to stay in a volume."""
    if path.startswith("/"):
        return [invalid(field, path, "must be a relative path")]
    return [invalid(field, path, "must not contain '..'")] if ".." in path.split("/") else []
