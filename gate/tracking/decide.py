"""The decision: given everything that is, what should be next. Pure; the reconciler gathers and applies.

`decide` knows no events. It is asked whenever something may have changed, and asking it twice is harmless: a repeated
event, a lost one and a restart all end in the same comparison.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace

from gate.model import (
    SECOND,
    ContainerImage,
    GateStatus,
    JudgeAt,
    Judgement,
    OnRollback,
    Progress,
    Reason,
    Rollout,
    RunEntry,
    RunSpec,
    Verdict,
    Version,
    fingerprint,
    identity,
)
from gate.tracking import claims, commits, overrides, pacing
from gate.tracking.announce import announce
from gate.tracking.answers import REFUSED, dated, is_answered, is_judging, pending, refused, without_runs
from gate.tracking.first_sight import first_sight
from gate.tracking.judgements import decided, follow, remember, standing
from gate.tracking.promoting import promotion
from gate.tracking.replacing import replaced, template
from gate.tracking.seen import Decision, Kind, Seen


def decide(seen: Seen) -> Decision:
    """Guards first, each saying why it stops; what is left over is an upgrade."""
    rollout = _as_judged(seen)
    decision = _decide(replace(seen, rollout=rollout))
    status = dated(decision.status, seen)
    status = replace(status, replacing=replaced(rollout, seen.status, status), template=template(rollout, seen.status))
    subscriptions = [claim.subscription for claim in seen.claims if claim.subscription]
    status = overrides.overridden(announce(status, subscriptions, seen.told), seen.overrides, seen.now)
    status = replace(status, promotion=promotion(status, subscriptions, seen.gate))
    wakes = [each for each in (decision.wake, overrides.next_change(seen.overrides, seen.now)) if each]
    return replace(decision, status=status, wake=min(wakes, default=None))


def _decide(seen: Seen) -> Decision:
    rollout, status = seen.rollout, seen.status
    if is_judging(status):
        return _supersede(seen) if _moved_on(rollout, status) else _follow(seen)
    if not seen.claims:
        return _unclaimed(seen)
    first, status = first_sight(seen)
    commit, problem = commits.commit_of(rollout, seen.status, moved_on=_moved_on(rollout, seen.status))
    problem = problem or commits.untold(commit, seen.claims)
    if commit != status.commit and not commits.is_found_late(rollout, status):
        # No answer passes from one commit to another by itself: the new one's image may only just be on the way.
        status = replace(pending(status, "another commit was announced"), complete_since=None)
    subscriptions = tuple(sorted(claim.name for claim in seen.claims))
    status = replace(status, commit=commit, commit_problem=problem, subscriptions=subscriptions)
    status = replace(status, commit_found=commits.how(rollout, status))
    status = replace(status, version_problem=rollout.version_problem)
    if rollout.progress is not Progress.COMPLETE or rollout.version is None:
        return _not_seen_yet(seen, status) if first else _incomplete(seen, status)
    status = replace(status, looked=status.looked or seen.now)
    version = rollout.version.key
    if version == status.recorded or (version == status.version and is_answered(status)):
        return _stay(seen, status)
    restored = standing(status, version) if version == status.version else None
    if first and not restored:
        return _record(seen, status)
    if version == status.version and status.reason in REFUSED and (problems := claims.problems(seen.claims)):
        return Decision(kind=Kind.CLOSE, why=problems, status=refused(status, seen, problems))
    if decision := _unsettled(seen, status):
        return decision
    if restored:
        return Decision(
            kind=Kind.REUSE, why="the rollout came back to the version that was judged last", status=restored
        )
    return _upgrade(seen, status)


def _as_judged(seen: Seen) -> Rollout:
    """A rollout that is paused at a canary step is complete for those who want the canary judged."""
    if seen.rollout.progress is not Progress.CANARY:
        return seen.rollout
    asked = claims.together(seen.claims).judge is JudgeAt.CANARY
    return replace(seen.rollout, progress=Progress.COMPLETE) if asked else seen.rollout


def _moved_on(rollout: Rollout, status: GateStatus) -> bool:
    """Another version has come, or is coming. A restart, a scaling or a killed pod is not that."""
    if rollout.version and rollout.progress is Progress.COMPLETE:
        return rollout.version.key != status.version
    return rollout.image != status.image or (rollout.version is not None and rollout.version.key != status.version)


def _follow(seen: Seen) -> Decision:
    """Runs are on: make those that are missing, take in the verdicts, and conclude when there is one of each."""
    entries, missing = follow(seen.status.runs, seen.runs)
    if missing and not seen.revision:
        status = replace(seen.status, runs=entries)
        return Decision(
            kind=Kind.FOLLOW, why="the catalogue has not been read yet", status=status, wake=seen.now + pacing.BEAT
        )
    specs = _specs(seen, seen.status) if missing else {}
    if missing and len(missing) == len(entries) and not specs.keys() >= missing:
        # The gate died before it made a single run, and the catalogue has changed since: begin again.
        return _upgrade(seen, seen.status) if seen.claims else _dropped(seen.status)
    in_the_way = missing & set(seen.strangers)
    create = {name: specs[name] for name in missing - in_the_way if name in specs}
    entries = tuple(_lost(entry, missing - specs.keys()) for entry in entries)
    if seen.status.deadline and seen.now >= seen.status.deadline:
        entries = tuple(_kept_out(entry, in_the_way) for entry in entries)
    message = _delete(seen, in_the_way) if in_the_way else _to_be_judged(entries)
    status = replace(seen.status, runs=entries, message=message)
    if all(entry.verdict for entry in status.runs):
        status = remember(status, seen.now)
        return Decision(kind=Kind.CONCLUDE, why=status.message or "every run passed", status=status)
    waiting = [entry for entry in entries if entry.verdict is None]
    why = message if in_the_way else f"waiting for {', '.join(entry.workflow for entry in waiting)}"
    return Decision(kind=Kind.FOLLOW, why=why, status=status, create=create, wake=pacing.of_runs(waiting, seen.now))


def _to_be_judged(entries: Iterable[RunEntry]) -> str:
    return f"to be judged by {', '.join(entry.workflow for entry in entries)}"


def _delete(seen: Seen, in_the_way: Collection[str]) -> str:
    """Another name would be as readable as this one, and as easily taken."""
    names, namespace = " ".join(sorted(in_the_way)), seen.rollout.workload.name.namespace
    remedy = f"delete what has it, kubectl -n {namespace} delete chaosrun {names}, and the gate goes on"
    return f"somebody else made a ChaosRun under the name of a run of this gate; {remedy}"


def _kept_out(entry: RunEntry, in_the_way: Collection[str]) -> RunEntry:
    if entry.verdict or entry.name not in in_the_way:
        return entry
    message = f"somebody else's ChaosRun had the name {entry.name} until the deadline"
    return replace(entry, verdict=Verdict.ERRORED, reason=Reason.DEADLINE_EXCEEDED, message=message)


def _dropped(status: GateStatus) -> Decision:
    why = "nobody subscribes to this workload any more, and none of its runs was made"
    return Decision(kind=Kind.IGNORE, why=why, status=pending(status, why))


def _lost(entry: RunEntry, lost: set[str]) -> RunEntry:
    if entry.name not in lost:
        return entry
    message = f"the workflow {entry.workflow} changed in the catalogue before its run was made"
    return replace(entry, verdict=Verdict.ERRORED, reason=Reason.BAD_DOCUMENT, message=message)


def _supersede(seen: Seen) -> Decision:
    """A newer version while runs are on: stop them, and only when the last has let go turn to the newer one."""
    entries, missing = follow(seen.status.runs, seen.runs)
    unfinished = [entry.name for entry in entries if entry.verdict is None and entry.name not in missing]
    successor = seen.rollout.commit.sha[:8] if seen.rollout.commit else seen.rollout.image
    if unfinished:
        abort = {name: Reason.SUPERSEDED for name in unfinished if seen.runs[name].abort is None}
        why = f"superseded by {successor}: stopping {', '.join(unfinished)}"
        status = replace(seen.status, runs=entries)
        return Decision(kind=Kind.SUPERSEDE, why=why, status=status, abort=abort, wake=seen.now + pacing.BEAT)
    message = f"superseded by {successor}"
    entries = tuple(
        replace(entry, verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message=message)
        if not entry.verdict
        else entry
        for entry in entries
    )
    judgement = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED, message=message)
    status = remember(replace(seen.status, runs=entries), seen.now, judgement)
    return Decision(kind=Kind.SUPERSEDE, why=message, status=status, wake=seen.now)


def _incomplete(seen: Seen, status: GateStatus) -> Decision:
    rollout = seen.rollout
    if not _moved_on(rollout, status):
        return Decision(
            kind=Kind.IGNORE,
            why=rollout.message,
            status=status,
            wake=pacing.of_rollout(seen.rollout, seen.status.since, seen.now),
        )
    status = replace(status, complete_since=None, runs=())
    if rollout.progress is Progress.FAILED:
        version = rollout.version.key if rollout.version else ""
        status = replace(status, image=rollout.image, version=version, recorded="")
        closed = Judgement(verdict=Verdict.ERRORED, reason=Reason.ROLLOUT_FAILED, message=rollout.message)
        return Decision(kind=Kind.CLOSE, why=rollout.message, status=without_runs(status, closed))
    wake = pacing.of_rollout(rollout, seen.status.since, seen.now)
    said, message = status.message, f"{_IN_PROGRESS}{rollout.message}"
    if said.startswith(_IN_PROGRESS) and said != message and (later := pacing.told_soon(status.since, seen.now)):
        message, wake = said, later if wake is None else min(wake, later)
    return Decision(kind=Kind.ROLLING, why=rollout.message, status=pending(status, message), wake=wake)


_IN_PROGRESS = "rollout in progress: "


def _unclaimed(seen: Seen) -> Decision:
    """What happens from here on nobody wants to have judged, also should somebody subscribe again one day."""
    status = seen.status
    if seen.revision:  # otherwise the catalogue has only not been read yet
        status = replace(status, subscriptions=(), complete_since=None)
    return Decision(kind=Kind.IGNORE, why="nobody subscribes to this workload", status=status)


def _not_seen_yet(seen: Seen, status: GateStatus) -> Decision:
    """At first sight, and the rollout is not complete: which version is there cannot be told yet."""
    why = seen.rollout.message
    if status.verdict is None or _moved_on(seen.rollout, status):
        status = pending(status, why)
    status = replace(status, image=seen.rollout.image, complete_since=None)
    return Decision(
        kind=Kind.IGNORE, why=why, status=status, wake=pacing.of_rollout(seen.rollout, seen.status.since, seen.now)
    )


def _record(seen: Seen, status: GateStatus) -> Decision:
    version = seen.rollout.version
    assert version is not None  # noqa: S101 - a complete rollout has one
    status = replace(status, image=seen.rollout.image, images=version.images, version=version.key, recorded=version.key)
    return _stay(seen, status)


def _stay(seen: Seen, status: GateStatus) -> Decision:
    """The version is the one that the answer is about."""
    status = replace(status, image=seen.rollout.image)
    if status.version != status.recorded:
        return Decision(kind=Kind.IGNORE, why="this version has its verdict", status=status)
    if problems := claims.problems(seen.claims):
        return Decision(kind=Kind.CLOSE, why=problems, status=refused(status, seen, problems))
    message = "this version ran before the gate knew of it; the next one will be judged"
    status = replace(pending(status, message), complete_since=None)
    return Decision(kind=Kind.RECORD, why=message, status=status)


def _unsettled(seen: Seen, status: GateStatus) -> Decision | None:
    """Complete, but for less than the settling time; None when it has settled."""
    settle = claims.together(seen.claims).settle
    version = seen.rollout.version.key if seen.rollout.version else ""
    begun = status.complete_since if status.settling == version else None
    if begun and seen.rollout.youngest:  # it may have gone and come back while nobody looked, or have lost a pod
        begun = max(begun, seen.rollout.youngest + SECOND)
    # A clock that was set back has not seen any of it: it begins to count anew.
    since = min(begun or seen.now, seen.now)
    if seen.now - since >= settle:
        return None
    status = replace(pending(status, "rollout complete, settling"), complete_since=since, settling=version)
    return Decision(
        kind=Kind.SETTLE, why=f"settling until {since + settle:%H:%M:%S}", status=status, wake=since + settle
    )


def _upgrade(seen: Seen, status: GateStatus) -> Decision:
    """A version that has no answer: give it an old one where that is allowed, else have it judged."""
    version = seen.rollout.version
    assert version is not None  # noqa: S101 - a complete rollout has one
    status = replace(
        status,
        version=version.key,
        recorded="",
        previous=_before(status, version),
        images=version.images,
        image=seen.rollout.image,
        revision=seen.revision,
    )
    if problems := claims.problems(seen.claims):
        return Decision(kind=Kind.CLOSE, why=problems, status=refused(status, seen, problems))
    wanted = claims.workflows(seen.claims)
    status = replace(status, workflows=identity(*wanted), complete_since=None)
    asked = claims.together(seen.claims)
    reusable = asked.on_rollback is OnRollback.REUSE
    if reusable and (old := standing(status, version.key, workflows=status.workflows)):
        return Decision(kind=Kind.REUSE, why="this version was judged before with the same workflows", status=old)
    status = replace(pending(status, ""), judgements=status.judgements + 1, deadline=seen.now + asked.deadline)
    entries = tuple(
        RunEntry(name=_run_name(seen, status, wanted, number), workflow=workflow.name, subscriptions=names)
        for number, (workflow, names) in enumerate(wanted.values(), 1)
    )
    why = _to_be_judged(entries)
    # The status that names the runs is saved before they are made: so they are always found again.
    create = _specs(seen, status)
    entries = tuple(replace(entry, decided=decided(create[entry.name])) for entry in entries)
    status = replace(status, runs=entries, message=why)
    return Decision(kind=Kind.UPGRADE, why=why, status=status, create=create, wake=seen.now + pacing.BEAT)


def _before(status: GateStatus, version: Version) -> tuple[ContainerImage, ...]:
    """What ran before this version. One that is judged again has the same before it as at first."""
    other = status.images and Version(images=status.images).key != version.key
    return status.images if other else status.previous


def _specs(seen: Seen, status: GateStatus) -> dict[str, RunSpec]:
    """The runs of the judgement that is under way, by name; without those whose workflow changed meanwhile."""
    specs = {}
    wanted = claims.workflows(seen.claims)
    for number, (workflow, names) in enumerate(wanted.values(), 1):
        name = _run_name(seen, status, wanted, number)
        specs[name] = RunSpec(
            workload=seen.rollout.workload,
            version=status.version,
            images=status.images,
            workflow=workflow,
            subscriptions=names,
            revision=status.revision,
            seed=fingerprint(name),
            deadline=status.deadline or seen.now,
            previous=status.previous if workflow.compare else (),
        )
    return specs


def _run_name(seen: Seen, status: GateStatus, wanted: Iterable[str], number: int) -> str:
    """The same for the same judgement by the same workflows, and for nothing else; in the order in which they run."""
    workload = seen.rollout.workload
    judgement = fingerprint(seen.gate, status.version, str(status.judgements), *wanted)
    return f"{workload.name.name[:40]}-{judgement}-{number}"
