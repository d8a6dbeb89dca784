"""The Lease that says which replica of the gate leads, in the form that client-go's leader election gives it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from gate.cluster.api import Api
from gate.cluster.said import Json
from gate.tracking.election import NOBODY, Claim, Record, Terms

NAME = "chaos-gate"


class LeaderLease:
    """One Lease in the gate's own namespace. The times in it are for people: nothing is decided on them."""

    def __init__(self, api: Api, namespace: str, now: Callable[[], datetime], name: str = NAME) -> None:
        self._api, self._namespace, self._now, self._name = api, namespace, now, name

    def read(self) -> Record | None:
        found = self._api.get("leases", self._namespace, self._name)
        return _record(found) if found else None

    def write(self, seen: Record | None, claim: Claim) -> Record:
        """Raises `Conflict` unless the Lease is still the one that was seen."""
        now = micro_time(self._now())
        spec: Json = {
            "holderIdentity": claim.holder,
            "leaseDurationSeconds": int(claim.lasts.total_seconds()),
            "leaseTransitions": claim.transitions,
            "renewTime": now,
        }
        if claim.begins or seen is None:
            spec["acquireTime"] = now
        if seen is None:
            body = {**KIND, "metadata": {"name": self._name, "namespace": self._namespace}, "spec": spec}
            return _record(self._api.create("leases", self._namespace, body))
        body = {"metadata": {"resourceVersion": seen.version}, "spec": spec}
        return _record(self._api.patch("leases", self._namespace, self._name, body))


KIND: Json = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}


def micro_time(time: datetime) -> str:
    """A time as Leases hold it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def lasts_of(spec: Json, default: timedelta) -> timedelta:
    """For how long a holder that is not heard still holds a Lease. One that does not say so gets the usual time."""
    seconds = spec.get("leaseDurationSeconds")
    return timedelta(seconds=seconds) if seconds else default


def _record(item: Json) -> Record:
    spec = item.get("spec") or {}
    return Record(
        version=item["metadata"]["resourceVersion"],
        holder=spec.get("holderIdentity") or NOBODY,
        lasts=lasts_of(spec, Terms().lasts),
        transitions=spec.get("leaseTransitions") or 0,
    )
