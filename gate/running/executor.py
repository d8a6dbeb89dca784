"""Executes runs in threads of this process: who goes first, who holds the lease, and when one has to stop."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol

from gate.errors import GateError, Temporary
from gate.model import Judgement, Reason, Run, RunPhase, RunStatus, Verdict
from gate.running import line
from gate.running.admission import Admission
from gate.running.execution import Fenced
from gate.running.hands import Hands
from gate.running.line import Line
from gate.running.mode import Mode
from gate.running.permit import Permit
from gate.running.ports import Clock, Cluster, Journal, World
from gate.running.record import UNRECORDED, Record
from gate.running.runner import execute
from gate.running.turns import CAPS, Caps, under_way

log = logging.getLogger(__name__)

BEAT = timedelta(seconds=1)
SILENCE = 4 * BEAT
"""An executor that could not beat for so long must assume that another one has taken its place."""
BEATERS = 10
"""Beats that may be under way at once. One after the other, of many runs at a slow API server all would be late."""
APART = 0.1
"""Seconds between the beginnings of two runs, as a beginning, an act and an end are much work, and probes of other runs
have to be in time meanwhile. A run that may have left a fault behind waits for nobody.
"""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 60.0
LONGEST_LOST = 4.0
"""Seconds until what was lost is taken up again, at most: its faults may be in force."""
"""Seconds until something that could not be taken back is tried again. A run that was lost begins with one beat."""


class Leases(Protocol):
    """Who executes a run; other processes can see it."""

    def hold(self, run: Run, now: datetime) -> bool:
        """Take the run's lease or beat; False while somebody else holds it. Raises `GateError` if it cannot be told."""
        ...

    def watch(self, run: Run) -> bool:
        """Look who holds it, to know later since when that one is not heard; True if nobody is. Raises `GateError`."""
        ...

    def release(self, run: Run) -> None:
        """Give the lease up."""
        ...


Insist = Callable[[], None]
"""Asked right before each write for a run; raises unless the run is certainly ours at that moment."""


class Store(line.Store, Protocol):
    """The runs in the cluster, with the journal of each."""

    def latest(self, run: Run) -> Run | None:
        """This very run; None if it is gone, or another one has its name."""
        ...

    def read(self, run: Run) -> Run | None:
        """The run as it is now, asked of the cluster; None if it is gone. Raises `GateError` if it cannot be told."""
        ...

    def journal(self, run: Run, insist: Insist) -> Journal: ...


@dataclass(slots=True)
class _Active:
    """A run that a thread of ours executes."""

    run: Run
    clock: Clock
    last_beat: float
    """When the last beat that succeeded was begun."""
    taken: bool = False
    """Somebody else has the lease, or had it meanwhile."""
    over: bool = False
    """It has ended; nobody beats for it any more."""
    beating: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held from when a beat is wanted until it is over."""
    thread: threading.Thread | None = field(default=None, repr=False)

    @property
    def lost(self) -> bool:
        return self.taken or self.clock.monotonic() - self.last_beat > SILENCE.total_seconds()

    def insist(self) -> None:
        """Raises `Fenced` if the run is somebody else's, `Temporary` if it may be. The next beat will tell."""
        if self.taken:
            raise Fenced(f"the run {self.run.name} belongs to another executor now")
        if self.lost:
            raise Temporary(
                f"the run {self.run.name} may belong to another executor: its lease was not renewed in time"
            )


