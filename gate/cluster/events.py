"""Events about runs, for `kubectl describe chaosrun` and whoever collects them. One that happens again is counted.

They are hints for people: what counts stands in the run itself, so one that cannot be written is logged and no more.
"""

import logging
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from gate.cluster.api import Api
from gate.cluster.gates import API_VERSION
from gate.cluster.said import Json
from gate.errors import Conflict, GateError
from gate.model import Run, fingerprint

log = logging.getLogger(__name__)

COMPONENT = "chaos-gate"
LONGEST = 1024
"""Characters of a message that the API server takes."""
LONGEST_NAME = 200


class Told(StrEnum):
    """What happened, as an event's reason."""

    REVERT_FAILED = "RevertFailed"
    REVERTED = "Reverted"
    REVERTED_BY_HAND = "RevertedByHand"

    @property
    def type(self) -> str:
        return "Warning" if self is Told.REVERT_FAILED else "Normal"


class Events:
    """Writes events."""

    def __init__(self, api: Api, now: Callable[[], datetime]) -> None:
        self._api, self._now = api, now

    def tell(self, run: Run, what: Told, message: str) -> None:
        """Never raises for what the API server says."""
        name = f"{run.name[:LONGEST_NAME]}.{fingerprint(run.uid, what)}"
        try:
            self._write(run, name, what, message[:LONGEST])
        except GateError as error:
            log.warning("event.unwritten run=%s reason=%s why=%r", run.name, what, str(error))

    def _write(self, run: Run, name: str, what: Told, message: str) -> None:
        now = self._now().strftime("%Y-%m-%dT%H:%M:%SZ")
        about = {"apiVersion": API_VERSION, "kind": "ChaosRun", "uid": run.uid}
        body: Json = {
            "metadata": {"name": name, "namespace": run.namespace},
            "involvedObject": {**about, "namespace": run.namespace, "name": run.name},
            "type": what.type,
            "reason": str(what),
            "message": message,
            "source": {"component": COMPONENT},
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }
        try:
            self._api.create("events", run.namespace, body)
        except Conflict:
            present = self._api.get("events", run.namespace, name) or {}
            again = {"message": message, "lastTimestamp": now, "count": present.get("count", 0) + 1}
            self._api.patch("events", run.namespace, name, again)
