"""What the runs of one judgement add up to, and what is remembered of it. Pure."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from gate.codec import Codec
from gate.documents.canonical import digest_of
from gate.model import (
    Gate,
    GateStatus,
    JudgedVersion,
    Judgement,
    Phase,
    Reason,
    Run,
    RunEntry,
    RunPhase,
    RunSpec,
    Verdict,
)

REMEMBERED = 20
"""How many judged versions a gate keeps."""
SPEC = Codec(RunSpec)


def follow(entries: tuple[RunEntry, ...], runs: Mapping[str, Run]) -> tuple[tuple[RunEntry, ...], set[str]]:
    """The entries brought up to date from the runs, and the names of those that have never been made.

    A run that was seen and is gone was deleted by somebody: it cannot pass any more.
    """
    fresh, missing = [], set()
    for entry in entries:
        run = runs.get(entry.name)
        if entry.verdict:
            fresh.append(entry)
        elif run:
            fresh.append(_entry(entry, run))
        elif entry.uid:
            message = f"the ChaosRun {entry.name} was deleted"
            fresh.append(replace(entry, verdict=Verdict.CANCELED, reason=Reason.ABORTED, message=message))
        else:
            fresh.append(entry)
            missing.add(entry.name)
    return tuple(fresh), missing


def decided(spec: RunSpec) -> str:
    """The SHA-256 of what such a run does and against what, as the cluster keeps it.

    Who subscribed to it, at which revision and until when is left out: it may change until the run is made, and changes
    nothing of what is judged.
    """
    kept = SPEC.read(SPEC.write_new(spec), "the run")
    return digest_of((kept.workload, kept.version, kept.images, kept.previous, kept.workflow, kept.seed))


def is_own(gate: Gate, run: Run) -> bool:
    """The run is the one that the gate has decided on. Trusted by name only, one that was left over from before, or
    that somebody who may make runs has put there, could answer for now: what the name is made of is no secret.
    """
    entry = next((each for each in gate.status.runs if each.name == run.name), None)
    if entry is None or run.spec.asked_by:
        return False
    if gate.workload != run.spec.workload or gate.status.version != run.spec.version:
        return False
    return entry.uid == run.uid if entry.uid else entry.decided == decided(run.spec)


def asks_for(gate: Gate | None, run: Run) -> bool:
    """The gate waits for the run. One that was made too late, by a replica that led once, is waited for by nobody, also
    when the gate still names it: it was given up before it was there.
    """
    if gate is None or not is_own(gate, run):
        return False
    return any(entry.name == run.name and entry.verdict is None for entry in gate.status.runs)


def _entry(entry: RunEntry, run: Run) -> RunEntry:
    if entry.uid and run.uid != entry.uid:
        message = f"another ChaosRun has taken the name {run.name}"
        return replace(entry, verdict=Verdict.ERRORED, reason=Reason.INTERNAL_ERROR, message=message)
    if run.status.phase is not RunPhase.JUDGED or run.status.verdict is None:
        return replace(entry, uid=run.uid)
    status = run.status
    return replace(
        entry,
        uid=run.uid,
        verdict=status.verdict,
        reason=status.reason,
        message=status.message,
        score=status.score,
        document=digest_of(run.spec.workflow),
        evidence=digest_of(status.evidence),
    )


def fold(entries: tuple[RunEntry, ...]) -> Judgement:
    """The worst of the runs; the first run with that verdict says why."""
    verdict = Verdict.worst(entry.verdict or Verdict.ERRORED for entry in entries)
    if verdict is Verdict.PASSED:
        return Judgement(verdict=verdict)
    first = next((entry for entry in entries if entry.verdict is verdict), None)
    if first is None:
        return Judgement(verdict=verdict, reason=Reason.NO_DATA, message="no workflow was run")
    return Judgement(verdict=verdict, reason=first.reason, message=f"{first.workflow}: {first.message}")


def remember(status: GateStatus, now: datetime, judgement: Judgement | None = None) -> GateStatus:
    """Conclude the judgement that is under way: the answer, and its entry among the judged versions."""
    judgement = judgement or fold(status.runs)
    entry = JudgedVersion(
        version=status.version,
        workflows=status.workflows,
        at=now,
        judgement=judgement,
        runs=status.runs,
        images=status.images,
        revision=status.revision,
    )
    return replace(_answered(status, judgement), judged=(entry, *status.judged)[:REMEMBERED])


def standing(status: GateStatus, version: str, *, workflows: str | None = None) -> GateStatus | None:
    """The answer that the newest judgement of this version gave, if it was one about the service: what we could not
    find out before may well be found out now. With `workflows`: only if these were its workflows.
    """
    found = next((entry for entry in status.judged if entry.version == version), None)
    if found is None or found.judgement.verdict not in {Verdict.PASSED, Verdict.FAILED}:
        return None
    if workflows is not None and found.workflows != workflows:
        return None
    return replace(_answered(status, found.judgement), runs=found.runs, complete_since=None)


def _answered(status: GateStatus, judgement: Judgement) -> GateStatus:
    phase = Phase.OPEN if judgement.verdict is Verdict.PASSED else Phase.CLOSED
    return replace(
        status,
        phase=phase,
        verdict=judgement.verdict,
        reason=judgement.reason,
        message=judgement.message or "every run passed",
    )
