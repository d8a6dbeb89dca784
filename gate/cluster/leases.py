"""Leases: who executes a run. A holder that is not heard for five beats is dead, and another one may take its place.

Whether it is heard is measured on this process' own clock, from when the Lease was first seen as it is: the times that
stand in it are somebody else's, and for people.
"""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

from gate.cluster.api import Api
from gate.cluster.leader import KIND, lasts_of, micro_time
from gate.cluster.said import Json
from gate.errors import Absent, Conflict, Terminating
from gate.running.job_executor import Heard

BEAT = timedelta(seconds=1)
LASTS = 5 * BEAT
"""One beat more than an executor may be silent, `gate.running.executor.SILENCE`: it stops before another one starts."""
REMEMBERED = 12 * LASTS
"""How long it is remembered what somebody else's Lease looked like. Who asks later begins to wait anew."""

Key = tuple[str, str]


class Leases:
    """Leases held under one identity. `monotonic` is a clock in seconds. Thread-safe; one `hold` of each at a time."""

    def __init__(self, api: Api, identity: str, monotonic: Callable[[], float]) -> None:
        self._api, self._identity, self._monotonic = api, identity, monotonic
        self._ours: dict[Key, str] = {}
        """The resourceVersion of each, as we wrote it."""
        self._lock = threading.Lock()
        self._seen: dict[Key, tuple[str, float]] = {}
        """Somebody else's: its resourceVersion, and when it was first seen."""

    def hold(self, namespace: str, name: str, now: datetime, owner: Json) -> bool:
        """Take the lease, or beat if it is ours already; False while it may be somebody else's.

        Ours that has gone meanwhile was somebody else's in between, so it is ours no longer. `owner` is the owner
        reference under which the lease is made, so that it goes with its run; `now` is written down for people.

        In a namespace that is being deleted, which takes its leases first, everybody has it: its runs are deleted too,
        so that there is nothing left to do but to take back, and the namespace waits for that.
        """
        key = (namespace, name)
        if self._renew(key, now):
            return True
        present = self._api.get("leases", namespace, name)
        if (present is None and key in self._ours) or (present is not None and not self._is_free(key, present)):
            self._ours.pop(key, None)
            return False
        try:
            if present is None:
                metadata = {"name": name, "namespace": namespace, "ownerReferences": [owner]}
                written = self._api.create("leases", namespace, {**KIND, "metadata": metadata, "spec": self._spec(now)})
            else:
                written = self._write(key, present["metadata"]["resourceVersion"], now)
        except Terminating:
            return True
        except Conflict:  # somebody was faster
            if key in self._ours:
                raise
            return False
        with self._lock:
            self._seen.pop(key, None)
        self._ours[key] = written["metadata"]["resourceVersion"]
        return True

    def _renew(self, key: Key, now: datetime) -> bool:
        """Beat without a look, which is what most beats are: it is as we left it, or this changes nothing."""
        version = self._ours.get(key)
        if version is None:
            return False
        try:
            self._ours[key] = self._write(key, version, now)["metadata"]["resourceVersion"]
        except (Conflict, Absent):
            return False
        return True

    def _write(self, key: Key, version: str, now: datetime) -> Json:
        """Raises `Conflict` if it is not that version any more."""
        return self._api.patch("leases", *key, {"metadata": {"resourceVersion": version}, "spec": self._spec(now)})

    def watch(self, namespace: str, name: str) -> bool:
        """Look who holds it, and remember; True if `hold` would take it now."""
        return self.heard(namespace, name) is not Heard.BEATS

    def heard(self, namespace: str, name: str) -> Heard:
        """Look, and remember how it was."""
        present = self._api.get("leases", namespace, name)
        if present is None or present["spec"].get("holderIdentity") in {None, "", self._identity}:
            return Heard.NOBODY
        return Heard.SILENT if self._is_free((namespace, name), present) else Heard.BEATS

    def release(self, namespace: str, name: str) -> None:
        """Give it up, so that nobody has to wait for it to expire."""
        self._ours.pop((namespace, name), None)
        present = self._api.get("leases", namespace, name)
        if present and present["spec"].get("holderIdentity") == self._identity:
            self._api.delete("leases", namespace, name, uid=present["metadata"]["uid"])

    def _is_free(self, key: Key, present: Json) -> bool:
        """It is ours, or nobody's, or has not changed for as long as it says that it lasts."""
        now, spec = self._monotonic(), present["spec"]
        if spec.get("holderIdentity") in {None, "", self._identity}:
            return True
        version = present["metadata"]["resourceVersion"]
        with self._lock:
            seen, since = self._seen.get(key, ("", now))
            if seen != version:
                horizon = now - REMEMBERED.total_seconds()
                self._seen = {key: (seen, since) for key, (seen, since) in self._seen.items() if since > horizon}
                self._seen[key] = (version, now)
                return False
        return now - since >= lasts_of(spec, LASTS).total_seconds()

    def _spec(self, now: datetime) -> Json:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": int(LASTS.total_seconds()),
            "renewTime": micro_time(now),
        }