class Executor:
    """Keeps a thread for each run that should be executed. `consider` may be called at any time, by anyone."""

    def __init__(
        self,
        *,
        store: Store,
        leases: Leases,
        world: World,
        mode: Callable[[], Mode],
        permit: Callable[..., Permit],
        fence: Callable[[Insist], Cluster],
        leads: Callable[[], bool],
        record: Callable[[Run], Record] = lambda _run: UNRECORDED,
        tell: Callable[[Run, RunStatus], None] = lambda _run, _status: None,
        caps: Caps = CAPS,
        admission: Admission | None = None,
    ) -> None:
        """`fence` makes the cluster for one run, `record` the record of one execution; `tell` hears how each execution
        ended, beside how the run was before it. While `leads` says no, nothing is started, and what runs is handed
        over: taken back, and left to the executor of the replica that leads.
        """
        self._fence, self._leads, self._record, self._tell = fence, leads, record, tell
        self._store, self._leases, self._world, self._read_mode, self._permit = store, leases, world, mode, permit
        self._line = Line(store, world.clock, caps, admission)
        self._lock = threading.Lock()
        self._active: dict[str, _Active] = {}
        self._beaters = Hands("lease", BEATERS)
        self._next_beginning = 0.0
        self._pauses: dict[str, tuple[float, float]] = {}
        self._closing = threading.Event()
        self._poked = threading.Event()
        self._mode = Mode.PAUSE

    def run(self, stop: threading.Event) -> None:
        """Beat once a second, and start what should be started, until told to stop; then take everything back."""
        next_beat, heard = self._world.clock.monotonic(), True
        while not stop.is_set():
            now = self._world.clock.monotonic()
            try:
                if now >= next_beat:
                    next_beat = now + BEAT.total_seconds()
                    self._beat()
                    self._mode = self._read_mode()
                    self._watch_others()
                if heard or not self._line.rests(self._mode):
                    self.consider(until=next_beat)
            except Exception:  # a mistake of ours must not end the only thread that beats for what runs
                log.exception("execute.again")
                self._mode = Mode.PAUSE
            now = self._world.clock.monotonic()
            wake = min(next_beat, self._next_beginning) if self._next_beginning > now else next_beat
            self._world.clock.wait(self._poked, wake - now)
            if heard := self._poked.is_set():  # whoever pokes from here on is heard by the next wait
                self._poked.clear()
        self._closing.set()
        self._wait_for_all()

    def _wait_for_all(self) -> None:
        """Taking back may take a while, and whoever does not beat meanwhile may not write."""
        threads = [active.thread for active in self._snapshot() if active.thread]
        while self._snapshot():
            try:
                self._beat()
            except Exception:  # as above
                log.exception("execute.again")
            self._world.clock.wait(self._poked, BEAT.total_seconds())
            self._poked.clear()
        for thread in threads:
            thread.join()
        self._beaters.close()

    def poke(self) -> None:
        """A run changed, or it is time to stop: look now."""
        self._poked.set()

    def consider(self, *, until: float = float("inf")) -> None:
        """Start what should be started; what there is no time for `until` then is left to the next time."""
        if self._closing.is_set() or not self._leads():
            return
        clock = self._world.clock
        executed = {active.run.uid for active in self._snapshot()}
        if self._pauses:
            present = {run.uid for run in self._store.all()}
            self._pauses = {uid: pause for uid, pause in self._pauses.items() if uid in present}
        for run in self._line.next(self._mode, executed):
            if run.uid in executed or clock.monotonic() < self._pauses.get(run.uid, (0.0, 0.0))[0]:
                continue
            if clock.monotonic() >= until:
                return
            if not under_way(run) and clock.monotonic() < self._next_beginning:
                return  # those that are under way came before it
            if self._begin(run):
                executed.add(run.uid)
                self._next_beginning = clock.monotonic() + APART

    def _begin(self, seen: Run) -> bool:
        """Take the run, and start a thread for it; False if it is not to be had."""
        held = self._world.clock.monotonic()
        if not self._hold(seen):
            return False
        # What was seen may be a moment old, and a run that has ended since must not begin again.
        run = self._fresh(seen)
        if run is None:
            self._release(seen)
            return False
        active = _Active(run=run, clock=self._world.clock, last_beat=held)
        active.thread = threading.Thread(target=self._execute, args=(active,), name=f"run {run.name}")
        with self._lock:
            self._active[run.uid] = active
        try:
            active.thread.start()
        except RuntimeError:  # the machine has no thread for it now
            with self._lock:
                del self._active[run.uid]
            self._release(run)
            raise
        return True

    def _fresh(self, seen: Run) -> Run | None:
        try:
            run = self._store.read(seen)
        except GateError as error:
            log.warning("run.unsure run=%s why=%r", seen.name, str(error))
            return None
        if run is None or run.uid != seen.uid:
            return None
        return run if self._line.may_go(run, self._mode) else None

    def _execute(self, active: _Active) -> None:
        run, status = active.run, None
        try:
            status = self._play(active)
        except GateError as error:
            log.error("run.lost run=%s why=%r", run.name, str(error))  # noqa: TRY400 - the sentence says it all
        except Exception:  # a mistake of ours: the run goes on from its record, or is taken back
            log.exception("run.lost run=%s", run.name)
        finally:
            self._pause(run, status)
            with active.beating:  # a beat after the release would take the lease again
                active.over = True
            with self._lock:
                del self._active[run.uid]
            self._release(run)
            self.poke()

    def _play(self, active: _Active) -> RunStatus:
        """One execution, with a record of its own; how it ended."""
        run = active.run

        def stop() -> Judgement | None:
            return self._must_stop(active)

        log.info("run.execute run=%s workflow=%s attempt=%d", run.name, run.spec.workflow.name, run.status.attempt + 1)
        record = self._record(run)
        try:
            cluster = self._fence(active.insist)
            world = replace(self._world, permission=self._permit(stop), cluster=cluster, run=run.name)
            journal = self._store.journal(run, active.insist)
            status = execute(run.spec, run.status, world, journal, stop, record)
        finally:
            record.close()
        log.info("run.executed run=%s phase=%s", run.name, status.phase)
        self._tell(run, status)
        return status

    def _pause(self, run: Run, status: RunStatus | None) -> None:
        """What could not be taken back is tried again for ever, and what was lost (no status) is taken up again: both
        at growing intervals, so that what goes wrong each time does not keep the machine busy.
        """
        if status is not None and all(undo.reverted for undo in status.evidence.undo):
            self._pauses.pop(run.uid, None)
            return
        _, last = self._pauses.get(run.uid, (0.0, 0.0))
        first, longest = (FIRST_PAUSE, LONGEST_PAUSE) if status else (BEAT.total_seconds(), LONGEST_LOST)
        pause = min(max(first, 2 * last), longest)
        self._pauses[run.uid] = (self._world.clock.monotonic() + pause, pause)
        log.error("run.%s run=%s retry_in=%.0fs", "unreverted" if status else "again", run.name, pause)

    def _must_stop(self, active: _Active) -> Judgement | None:
        run = self._store.latest(active.run)
        if active.lost:
            return _stopped(Verdict.ERRORED, Reason.EXECUTOR_LOST, "the executor lost its lease")
        if self._closing.is_set():
            return _stopped(Verdict.ERRORED, Reason.EXECUTOR_LOST, "the gate was told to stop")
        if not self._leads():
            return _stopped(Verdict.ERRORED, Reason.EXECUTOR_LOST, "this replica of the gate leads no more")
        if abort := active.run.abort or (run.abort if run else None):
            return _stopped(Verdict.CANCELED, abort, f"the run was told to stop: {abort}")
        if run and run.deleting:
            return _stopped(Verdict.CANCELED, Reason.ABORTED, "the ChaosRun was deleted")
        if self._mode is Mode.ABORT:
            return _stopped(Verdict.CANCELED, Reason.ABORTED, "the mode is abort")
        return None

    def _beat(self) -> None:
        for active in self._snapshot():
            if active.beating.acquire(blocking=False):  # while the last one is not over, another one would be no sooner
                self._have_beaten(active)

    def _have_beaten(self, active: _Active) -> None:
        try:
            self._beaters.do(partial(self._beat_for, active))
        except RuntimeError:  # the machine has no thread for it now; the next beat may have one
            log.exception("lease.unsure run=%s", active.run.name)
            active.beating.release()

    def _beat_for(self, active: _Active) -> None:
        try:
            if active.over:
                return
            now = self._world.clock.monotonic()
            if self._leases.hold(active.run, self._world.clock.now()):
                active.last_beat = now
            else:
                active.taken = True
        except GateError as error:
            log.warning("lease.unsure run=%s why=%r", active.run.name, str(error))
        finally:
            active.beating.release()

    def _watch_others(self) -> None:
        """While another replica leads: know since when its executors are not heard, to follow them without a pause."""
        if self._leads():
            return
        ours = {active.run.uid for active in self._snapshot()}
        for run in self._store.all():
            if run.uid in ours or not (run.guarded or run.status.phase is RunPhase.RUNNING):
                continue
            try:
                self._leases.watch(run)
            except GateError as error:
                log.debug("lease.unsure run=%s why=%r", run.name, str(error))

    def _hold(self, run: Run) -> bool:
        try:
            return self._leases.hold(run, self._world.clock.now())
        except GateError as error:
            log.warning("lease.unsure run=%s why=%r", run.name, str(error))
            return False

    def _release(self, run: Run) -> None:
        try:
            self._leases.release(run)
        except GateError as error:  # it expires by itself
            log.warning("lease.unsure run=%s why=%r", run.name, str(error))

    def _snapshot(self) -> list[_Active]:
        with self._lock:
            return list(self._active.values())


def _stopped(verdict: Verdict, reason: Reason, message: str) -> Judgement:
    return Judgement(verdict=verdict, reason=reason, message=message)
