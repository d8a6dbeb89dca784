"""Has runs executed by Kubernetes Jobs, one run each: makes them, hears whether they live, and ends what they lost.

The gate does nothing to any target here. What a Job does is `chaos-gate execute`: the same executor, for one run.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Protocol

from gate.errors import Denied, GateError, Permanent
from gate.model import Judgement, Reason, Run, RunPhase, RunStatus, Verdict
from gate.quantities import in_words
from gate.running import line
from gate.running.admission import Admission
from gate.running.executor import BEAT, FIRST_PAUSE, LONGEST_PAUSE
from gate.running.line import Line
from gate.running.mode import Mode
from gate.running.ports import Clock
from gate.running.runner import MOST_ATTEMPTS
from gate.running.turns import CAPS, WAITING, Caps, to_be_ended

log = logging.getLogger(__name__)

MOST_JOBS = MOST_ATTEMPTS + 1
"""For one run: after the last attempt there is one more, which takes back what that one left and ends the run."""


class Heard(StrEnum):
    """What the Lease of a run says."""

    NOBODY = "nobody"
    """There is none, or nobody holds it."""
    BEATS = "beats"
    SILENT = "silent"
    """Somebody holds it who has not been heard for so long that he is dead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutorJob:
    """A Job that executes a run, or did."""

    name: str
    uid: str
    number: int
    """The first one of a run has the number 1."""
    over: bool
    said: str = ""
    """Why it failed, or why it does not begin, as far as its pod knows."""


class Jobs(Protocol):
    """The Jobs of runs. Every method raises `GateError` where the cluster does not do it."""

    def of(self, run: Run) -> Sequence[ExecutorJob]:
        """All that there are, in the order of their numbers."""
        ...

    def make(self, run: Run, number: int) -> None:
        """Making it twice is making it once."""
        ...

    def remove(self, run: Run, job: ExecutorJob) -> None:
        """End it, if it still runs, and forget it."""
        ...


class Leases(Protocol):
    """Who executes a run. Every method raises `GateError` if it cannot be told."""

    def heard(self, run: Run) -> Heard: ...

    def hold(self, run: Run, now: datetime) -> bool:
        """Take it; False while somebody else may have it. From then on whoever had it can write no more."""
        ...

    def release(self, run: Run) -> None: ...


class Store(line.Store, Protocol):
    """The runs in the cluster."""

    def read(self, run: Run) -> Run | None:
        """The run as it is now, asked of the cluster; None if it is gone."""
        ...


class Next(Enum):
    """What is to be done about a run now."""

    WAIT = "somebody executes it, or is about to"
    MAKE = "another Job is to execute it"
    END = "nobody will execute it any more"


def what_next(run: Run, latest: ExecutorJob | None, heard: Heard, *, late: bool) -> Next:
    """Pure. `late`: the latest Job has had its time to begin. Of a run that nobody has begun nothing is lost, so that
    one whose Job came to nothing is not tried again: what kept it from beginning would keep the next one as well.
    """
    if heard is Heard.BEATS:
        return Next.WAIT
    if latest is not None and not latest.over and heard is Heard.NOBODY and not late:
        return Next.WAIT
    if latest is not None and not run.begun:
        return Next.END
    if run.status.phase is RunPhase.RUNNING and number_after(run, latest) > MOST_JOBS:
        return Next.END
    return Next.MAKE


def number_after(run: Run, latest: ExecutorJob | None) -> int:
    """Also where somebody has deleted the Jobs of the attempts that there were."""
    return max(latest.number if latest else 0, run.status.attempt) + 1


@dataclass(slots=True)
class _Watched:
    """What is remembered of a run, for as long as there is something to do about it. Lost with this process, it is
    waited for anew.
    """

    job: str = ""
    """The uid of its latest Job."""
    since: float = 0.0
    """When that was first seen."""
    pause: float = 0.0
    not_before: float = 0.0
    """What could not be taken back is tried again at growing intervals."""
    said: str = ""
    """What was logged about it last."""


