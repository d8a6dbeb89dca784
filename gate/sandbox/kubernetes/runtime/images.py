"""The image table: which command a pod's image name stands for here, and the digest of what would run."""

import hashlib
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What a registry would hold under one name.

    `argv` is the entry point; `files` are those whose content makes the image: editing one of them makes a new digest.
    `variables` are what it brings for its containers, where their pod says nothing else; `$(POD_IP)` in one of them is
    the address of the pod, because pods share one network stack here.
    """

    name: str
    argv: tuple[str, ...]
    files: tuple[Path, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)

    def digest(self) -> str:
        """`sha256:...` of the entry point and the files' content as they are now; the same on every machine.

        Folders do not count, so that neither the checkout's place nor the interpreter's makes a difference.

        Raises:
            OSError: a file of the image cannot be read.
        """
        content = hashlib.sha256()
        for argument in self.argv:
            content.update(
                b"argument\0" + (Path(argument).name if argument.startswith("/") else argument).encode() + b"\0"
            )
        for path in self.files:
            data = path.read_bytes()
            content.update(b"file\0" + f"{path.name}\0{len(data)}\0".encode() + data)
        return f"sha256:{content.hexdigest()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulled:
    """An image as a node holds it: pinned to its digest at the moment of the pull."""

    reference: str
    image_id: str
    argv: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


class PullFailed(LookupError):
    """The registry does not have the image; the message is the one a kubelet reports."""


class Images:
    """The registry of the sandbox. Safe to change while pods are running: they keep what they pulled."""

    def __init__(self, images: Iterable[Image] = ()) -> None:
        self._lock = threading.Lock()
        self._by_name = {reference(image.name): image for image in images}

    def set(self, image: Image) -> None:
        """Push an image; a name that exists is pointed to the new content (same tag, new digest)."""
        with self._lock:
            self._by_name[reference(image.name)] = image

    def pull(self, name: str) -> Pulled:
        """Resolve a name, or `repository@sha256:...`, to what is behind it now.

        Raises:
            PullFailed: no such image, or its files cannot be read.
        """
        wanted = reference(name)
        repository, _, pinned = wanted.partition("@")
        with self._lock:
            candidates = [
                image for key, image in self._by_name.items() if _is_candidate(key, wanted, repository, pinned)
            ]
        for image in candidates:
            try:
                digest = image.digest()
            except OSError as error:
                raise PullFailed(f'failed to pull image "{name}": {error}') from error
            if not pinned or digest == pinned:
                image_id = f"{_untagged(repository)}@{digest}"
                return Pulled(reference=wanted, image_id=image_id, argv=image.argv, variables=image.variables)
        raise PullFailed(
            f'failed to pull and unpack image "{wanted}": failed to resolve reference "{wanted}": {wanted}: not found'
        )


def reference(name: str) -> str:
    """The full form of an image name, as containerd writes it: `shop:1` is `docker.io/library/shop:1`."""
    first, slash, _ = name.partition("/")
    if not slash:
        full = f"docker.io/library/{name}"
    elif "." in first or ":" in first or first == "localhost":
        full = name
    else:
        full = f"docker.io/{name}"
    is_tagged = ":" in full.rpartition("/")[2] or "@" in full
    return full if is_tagged else f"{full}:latest"


def _is_candidate(key: str, wanted: str, repository: str, pinned: str) -> bool:
    return _untagged(key) == _untagged(repository) if pinned else key == wanted


def _untagged(full: str) -> str:
    folder, slash, last = full.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"
