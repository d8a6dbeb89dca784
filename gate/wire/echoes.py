"""Which of the gates that are heard of say no more than what the tracker has written itself."""

import threading
from collections import deque
from collections.abc import Sequence

from gate.model import Gate, GateOverride, GateStatus, Workload, WorkloadName
from gate.tracking import ports

RECENT = 4
"""So many writes of one gate may be under way to those who listen."""

Key = tuple[str, str]
Said = tuple[GateStatus, Sequence[GateOverride]]
"""What the tracker says in a gate, and people. No resource version: that is known only with the server's answer, which
may come later than the gate is heard of.
"""


class Echoes:
    """The tracker's gates; what is saved through it will be heard, and is known by then. Thread-safe."""

    def __init__(self, gates: ports.Gates) -> None:
        self._gates = gates
        self._lock = threading.Lock()
        self._written: dict[Key, deque[Said]] = {}

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
            self._written.setdefault(key, deque(maxlen=RECENT)).append((status, gate.overrides))
        try:
            return self._gates.save(gate, status)
        except BaseException:
            with self._lock:
                self._written.pop(key, None)
            raise

    def is_one(self, gate: Gate) -> bool:
        """The gate is as it was written here, with nothing new by people, which is told once for each write."""
        key, said = (gate.namespace, gate.name), (gate.status, gate.overrides)
        with self._lock:
            written = self._written.get(key)
            if not written or said not in written:
                return False
            while written.popleft() != said:
                pass
            if not written:
                del self._written[key]
            return True
