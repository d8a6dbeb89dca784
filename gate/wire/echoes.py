"""What the tracker has written itself: as good as what is heard of it, and no news when it is."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from gate.cluster.gates import gate_name
from gate.model import Gate, GateOverride, GateStatus, Judgement, Reason, Run, RunSpec, Workload, WorkloadName
from gate.tracking import ports

RECENT = 4
"""So many writes of one gate may be under way to those who listen."""

Key = tuple[str, str]
Said = tuple[GateStatus, Sequence[GateOverride]]
"""What the tracker says in a gate, and people. No resource version: that is known only with the server's answer, which
may come later than the gate is heard of.
"""


def _deaf(_name: WorkloadName) -> Gate | None:
    """Nothing is heard of."""
    return None


class Echoes:
    """The tracker's gates; what is saved through it will be heard, and is known by then. Thread-safe.

    A gate is as it was heard of or answered last, whichever is newer, without a question to the server: a save that is
    decided on an older one conflicts, and after that it is asked for. If nothing is to be saved, whatever makes the
    gate another one is heard of later, and has it compared again.
    """

    def __init__(self, gates: ports.Gates, heard: Callable[[WorkloadName], Gate | None] = _deaf) -> None:
        """`heard` is the copy of a gate, as it was heard of last."""
        self._gates, self._heard = gates, heard
        self._lock = threading.Lock()
        self._written: dict[Key, deque[Said]] = {}
        self._answered: dict[Key, Gate] = {}
        """What the server has answered, until a copy is as new."""
        self._doubted: set[Key] = set()

    def get(self, name: WorkloadName) -> Gate | None:
        heard, key = self._heard(name), _key(name)
        with self._lock:
            answered = self._answered.get(key)
            if heard and key not in self._doubted:
                return answered if answered and _is_newer(answered, heard) else heard
        found = self._gates.get(name)
        with self._lock:
            self._doubted.discard(key)
            self._answered.pop(key, None)
            if found:
                self._remember(key, found)
        return found

    def create(self, workload: Workload) -> Gate:
        key = _key(workload.name)
        self._expect(key, (GateStatus(), ()))
        try:
            made = self._gates.create(workload)
        except BaseException:
            self._doubt(key)
            raise
        if made.status != GateStatus():  # it was there already
            self._doubt(key)
        return made

    def delete(self, gate: Gate) -> None:
        self._doubt((gate.namespace, gate.name))
        self._gates.delete(gate)

    def save(self, gate: Gate, status: GateStatus) -> Gate:
        """It may be heard before the server's answer comes. One that is not taken, nobody will hear."""
        key = (gate.namespace, gate.name)
        self._expect(key, (status, gate.overrides))
        try:
            saved = self._gates.save(gate, status)
        except BaseException:
            self._doubt(key)
            raise
        with self._lock:
            self._remember(key, saved)
        return saved

    def is_one(self, gate: Gate) -> bool:
        """The gate is as it was written here, with nothing new by people, which is told once for each write."""
        key, said = (gate.namespace, gate.name), (gate.status, gate.overrides)
        with self._lock:
            answered = self._answered.get(key)
            if answered and not _is_newer(answered, gate):
                del self._answered[key]
            written = self._written.get(key)
            if not written or said not in written:
                return False
            while written.popleft() != said:
                pass
            if not written:
                del self._written[key]
            return True

    def _expect(self, key: Key, said: Said) -> None:
        with self._lock:
            self._written.setdefault(key, deque(maxlen=RECENT)).append(said)

    def _remember(self, key: Key, answer: Gate) -> None:
        """Until it is heard of, which it may have been before it was answered."""
        heard = self._heard(answer.workload.name)
        if heard is None or _is_newer(answer, heard):
            self._answered[key] = answer

    def _doubt(self, key: Key) -> None:
        """What is known of the gate may not be so any more."""
        with self._lock:
            self._written.pop(key, None)
            self._answered.pop(key, None)
            self._doubted.add(key)


class RunEchoes:
    """The tracker's runs. Of one that was made through it nobody learns anything from being told. Thread-safe."""

    def __init__(self, runs: ports.Runs) -> None:
        self._runs = runs
        self._lock = threading.Lock()
        self._made: set[Key] = set()

    def get(self, namespace: str, name: str) -> Run | None:
        return self._runs.get(namespace, name)

    def create(self, gate: Gate, name: str, spec: RunSpec) -> Run:
        """It may be heard of before the server's answer comes."""
        key = (gate.namespace, name)
        with self._lock:
            self._made.add(key)
        try:
            return self._runs.create(gate, name, spec)
        except BaseException:
            with self._lock:
                self._made.discard(key)
            raise

    def abort(self, run: Run, reason: Reason) -> None:
        self._runs.abort(run, reason)

    def save_verdict(self, run: Run, judgement: Judgement, score: int | None) -> Run:
        return self._runs.save_verdict(run, judgement, score)

    def is_one(self, run: Run) -> bool:
        """The run was made here, which is told once, and nobody has done anything with it."""
        key = (run.namespace, run.name)
        with self._lock:
            made = key in self._made
            self._made.discard(key)
        return made and not (run.begun or run.abort or run.deleting)


def _key(name: WorkloadName) -> Key:
    return name.namespace, gate_name(name)


def _is_newer(one: Gate, other: Gate) -> bool:
    return _age(one) > _age(other)


def _age(gate: Gate) -> int:
    """Resource versions are numbers that grow. Where they are none, the copy is believed until a save conflicts."""
    return int(gate.resource_version) if gate.resource_version.isdecimal() else 0
