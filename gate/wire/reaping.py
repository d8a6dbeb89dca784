"""Takes back what runs left behind whose executor is dead, with nothing but the records in the cluster."""

import threading
from dataclasses import replace
from functools import partial

from gate.cluster.api import Api
from gate.cluster.leases import LASTS, Leases
from gate.cluster.runs import FINALIZER, RunJournal, Runs, run_from
from gate.cluster.workloads import Workloads
from gate.errors import GateError, Permanent
from gate.faults import ACTS
from gate.loads import LOADS
from gate.model import Run, RunStatus
from gate.probes import PROBES
from gate.running.background import Threads
from gate.running.execution import Fenced
from gate.running.ports import Clock, World
from gate.running.reverting import revert_all
from gate.running.time import SystemClock
from gate.wire.identity import identity
from gate.wire.ties import RunLeases


def reap(api: Api) -> tuple[int, list[str]]:
    """Take back whatever runs left behind whose executor is dead; needs nothing but the records in the cluster.

    Returns how many runs were put right, and a sentence for each that could not be.
    """
    clock = SystemClock()
    leases = RunLeases(Leases(api, identity(), clock.monotonic))
    world = World(
        cluster=api,
        workloads=Workloads(api),
        permission=lambda *_: None,
        clock=clock,
        background=Threads(clock),
        resolve=str,
        faults=ACTS,
        probes=PROBES,
        loads=LOADS,
    )
    done, (guarded, left) = 0, _guarded(api)
    held = [run for run in guarded if not leases.watch(run)]
    if held:  # whether their executors are dead, only time tells
        clock.wait(threading.Event(), LASTS.total_seconds())
    for run in guarded:
        try:
            if not leases.hold(run, clock.now()):
                continue
            try:
                status = _take_back(api, run, world, leases)
            finally:
                leases.release(run)
        except GateError as error:
            left.append(f"{run.namespace}/{run.name}: {error}")
            continue
        if status is None:
            continue
        still = [undo for undo in status.evidence.undo if undo.reverted is None]
        left += [f"{run.namespace}/{run.name}: {undo.fault} of {undo.target.name}: {undo.error}" for undo in still]
        done += not still
    return done, left


def _take_back(api: Api, seen: Run, world: World, leases: RunLeases) -> RunStatus | None:
    """None if there is nothing to take back any more: its executor lived, and has done it since the run was seen."""
    run = Runs(api).get(seen.namespace, seen.name)
    if run is None or run.uid != seen.uid or not run.guarded:
        return None
    fenced = api.fenced(partial(_insist_on, leases, run, world.clock))
    return revert_all(run.status, replace(world, cluster=fenced), RunJournal(Runs(fenced), run))


def _guarded(api: Api) -> tuple[list[Run], list[str]]:
    """The runs that have something left to take back, and a sentence for each of them that cannot be read."""
    runs, unreadable = [], []
    for item in api.list("chaosruns")[0]:
        if FINALIZER in (item["metadata"].get("finalizers") or ()):
            try:
                runs.append(run_from(item))
            except Permanent as error:
                unreadable.append(str(error))
    return runs, unreadable


def _insist_on(leases: RunLeases, run: Run, clock: Clock) -> None:
    """Beat before each write of a reaper; raises `Fenced` if an executor took the run meanwhile."""
    if not leases.hold(run, clock.now()):
        raise Fenced(f"the run {run.name} belongs to an executor now")
