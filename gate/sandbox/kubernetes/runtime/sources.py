"""The ConfigMaps and Secrets of a namespace, as pods use them: text for variables, bytes for files."""

import base64
from collections.abc import Mapping

from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS, SECRETS
from gate.sandbox.kubernetes.store.store import Store


class Sources:
    """Asked by kind, `configmap` or `secret`, and by name; None: there is no such object."""

    def __init__(self, store: Store, namespace: str) -> None:
        self._store = store
        self._namespace = namespace

    def text(self, kind: str, name: str) -> Mapping[str, str] | None:
        """The entries that can be variables."""
        found = self._object(kind, name)
        if found is None:
            return None
        data = found.get("data") or {}
        return (
            {key: _decoded(value).decode(errors="replace") for key, value in data.items()} if kind == "secret" else data
        )

    def files(self, kind: str, name: str) -> Mapping[str, bytes] | None:
        """The entries that can be files: all of them."""
        found = self._object(kind, name)
        if found is None:
            return None
        data, binary = found.get("data") or {}, found.get("binaryData") or {}
        plain = {key: _decoded(value) if kind == "secret" else value.encode() for key, value in data.items()}
        return plain | {key: _decoded(value) for key, value in binary.items()}

    def _object(self, kind: str, name: str) -> Object | None:
        try:
            return self._store.get(SECRETS if kind == "secret" else CONFIG_MAPS, self._namespace, name)
        except NotFound:
            return None


def _decoded(value: str) -> bytes:
    return base64.b64decode(value)
