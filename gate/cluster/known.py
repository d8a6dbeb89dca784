"""Since when each subscription is known, kept in `ConfigMap/chaos-gate-subscriptions` in the gate's own namespace.

A workload that is created after its subscription is judged from its first version on, also when no gate ran meanwhile.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from gate.cluster.api import Api
from gate.cluster.said import Json
from gate.errors import Permanent

CONFIG_MAP = "chaos-gate-subscriptions"


class Known:
    """One key for each subscription, with a time."""

    def __init__(self, api: Api, namespace: str) -> None:
        self._api, self._namespace = api, namespace
        self._stored: Mapping[str, datetime] | None = None
        self._version = ""

    def read(self) -> Mapping[str, datetime]:
        """Raises `Permanent` for something that is no time: without it, what is new cannot be told from what is old."""
        found = self._api.get("configmaps", self._namespace, CONFIG_MAP)
        self._version = found["metadata"]["resourceVersion"] if found else ""
        self._stored = None if found is None else {key: self._time(key, text) for key, text in _data(found)}
        return self._stored or {}

    def save(self, known: Mapping[str, datetime]) -> None:
        """Write what differs from what was read last. Raises `Conflict` if somebody has written since."""
        if self._stored is None:
            metadata = {"name": CONFIG_MAP, "namespace": self._namespace}
            data = {key: since.isoformat() for key, since in known.items()}
            body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
            written = self._api.create("configmaps", self._namespace, body)
        elif known != self._stored:
            gone = dict.fromkeys(self._stored.keys() - known.keys())
            changed = {key: since.isoformat() for key, since in known.items() if self._stored.get(key) != since}
            body = {"metadata": {"resourceVersion": self._version}, "data": {**gone, **changed}}
            written = self._api.patch("configmaps", self._namespace, CONFIG_MAP, body)
        else:
            return
        self._stored, self._version = dict(known), written["metadata"]["resourceVersion"]

    def _time(self, key: str, text: str) -> datetime:
        try:
            return datetime.fromisoformat(text)
        except ValueError as error:
            where = f"ConfigMap {self._namespace}/{CONFIG_MAP}"
            raise Permanent(f"{where}: {key}: {text!r} is no time; mend it, or delete the ConfigMap") from error


def _data(found: Json) -> Iterable[tuple[str, str]]:
    data: Mapping[str, str] = found.get("data") or {}
    return data.items()