class JobExecutor:
    """Looks once a second after each run that should be executed. Whoever leads later finds all he needs in the
    cluster.
    """

    def __init__(
        self,
        *,
        store: Store,
        leases: Leases,
        jobs: Jobs,
        clock: Clock,
        mode: Callable[[], Mode],
        leads: Callable[[], bool],
        end: Callable[[Run, Judgement], RunStatus],
        begins: timedelta,
        tell: Callable[[Run, RunStatus], None] = lambda _run, _status: None,
        caps: Caps = CAPS,
        admission: Admission | None = None,
    ) -> None:
        """`end` writes down that a run has ended so, and takes back what it can; `tell` hears how that went, beside how
        the run was before it. `begins` is a Job's time to begin.
        """
        self._store, self._leases, self._jobs, self._clock = store, leases, jobs, clock
        self._read_mode, self._leads, self._end, self._tell, self._begins = mode, leads, end, tell, begins
        self._admission, self._line = admission, Line(store, clock, caps, admission)
        self._watched: dict[str, _Watched] = {}
        self._poked = threading.Event()

    def run(self, stop: threading.Event) -> None:
        """Until told to stop. The Jobs go on; whoever leads next looks after them."""
        while not stop.is_set():
            began = self._clock.monotonic()
            try:
                self.consider()
            except Exception:  # a mistake of ours must not end the only thread that looks after runs
                log.exception("execute.again")
            self._clock.wait(self._poked, began + BEAT.total_seconds() - self._clock.monotonic())
            self._poked.clear()

    def poke(self) -> None:
        """A run changed, or it is time to stop: look now."""
        self._poked.set()

    def consider(self) -> None:
        """One look at every run."""
        if not self._leads():
            self._watched.clear()
            return
        mode = self._read_mode()
        runs = list(self._line.next(mode, ()))
        self._watched = {run.uid: self._watched.get(run.uid, _Watched()) for run in runs}
        for run in runs:
            watched = self._watched[run.uid]
            try:
                self._look_after(run, watched, mode)
            except GateError as error:
                if str(error) != watched.said:
                    log.warning("run.again run=%s why=%r", run.name, str(error))
                    watched.said = str(error)
            except Exception:  # a mistake about one run must not keep the others from being looked after
                log.exception("run.again run=%s", run.name)

    def _look_after(self, run: Run, watched: _Watched, mode: Mode) -> None:
        now = self._clock.monotonic()
        heard = self._leases.heard(run)
        if heard is Heard.BEATS or now < watched.not_before:
            return
        jobs = self._jobs.of(run)
        latest = jobs[-1] if jobs else None
        if latest is not None and latest.uid != watched.job:
            watched.job, watched.since = latest.uid, now
        late = now - watched.since >= self._begins.total_seconds()
        if what_next(run, latest, heard, late=late) is Next.WAIT or not self._leases.hold(run, self._clock.now()):
            return
        try:
            fresh = self._store.read(run)
            if fresh is None or fresh.uid != run.uid or not self._line.may_go(fresh, mode):
                return
            what = what_next(fresh, latest, heard, late=late)
            if what is Next.MAKE and self._is_held(fresh, mode):
                return
            if judgement := self._over(fresh, what, mode, _how_lost(latest, heard, self._begins)):
                self._conclude(fresh, jobs, judgement)
            elif what is Next.MAKE:
                self._replace(fresh, watched, jobs, _how_lost(latest, heard, self._begins))
        finally:
            self._leases.release(run)

    def _is_held(self, run: Run, mode: Mode) -> bool:
        """Whether a run that has lost its executor waits for the policy before another one: a Job knows less than we
        do. What is in force is taken back all the same, and what is to be ended does not wait.
        """
        if self._admission is None or not run.begun or run.guarded or to_be_ended(run, mode, self._clock.now()):
            return False
        return self._admission.holder(run) != ""

    def _over(self, run: Run, what: Next, mode: Mode, how_lost: str) -> Judgement | None:
        """How the run ends without another executor, if it does. The Lease is ours: nobody begins it meanwhile."""
        if not run.begun:
            if reason := run.abort or (Reason.ABORTED if run.deleting or mode is Mode.ABORT else None):
                return Judgement(verdict=Verdict.CANCELED, reason=reason, message="stopped before it began")
            if self._clock.now() >= run.spec.deadline:
                waited = f". {run.status.activity}" if run.status.activity.startswith(WAITING) else ""
                message = f"the deadline of the run, {run.spec.deadline:%H:%M:%S}, was over before it began{waited}"
                return Judgement(verdict=Verdict.ERRORED, reason=Reason.DEADLINE_EXCEEDED, message=message)
        if self._admission and not run.guarded and (why := self._admission.refused(run)):
            return Judgement(verdict=Verdict.ERRORED, reason=Reason.POLICY_DENIED, message=why)
        return _lost(f"nobody executes it any more: {how_lost}") if what is Next.END else None

    def _conclude(self, run: Run, jobs: Sequence[ExecutorJob], judgement: Judgement) -> None:
        log.warning("run.end run=%s reason=%s why=%r", run.name, judgement.reason, judgement.message)
        self._tell(run, self._end(run, judgement))
        for job in jobs:
            if not job.over:
                self._jobs.remove(run, job)

    def _replace(self, run: Run, watched: _Watched, jobs: Sequence[ExecutorJob], how_lost: str) -> None:
        """Another Job takes the place of those that there were, if any. The log of the last one is left to be read."""
        latest = jobs[-1] if jobs else None
        if latest is not None:
            log.warning("job.lost run=%s job=%s why=%r", run.name, latest.name, how_lost)
        for job in jobs:
            if job is not latest or not job.over:
                self._jobs.remove(run, job)
        if run.status.phase is not RunPhase.RUNNING and run.guarded:
            watched.pause = min(max(FIRST_PAUSE, 2 * watched.pause), LONGEST_PAUSE)
            watched.not_before = self._clock.monotonic() + watched.pause
        try:
            self._jobs.make(run, number_after(run, latest))
        except (Denied, Permanent) as error:  # also a template that the server refuses
            if run.begun:
                raise
            self._conclude(run, (), _lost(f"no Job can be made to execute it: {error}"))
        else:
            log.info("run.job run=%s number=%d", run.name, number_after(run, latest))


def _how_lost(job: ExecutorJob | None, heard: Heard, begins: timedelta) -> str:
    if job is None:
        return "its Job is gone"
    if job.over:
        return f"the Job {job.name} has ended, and the run has not: {job.said or 'it does not say why'}"
    if heard is Heard.SILENT:
        return f"the executor in the Job {job.name} is not heard any more" + (f": {job.said}" if job.said else "")
    return f"the Job {job.name} did not begin within {in_words(begins)}: {job.said or 'its pod does not say why'}"


def _lost(message: str) -> Judgement:
    return Judgement(verdict=Verdict.ERRORED, reason=Reason.EXECUTOR_LOST, message=message)
