"""A person's word that a fault was taken back by hand, written into the run in the place of the gate's own evidence."""

import threading
from dataclasses import replace

from gate.cluster.api import Api
from gate.cluster.events import Events, Told
from gate.cluster.leases import LASTS, Leases
from gate.cluster.runs import Runs
from gate.errors import Conflict, Permanent, Temporary
from gate.model import Override, Run, RunStatus, TimelineEntry
from gate.running.ports import Clock
from gate.running.reverting import target_in_words
from gate.wire.identity import identity
from gate.wire.ties import RunLeases

LOOK = 0.5
"""Seconds between two looks whether whoever executes the run has let go of it."""
PATIENCE = 2 * LASTS.total_seconds()


def reverted_by_hand(api: Api, run: Run, reason: str, clock: Clock) -> Override:
    """Write down that everything the run has left in force was put back by hand, by whom and why, and let the run go.

    No verdict changes by it: the run's own evidence still says that the gate could not. Raises `Permanent` if nothing
    is left, and `Temporary` while somebody executes the run.
    """
    leases = RunLeases(Leases(api, identity(), clock.monotonic))
    _take(leases, run, clock)
    try:
        override = _write(api, run, reason, clock)
    finally:
        leases.release(run)
    message = f"{override.who} says that it was taken back by hand: {override.reason}"
    Events(api, clock.now).tell(run, Told.REVERTED_BY_HAND, message)
    return override


def _take(leases: RunLeases, run: Run, clock: Clock) -> None:
    """Two that take back at once would not know of each other, be one of them a person."""
    end, nothing = clock.monotonic() + PATIENCE, threading.Event()
    while not leases.hold(run, clock.now()):
        if clock.monotonic() >= end:
            raise Temporary(
                f"the run {run.namespace}/{run.name} is being executed; "
                f"chaos-gate abort {run.namespace}/{run.name} ends it, then say this again"
            )
        clock.wait(nothing, LOOK)


def _write(api: Api, run: Run, reason: str, clock: Clock) -> Override:
    runs, who = Runs(api), api.user()
    while True:
        now = runs.get(run.namespace, run.name)
        if now is None or now.uid != run.uid:
            raise Permanent(f"ChaosRun {run.namespace}/{run.name} is gone, and nothing is held by it any more")
        left = tuple(undo.id for undo in now.status.evidence.undo if undo.reverted is None)
        if not left:
            raise Permanent(f"ChaosRun {run.namespace}/{run.name} has nothing left to take back")
        override = Override(at=clock.now(), who=who, reason=reason, undo=left)
        try:
            runs.save_status(now, overridden(now.status, override), unchanged=True)
        except Conflict:  # its gate has judged it in this moment, for instance
            continue
        runs.guard(now, guarded=False)
        return override


def overridden(status: RunStatus, override: Override) -> RunStatus:
    """The status with the override in it."""
    undos = [undo for undo in status.evidence.undo if undo.id in override.undo]
    undo = tuple(
        replace(each, reverted=override.at, by_hand=True) if each.id in override.undo else each
        for each in status.evidence.undo
    )
    told = f"{override.who} says that it was taken back by hand ({override.reason}): "
    told += ", ".join(f"{each.fault} of {target_in_words(each)}" for each in undos)
    return replace(
        status,
        evidence=replace(status.evidence, undo=undo),
        overrides=(*status.overrides, override),
        timeline=(*status.timeline, TimelineEntry(at=override.at, what=told)),
    )
