"""Brings one workload's gate to what it should be: reads, decides, writes. Safe to kill at any instruction."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from gate.model import Gate, Judgement, Reason, Rollout, Run, RunPhase, Verdict, WorkloadName
from gate.tracking.claims import Claim
from gate.tracking.decide import decide
from gate.tracking.judgements import is_own
from gate.tracking.ports import Gates, Judge, Runs, Subscriptions, Workloads
from gate.tracking.seen import Decision, Kind, Seen

log = logging.getLogger(__name__)

AT_ONCE = 4
"""How often it is decided on one reading: stop what is on, conclude it, say what comes next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What came of a look at a workload."""

    wake: datetime | None = None
    """When to look again even if nothing is heard."""
    rest: "Callable[[], Looked] | None" = None
    """What follows from what was saved. The next look finds it, so it can wait, and can be left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    """One comparison at a time per workload; the queue in front of it sees to that."""

    workloads: Workloads
    gates: Gates
    runs: Runs
    subscriptions: Subscriptions
    judge: Judge
    now: Callable[[], datetime]

    def reconcile(self, name: WorkloadName) -> datetime | None:
        """Compare and act once; returns when to look again even if nothing is heard. Raises what the ports raise."""
        looked = self.look(name)
        while looked.rest:
            looked = looked.rest()
        return looked.wake

    def look(self, name: WorkloadName) -> Looked:
        """Compare and save what is decided. Runs that were decided on just now are left for later: nobody waits for a
        moment until they are made, but others may wait for their decisions. Raises what the ports raise.
        """
        gate = self.gates.get(name)
        rollout = self.workloads.rollout(name)
        if rollout is None:
            self._gone(name, gate)
            return Looked()
        claims = self.subscriptions.of(name, rollout.labels, gate.status.subscriptions if gate else ())
        if gate is None and not claims:
            return Looked()
        if gate and gate.workload != rollout.workload:
            log.info("gate.delete workload=%s why=%r", name, "the workload was deleted and made anew")
            self.gates.delete(gate)
            gate = None
        gate = gate or self.gates.create(rollout.workload)
        return self._go_on(gate, self._see(rollout, gate, claims))

    def _go_on(self, gate: Gate, seen: Seen) -> Looked:
        for _ in range(AT_ONCE):
            decision = decide(seen)
            self._log(seen, decision)
            runs = dict(seen.runs)
            if decision.status != gate.status:
                # The status first: what it names can be made again after a crash, what it does not would be lost.
                gate = self.gates.save(gate, decision.status)
            for name, reason in decision.abort.items():
                runs[name] = self._stopped(runs[name], reason)
            if decision.kind is Kind.UPGRADE and decision.create:
                return Looked(wake=decision.wake, rest=partial(self._make, gate, seen, decision))
            runs |= self._made(gate, decision)
            if runs == seen.runs and (decision.wake is None or decision.wake > seen.now):
                return Looked(wake=decision.wake)
            # What follows from our own writes needs no other reading: the next save is refused if that is not so.
            seen = replace(seen, status=gate.status, runs=runs)
        return Looked(wake=seen.now)

    def _make(self, gate: Gate, seen: Seen, decision: Decision) -> Looked:
        """Make the runs that were decided on, and write down that they are there."""
        runs = {**seen.runs, **self._made(gate, decision)}
        if runs == seen.runs:
            return Looked(wake=decision.wake)
        return self._go_on(gate, replace(seen, status=gate.status, runs=runs, now=self.now()))

    def _see(self, rollout: Rollout, gate: Gate, claims: Sequence[Claim]) -> Seen:
        named = (self.runs.get(gate.namespace, entry.name) for entry in gate.status.runs if not entry.verdict)
        found = [run for run in named if run]
        return Seen(
            rollout=rollout,
            gate=gate.uid,
            status=gate.status,
            claims=claims,
            runs={run.name: self._judged(run) for run in found if is_own(gate, run)},
            strangers=frozenset(run.name for run in found if not is_own(gate, run)),
            revision=self.subscriptions.revision,
            now=self.now(),
            told=gate.told,
            overrides=gate.overrides,
        )

    def _judged(self, run: Run) -> Run:
        if run.status.phase is not RunPhase.EXECUTED:
            return run
        judgement, score = self.judge(run)
        log.info(
            "run.judged run=%s verdict=%s reason=%s why=%r",
            run.name,
            judgement.verdict,
            judgement.reason,
            judgement.message,
        )
        return self.runs.save_verdict(run, judgement, score)

    def _made(self, gate: Gate, decision: Decision) -> Mapping[str, Run]:
        """The runs that were to be made, and are the gate's own."""
        runs = {}
        for name, spec in decision.create.items():
            run = self.runs.create(gate, name, spec)
            if not is_own(gate, run):
                log.warning("run.stranger run=%s uid=%s why=%r", run.name, run.uid, "the gate has not decided on it")
                continue
            log.info(
                "run.create run=%s workflow=%s version=%s uid=%s", run.name, spec.workflow.name, spec.version, run.uid
            )
            runs[name] = run
        return runs

    def _stopped(self, run: Run, reason: Reason) -> Run:
        """A run that nobody has begun needs nobody to end it. Its executor, should one begin at this very moment, and
        this write exclude each other: the second of them conflicts.
        """
        if run.begun:
            self.runs.abort(run, reason)
            return run
        judgement = Judgement(verdict=Verdict.CANCELED, reason=reason, message="stopped before it began")
        return self.runs.save_verdict(run, judgement, None)

    def _gone(self, name: WorkloadName, gate: Gate | None) -> None:
        """The cluster collects the runs with the gate; their executors take back what they did."""
        if gate:
            log.info("gate.delete workload=%s why=%r", name, "the workload is gone")
            self.gates.delete(gate)
        else:
            log.warning("subscription.idle workload=%s why=%r", name, "there is no such workload; nothing is judged")

    def _log(self, seen: Seen, decision: Decision) -> None:
        name = seen.rollout.workload.name
        kept = {each.key for each in decision.status.announcements}
        for lost in seen.status.announcements:
            if lost.key not in kept and lost not in seen.told:
                log.warning("gitlab.given_up workload=%s status=%s commit=%s", name, lost.name, lost.commit.sha)
        if decision.status.override != seen.status.override:
            told = decision.status.override or "nobody lets this version through any more"
            log.warning("gate.override workload=%s version=%s why=%r", name, decision.status.version, told)
        quiet = decision.status == seen.status and not decision.create and not decision.abort
        log.log(
            logging.DEBUG if quiet else logging.INFO,
            "decide workload=%s version=%s decision=%r why=%r",
            name,
            decision.status.version or "-",
            str(decision.kind),
            decision.why,
        )
