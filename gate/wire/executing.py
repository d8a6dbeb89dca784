"""One run executed by this process, as a Job does it: the executor of the gate, with one run to look after."""

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from enum import IntEnum

from gate.cluster.api import Api
from gate.cluster.events import Events
from gate.cluster.leases import Leases
from gate.cluster.mode import CONFIG_MAP
from gate.cluster.runs import RunJournal, Runs
from gate.config import Settings
from gate.errors import Denied, GateError, Permanent, Temporary
from gate.model import Run, RunPhase
from gate.reports.evidence import EvidenceFolder, filed
from gate.reports.handing_in import hand_in
from gate.running.background import Threads
from gate.running.executor import Executor, Insist
from gate.running.ports import Clock
from gate.running.record import UNRECORDED, Record
from gate.running.time import SystemClock
from gate.wire.acting import mode_of, permits_of, world_of
from gate.wire.identity import identity
from gate.wire.policing import policing_of, policy_of
from gate.wire.ties import RevertNews, RunLeases, read_run

log = logging.getLogger(__name__)

LOOK = timedelta(seconds=1)
"""How often it is asked whether the run is to stop."""


HAND_IN = timedelta(minutes=2)
"""For how long the gate is asked to take the evidence: as long as a new release of it takes to begin."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds until it is asked again, half as much to half as much more: Jobs that end together come apart."""


class Outcome(IntEnum):
    """How the execution ended, as exit codes say it. The verdict is the gate's."""

    DONE = 0
    """Nothing is left to do."""
    IN_FORCE = 1
    """The run has ended, and something could not be taken back."""
    LEFT = 3
    """The run has not ended: another executor goes on with it."""


def execute(settings: Settings, api: Api, namespace: str, name: str, stop: threading.Event, *, keep: bool) -> Outcome:
    """Execute the run, or what is left of it, until it is over, somebody else has it, or `stop` is set.

    `keep`: a file with the evidence is written. Raises `GateError` if there is no such run, or a right is missing.
    """
    first = _checked(settings, api, namespace, name)
    clock = SystemClock()
    background = Threads(clock)
    store = _OneRun(api, first, clock)
    turn = _Turn(RunLeases(Leases(api, identity(), clock.monotonic)), clock)
    record = EvidenceFolder(settings.evidence, settings.keep_evidence, clock.now).of
    policing = replace(policing_of(settings, api, clock, policy_of(settings)), asked=clock.now())
    executor = Executor(
        store=store,
        leases=turn,
        world=world_of(settings, api, clock, background, policing),
        mode=mode_of(settings, api),
        permit=permits_of(settings, api, clock, policing),
        fence=api.fenced,
        leads=lambda: True,
        record=record if keep else _unrecorded,
        tell=RevertNews(Events(api, clock.now)),
    )
    ended = threading.Event()
    store.changed = executor.poke
    thread = threading.Thread(target=executor.run, args=(ended,), name="execute")
    thread.start()
    try:
        while not (stop.is_set() or turn.over.is_set() or store.is_over()):
            clock.wait(stop, 0.1)
    finally:
        ended.set()
        executor.poke()
        thread.join()
        background.close()
    if turn.refused:
        raise turn.refused
    left = Runs(api).get(namespace, name)
    if keep and left is not None and left.uid == first.uid:
        _hand_in(settings, left, clock, stop)
    return _outcome(left, first)


def _hand_in(
    settings: Settings, run: Run, clock: Clock, stop: threading.Event, draw: Callable[[], float] = random.random
) -> None:
    """Hand the evidence in to the gate, if that wants it. The verdict does not wait for it, so what does not work for
    long is logged, and the file stays where it is.
    """
    named, token = filed(run.status), settings.evidence_token
    if not settings.evidence_url or token is None or named is None:
        return
    if not (settings.evidence / named.namespace / named.file).exists():  # another executor has written it
        return
    end, pause = clock.monotonic() + HAND_IN.total_seconds(), FIRST_PAUSE
    while True:
        try:
            hand_in(settings.evidence_url, token, settings.evidence, named)
        except Temporary as error:
            drawn = pause * (0.5 + draw())
            if clock.monotonic() + drawn >= end or stop.is_set():
                log.error("evidence.here file=%s why=%r", named.file, str(error))  # noqa: TRY400 - the sentence says it
                return
            clock.wait(stop, drawn)
            pause = min(LONGEST_PAUSE, 2 * pause)
        except GateError as error:
            log.error("evidence.here file=%s why=%r", named.file, str(error))  # noqa: TRY400 - the sentence says it
            return
        else:
            log.info("evidence.handed_in file=%s", named.file)
            return


