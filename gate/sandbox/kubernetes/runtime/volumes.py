"""A pod's volumes as folders of the machine: written when the pod comes, kept as their ConfigMaps and Secrets are."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gate.sandbox.kubernetes.language import downward
from gate.sandbox.kubernetes.language.downward import Site, Unresolved
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.runtime.environment import expanded
from gate.sandbox.kubernetes.runtime.ward.rooms import Share

Find = Callable[[str, str], Mapping[str, bytes] | None]
"""The entries of a ConfigMap or Secret of the pod's namespace, by kind and name; None if there is none."""

Token = Callable[[Object, str], str]
"""A token of the pod's service account for an audience (empty: the API server); `Unresolved` if there is no such
account. It is valid for as long as the pod is there.
"""

KINDS = ("configMap", "secret", "emptyDir", "downwardAPI", "projected")
"""The volumes that the sandbox has."""

_DATA = "..data"
_EVERYBODY = 0o777


class MountFailed(LookupError):
    """A volume cannot be had now; the text is the kubelet's. What it waits for may still come."""


class UnknownVolume(LookupError):
    """A volume that the sandbox will never have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file in a volume."""

    content: bytes
    mode: int


Files = dict[str, File]


def no_token(_pod: Object, _audience: str) -> str:
    """Nobody gives tokens here."""
    raise Unresolved("failed to fetch token: there are no service accounts here")


def write(pod: Object, folder: Path, site: Site, find: Find, token: Token = no_token) -> None:
    """Bring all volumes of the pod below `folder` up to date.

    Raises:
        MountFailed: a ConfigMap, a Secret or a key in one does not exist.
        UnknownVolume: the sandbox has no such volumes.
    """
    for volume in pod["spec"].get("volumes") or ():
        place = folder / volume["name"]
        if "emptyDir" in volume:
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(_EVERYBODY)
            continue
        try:
            files = _files(pod, volume, site, find) | _tokens(pod, volume, place, token)
        except Unresolved as error:
            raise MountFailed(f'MountVolume.SetUp failed for volume "{volume["name"]}" : {error}') from error
        place.mkdir(parents=True, exist_ok=True)
        _replace(place, files)


def shares(pod: Object, container: Object, folder: Path, variables: Mapping[str, str]) -> Iterator[Share]:
    """Where the container wants to see the volumes.

    Raises:
        MountFailed: a part of a volume that it wants is not there.
    """
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes") or ()}
    for mount in container.get("volumeMounts") or ():
        is_ours = "emptyDir" in volumes[mount["name"]]
        source = folder / mount["name"]
        below = mount.get("subPath") or expanded(mount.get("subPathExpr") or "", variables)
        if below:
            source /= _inside(below)
        if below and is_ours:
            source.mkdir(parents=True, exist_ok=True)
        if not source.exists():
            raise MountFailed(f'failed to prepare subPath for volumeMount "{mount["name"]}" of {container["name"]}')
        yield Share(source=str(source), target=mount["mountPath"], read_only=bool(mount.get("readOnly") or not is_ours))


def _files(pod: Object, volume: Object, site: Site, find: Find) -> Files:
    kind = next(iter(volume.keys() - {"name"}), "nothing")
    if kind not in KINDS:
        raise UnknownVolume(f'volume "{volume["name"]}": the sandbox has no {kind}; it has {", ".join(KINDS)}')
    source = volume[kind]
    mode = source.get("defaultMode", 0o644)
    if kind != "projected":
        named = {"secret": source.get("secretName"), "configMap": source.get("name")}.get(kind)
        return _projection(pod, kind, source | {"name": named}, mode, site, find)
    found: Files = {}
    for each in source.get("sources") or ():
        for inner, projection in each.items():
            if inner == "serviceAccountToken":
                continue
            if inner not in ("configMap", "secret", "downwardAPI"):
                raise UnknownVolume(f'volume "{volume["name"]}": the sandbox does not project a {inner}')
            found |= _projection(pod, inner, projection, mode, site, find)
    return found


def _tokens(pod: Object, volume: Object, place: Path, token: Token) -> Files:
    """The tokens that the volume projects; one that is there already stays."""
    found: Files = {}
    for source in volume.get("projected", {}).get("sources") or ():
        if asked := source.get("serviceAccountToken"):
            path = _inside(asked["path"])
            present = place / _DATA / path
            text = present.read_bytes() if present.exists() else token(pod, asked.get("audience") or "").encode()
            found[path] = File(content=text, mode=0o600)
    return found


def _projection(pod: Object, kind: str, source: Object, mode: int, site: Site, find: Find) -> Files:
    if kind == "downwardAPI":
        return {_inside(item["path"]): _told(pod, item, mode, site) for item in source.get("items") or ()}
    name, optional = str(source["name"]), bool(source.get("optional"))
    entries = find(kind.lower(), name)
    if entries is None and not optional:
        raise Unresolved(f'{kind.lower()} "{name}" not found')
    entries = entries or {}
    items = source.get("items")
    if not items:
        return {_inside(key): File(content=content, mode=mode) for key, content in entries.items()}
    missing = [item["key"] for item in items if item["key"] not in entries]
    if missing and not optional:
        what = "secret" if kind == "secret" else "config"
        raise Unresolved(f"references non-existent {what} key: {missing[0]}")
    return {
        _inside(item["path"]): File(content=entries[item["key"]], mode=item.get("mode", mode))
        for item in items
        if item["key"] in entries
    }


def _told(pod: Object, item: Object, mode: int, site: Site) -> File:
    if "fieldRef" in item:
        text = downward.field(pod, item["fieldRef"]["fieldPath"], site)
    else:
        reference = item["resourceFieldRef"]
        named = [each for each in pod["spec"]["containers"] if each["name"] == reference.get("containerName")]
        if not named:
            raise Unresolved(f"container {reference.get('containerName')} not found")
        text = downward.resource(named[0], reference, site)
    return File(content=text.encode(), mode=item.get("mode", mode))


def _inside(path: str) -> str:
    """The path, which must not lead out of its volume."""
    if path.startswith("/") or ".." in path.split("/"):
        raise Unresolved(f'the path "{path}" must be relative and not contain ".."')
    return path


def _replace(place: Path, files: Files) -> None:
    """All files at once, as the kubelet does it: a reader sees the old ones or the new ones, never some of both."""
    current = place / _DATA
    if current.exists() and _present(current) == files:
        return
    fresh = place / f"..{uuid.uuid4().hex}"
    for path, file in files.items():
        target = fresh / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.content)
        target.chmod(file.mode)
    fresh.mkdir(exist_ok=True)
    before = current.resolve() if current.exists() else None
    pointer = place / "..data_tmp"
    pointer.symlink_to(fresh.name)
    pointer.replace(current)
    _show(place, {Path(path).parts[0] for path in files})
    if before is not None:
        shutil.rmtree(before, ignore_errors=True)


def _show(place: Path, names: set[str]) -> None:
    """Links to what is in the current folder, and to nothing that was in an older one."""
    for entry in place.iterdir():
        if not entry.name.startswith("..") and entry.name not in names:
            entry.unlink()
    for name in names:
        if not (place / name).is_symlink():
            (place / name).symlink_to(f"{_DATA}/{name}")


def _present(current: Path) -> Files:
    found: Files = {}
    for folder, _, names in os.walk(current):
        for name in names:
            path = Path(folder, name)
            file = File(content=path.read_bytes(), mode=path.stat().st_mode & 0o7777)
            found[str(path.relative_to(current))] = file
    return found
