"""An executor that takes runs one at a time, as the real one chooses them, and brings back evidence for a verdict."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from gate.cluster.runs import FINALIZER, STATUS, run_from
from gate.model import Evidence, Gate, Judgement, Reason, Run, RunPhase, RunStatus, Verdict
from gate.running.mode import Mode
from gate.running.turns import CAPS, turns
from gate.sandbox.kubernetes.language.objects import Object
from gate.tracking.judgements import asks_for
from tests.tracking.simulation.server import Server

ENDINGS = (
    None,
    None,
    None,
    Judgement(verdict=Verdict.FAILED, reason=Reason.PROBE_FAILED, message="it did not answer"),
    Judgement(verdict=Verdict.ERRORED, reason=Reason.NO_DATA, message="nobody could tell"),
)


@dataclass
class Executor:
    """Its own process: it knows the runs from the server alone."""

    server: Server
    random: Random
    now: Callable[[], datetime]
    gate: Callable[[], Gate | None]
    begun: Callable[[Run], None]
    """Hears of each run whose faults begin."""
    lost: bool = False
    """Nothing is executed until another one takes over."""
    _held: set[str] = field(default_factory=set)

    def advance(self) -> str:
        """The next step of the run that is on, or of the next one; empty if there is nothing to do."""
        runs = [run_from(item) for item in self.server.all(self.server.runs)]
        for run in turns(runs, Mode.RUN, CAPS, self.now()).go:
            return self._advance(run)
        return ""

    def _advance(self, run: Run) -> str:
        told = f"executor: {run.name} "
        if run.status.phase not in {RunPhase.PENDING, RunPhase.RUNNING}:
            self._guard(run, guarded=False)
            return told + "lets go"
        stray = not run.begun and not asks_for(self.gate(), run)  # as `gate.wire.ties` reads it
        if run.abort or run.deleting or stray:
            reason = run.abort or (Reason.SUPERSEDED if stray else Reason.ABORTED)
            ending = Judgement(verdict=Verdict.CANCELED, reason=reason, message=f"told to stop: {reason}")
            return told + self._finish(run, ending)
        if run.status.phase is RunPhase.PENDING:
            self.begun(run)
            self._save(run, RunStatus(phase=RunPhase.RUNNING, attempt=1, started=self.now()))
            return told + "begins"
        if not run.guarded:
            self._guard(run, guarded=True)
            return told + "takes hold"
        if self.now() > run.spec.deadline:
            late = Judgement(verdict=Verdict.ERRORED, reason=Reason.DEADLINE_EXCEEDED, message="too late")
            return told + self._finish(run, late)
        return told + self._finish(run, self.random.choice(ENDINGS))

    def _finish(self, run: Run, ending: Judgement | None) -> str:
        evidence = Evidence(version_after=run.spec.version, stopped=ending)
        self._save(run, RunStatus(phase=RunPhase.EXECUTED, attempt=1, finished=self.now(), evidence=evidence))
        return f"ends: {ending.reason if ending else 'everything held'}"

    def _save(self, run: Run, status: RunStatus) -> None:
        def write(item: Object) -> None:
            written = {key: value for key, value in STATUS.write(status).items() if value is not None}
            item["status"] = {**(item.get("status") or {}), **written}

        self.server.change(self.server.runs, run.name, write, "status")

    def _guard(self, run: Run, *, guarded: bool) -> None:
        self.server.change(
            self.server.runs,
            run.name,
            lambda item: item["metadata"].update(finalizers=[FINALIZER] if guarded else []),
        )


def judged(run: Run) -> tuple[Judgement, int | None]:
    """What the evidence of this executor adds up to."""
    return run.status.evidence.stopped or Judgement(verdict=Verdict.PASSED), 100
