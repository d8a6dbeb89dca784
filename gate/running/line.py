"""Where runs wait for their turn: asks the cluster before a new one goes, and shows what holds the others."""

import logging
from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime
from typing import Protocol

from gate.errors import GateError, Temporary
from gate.model import Run, RunPhase
from gate.running.admission import AGAIN, Admission
from gate.running.mode import Mode
from gate.running.ports import Clock
from gate.running.turns import CAPS, WAITING, Caps, Turns, to_be_ended, turns, under_way

log = logging.getLogger(__name__)

UNKNOWN = "the policy, which is being asked"
EVER = datetime.max.replace(tzinfo=UTC)


class Store(Protocol):
    """The runs in the cluster."""

    def all(self) -> Sequence[Run]:
        """As the last event left them."""
        ...

    def around(self, run: Run, *, everywhere: bool) -> Sequence[Run]:
        """The run, and all that may be in its way, as they are now, asked of the cluster: those of the namespaces that
        it touches, or `everywhere`; also runs that other gates execute. Raises `GateError` if it cannot be told.
        """
        ...

    def show(self, run: Run, activity: str) -> None:
        """Write what a run that has not begun is waiting for. Raises `GateError`."""
        ...


class Line:
    """The line of one gate."""

    def __init__(self, store: Store, clock: Clock, caps: Caps = CAPS, admission: Admission | None = None) -> None:
        """`admission` knows whom the policy holds: they wait beside the line, and others pass."""
        self._store, self._clock, self._caps, self._admission = store, clock, caps, admission
        self._held: dict[str, str] = {}
        """By what the policy was last found to hold runs, by their uids."""
        self._still: tuple[Mode, datetime] | None = None
        """In which mode it was nobody's turn when last asked, and until when time leaves it so."""

    def rests(self, mode: Mode) -> bool:
        """It was nobody's turn, and nothing but an event can have changed that."""
        return self._still is not None and self._still[0] is mode and self._clock.now() < self._still[1]

    def next(self, mode: Mode, executed: Collection[str]) -> Iterator[Run]:
        """The runs that should be executed now, one after the other; each new one is asked for when it comes up.

        `executed` are the uids of those that were begun a moment ago; whoever begins one adds it there.
        """
        self._still = None
        answer, until = self._turns(mode, executed)
        shown = [self._show(run, holder) for run, holder in answer.held if holder != UNKNOWN]
        if not answer.go and all(shown):
            self._still = (mode, min([until, *(run.spec.deadline for run, _ in answer.held)]))
        for run in answer.go:
            if run.uid in executed or not self._is_held(run, mode, executed):
                yield run

    def _turns(self, mode: Mode, executed: Collection[str]) -> tuple[Turns, datetime]:
        """The turns, without those whom the policy holds; and until when it leaves it so."""
        runs, now, held = self._store.all(), self._clock.now(), dict[str, str]()
        if self._admission:
            self._admission.keep({run.uid for run in runs if run.status.phase in {RunPhase.PENDING, RunPhase.RUNNING}})

        def policy(run: Run) -> str:
            if holder := self._policy(run):
                held[run.uid] = holder
            return holder

        answer = turns(runs, mode, self._caps, now, executed=executed, held=policy)
        self._held = held
        return answer, now + AGAIN if held else EVER

    def _policy(self, run: Run) -> str:
        """Whether the policy holds a run whose turn it would be, in words; empty if not."""
        holder = self._admission.holder(run) if self._admission else ""
        return UNKNOWN if holder is None else holder

    def may_go(self, run: Run, mode: Mode) -> bool:
        """Whether the run, as it is by now, still has something to be executed."""
        return bool(turns([run], mode, self._caps, self._clock.now()).go)

    def _is_held(self, run: Run, mode: Mode, executed: Collection[str]) -> bool:
        """Whether a new run has to wait, by what the cluster says now: others execute runs that we do not hear of."""
        now = self._clock.now()
        if under_way(run) or to_be_ended(run, mode, now):
            return False
        try:
            around = self._store.around(run, everywhere=self._caps.cluster is not None)
        except Temporary as error:
            log.warning("run.unsure run=%s why=%r", run.name, str(error))
            return True
        except GateError as error:
            self._show(run, f"others, for who they are cannot be seen: {error}")
            return True
        answer = turns(around, mode, self._caps, now, executed=executed, held=lambda each: self._held.get(each.uid, ""))
        holder = next((holder for other, holder in answer.held if other.uid == run.uid), "")
        if holder:
            self._show(run, holder)
        return bool(holder)

    def _show(self, run: Run, holder: str) -> bool:
        """Let those who watch the run see what it waits for; False if that did not work."""
        activity = f"{WAITING}{holder}"
        if run.status.activity == activity:
            return True
        log.info("run.waits run=%s holder=%r", run.name, holder)
        try:
            self._store.show(run, activity)
        except GateError as error:
            log.warning("run.show run=%s why=%r", run.name, str(error))
            return False
        return True
