"""Which of the gates that are heard of say no more than what the tracker has written itself."""

import threading
from collections import deque

from gate.model import Gate, GateStatus, Workload, WorkloadName
from gate.tracking import ports

RECENT = 4
"""So many writes of one gate may be under way to those who listen."""

Key = tuple[str, str]


class Echoes:
    """The tracker's gates; what is saved through it will be heard, and is known by then. Thread-safe."""

    def __init__(self, gates: ports.Gates) -> None:
        self._gates = gates
        self._lock = threading.Lock()
        self._written: dict[Key, deque[GateStatus]] = {}

    def get(self, name: WorkloadName) -> Gate | None:
        return self._gates.get(name)

    def create(self, workload: Workload) -> Gate:
        return self._gates.create(workload)

    def delete(self, gate: Gate) -> None:
        self._gates.delete(gate)

    def save(self, gate: Gate, status: GateStatus) -> Gate:
        """It may be heard before the server's answer comes. One that is not taken, nobody will hear."""
        key = (gate.namespace, gate.name)
        with self._lock:
            self._written.setdefault(key, deque(maxlen=RECENT)).append(status)
        try:
            return self._gates.save(gate, status)
        except BaseException:
            with self._lock:
                self._written.pop(key, None)
            raise

    def is_one(self, gate: Gate) -> bool:
        """The gate is as it was written here, which is told once for each write."""
        key = (gate.namespace, gate.name)
        with self._lock:
            written = self._written.get(key)
            if not written or gate.status not in written:
                return False
            while written.popleft() != gate.status:
                pass
            if not written:
                del self._written[key]
            return True
