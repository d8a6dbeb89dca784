"""Leases: who executes a run. A holder that stops beating is dead, and after four beats another may take its place."""

from datetime import UTC, datetime, timedelta

from gate.cluster.api import Api, Json
from gate.errors import Conflict

BEAT = timedelta(seconds=1)
LASTS = 4 * BEAT


class Leases:
    """Leases held under one identity."""

    def __init__(self, api: Api, identity: str) -> None:
        self._api, self._identity = api, identity

    def hold(self, namespace: str, name: str, now: datetime, owner: Json) -> bool:
        """Take the lease, or beat if it is ours already; False while somebody else holds it.

        `owner` is the owner reference under which the lease is made, so that it goes with its run.
        """
        present = self._api.get("leases", namespace, name)
        try:
            if present is None:
                metadata = {"name": name, "namespace": namespace, "ownerReferences": [owner]}
                self._api.create("leases", namespace, {**_KIND, "metadata": metadata, "spec": self._spec(now)})
                return True
            if present["spec"].get("holderIdentity") != self._identity and not _expired(present["spec"], now):
                return False
            version = {"resourceVersion": present["metadata"]["resourceVersion"]}
            self._api.patch("leases", namespace, name, {"metadata": version, "spec": self._spec(now)})
        except Conflict:  # somebody was faster
            return False
        return True

    def release(self, namespace: str, name: str) -> None:
        """Give it up, so that nobody has to wait for it to expire."""
        present = self._api.get("leases", namespace, name)
        if present and present["spec"].get("holderIdentity") == self._identity:
            self._api.delete("leases", namespace, name, uid=present["metadata"]["uid"])

    def _spec(self, now: datetime) -> Json:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(LASTS.total_seconds()),
            "renewTime": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        }


_KIND: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}


def _expired(spec: Json, now: datetime) -> bool:
    renewed = spec.get("renewTime")
    if not renewed:
        return True
    lasts = timedelta(seconds=spec.get("leaseDurationSeconds") or LASTS.total_seconds())
    return datetime.fromisoformat(renewed) + lasts < now