def _checked(settings: Settings, api: Api, namespace: str, name: str) -> Run:
    """The run. Raises `GateError` where it could only be waited for in vain."""
    api.get("configmaps", settings.namespace, CONFIG_MAP)  # a mode that may not be read would mean `pause` for ever
    run = read_run(api, namespace, name)
    if run is None:
        raise Permanent(f"there is no ChaosRun {namespace}/{name}; see kubectl get chaosruns --all-namespaces")
    return run


def _outcome(run: Run | None, first: Run) -> Outcome:
    if run is None or run.uid != first.uid:
        return Outcome.DONE
    if any(undo.reverted is None for undo in run.status.evidence.undo):
        return Outcome.IN_FORCE if _has_ended(run) else Outcome.LEFT
    return Outcome.DONE if _has_ended(run) else Outcome.LEFT


def _has_ended(run: Run) -> bool:
    return run.status.phase in {RunPhase.EXECUTED, RunPhase.JUDGED}


def _unrecorded(_run: Run) -> Record:
    return UNRECORDED


class _OneRun:
    """The only run that there is, looked at once a second."""

    def __init__(self, api: Api, run: Run, clock: Clock) -> None:
        self._api, self._first, self._run, self._clock = api, run, run, clock
        self._lock = threading.Lock()
        self._due = clock.monotonic() + LOOK.total_seconds()
        self._gone = False
        self.changed: Callable[[], None] = lambda: None
        """Called when the run is another than it was: no event tells an executor that rests."""

    def all(self) -> Sequence[Run]:
        """As it was not long ago. While nobody answers it is as it was."""
        with self._lock:
            if self._clock.monotonic() >= self._due:
                self._due = self._clock.monotonic() + LOOK.total_seconds()
                try:
                    self._look()
                except GateError as error:
                    log.warning("run.unsure run=%s why=%r", self._first.name, str(error))
            return [] if self._gone else [self._run]

    def latest(self, run: Run) -> Run | None:
        return next((each for each in self.all() if each.uid == run.uid), None)

    def is_over(self) -> bool:
        """Nothing is left to be executed or to be taken back."""
        return all(_has_ended(run) and not run.guarded for run in self.all())

    def read(self, run: Run) -> Run | None:
        return read_run(self._api, run.namespace, run.name)

    def around(self, run: Run, *, everywhere: bool) -> Sequence[Run]:
        """The gate has let it begin; its locks are asked for again before each step."""
        return [run]

    def show(self, run: Run, activity: str) -> None:
        Runs(self._api).save_activity(run, activity)

    def journal(self, run: Run, insist: Insist) -> RunJournal:
        return RunJournal(Runs(self._api.fenced(insist)), run)

    def _look(self) -> None:
        run = Runs(self._api).get(self._first.namespace, self._first.name)
        before = self._gone, self._run
        self._gone = run is None or run.uid != self._first.uid
        self._run = run or self._run
        if (self._gone, self._run) != before:
            self.changed()


class _Turn:
    """The Lease of the run. When this process has had it and gave it up, its turn is over."""

    def __init__(self, leases: RunLeases, clock: Clock) -> None:
        self._leases, self._clock = leases, clock
        self.over = threading.Event()
        self.refused: Denied | None = None

    def hold(self, run: Run, now: datetime) -> bool:
        try:
            return self._leases.hold(run, now)
        except Denied as error:  # whoever may not say that he is alive may do nothing
            self.refused = error
            self.over.set()
            raise

    def watch(self, run: Run) -> bool:
        return self._leases.watch(run)

    def release(self, run: Run) -> None:
        try:
            self._leases.release(run)
        finally:
            self.over.set()
