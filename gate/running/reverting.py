"""Takes back what was done, from the records alone."""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from gate.errors import Conflict
from gate.model import COPY, Judgement, Reason, RunPhase, RunStatus, Undo
from gate.running import companions
from gate.running.companions import COMPANION
from gate.running.execution import FIRST_PAUSE, LONGEST_PAUSE, PATIENCE, TICK, errored
from gate.running.logbook import Logbook
from gate.running.ports import Journal, World
from gate.running.time import Timekeeper

log = logging.getLogger(__name__)

LOOKS = 4
"""How often an object that others write at the same time is read anew, before a pause."""


def revert_all(status: RunStatus, world: World, journal: Journal) -> RunStatus:
    """Try once to take back everything that the status says is still to be taken back, and write down what came of it.

    For whoever finds such a record: the gate when it starts, or a reaper. Raises what the journal raises.
    """
    book = Logbook(status, journal, Timekeeper(world.clock))
    if book.guarded:
        _round(book, world, everything)
    book.save()
    return book.status


def give_up(status: RunStatus, world: World, journal: Journal, judgement: Judgement) -> RunStatus:
    """End a run that nobody will execute any more: take back what one try takes back, and write down why it ended.

    What is left stays guarded, for whoever finds the record. Raises what the journal raises.
    """
    book = Logbook(status, journal, Timekeeper(world.clock))
    if book.guarded:
        _round(book, world, everything)
    book.evidence(stopped=judgement)
    ended = Timekeeper(world.clock).now()
    book.note(f"stopped: {judgement.message}", phase=RunPhase.EXECUTED, activity="", finished=ended)
    book.save()
    return book.status


def everything(_undo: Undo) -> bool:
    """Nothing is left."""
    return True


def faults(undo: Undo) -> bool:
    """What steps have done. A copy or a companion stands beside the workload for as long as it is asked."""
    return undo.fault not in {COPY, COMPANION}


def beside(undo: Undo) -> bool:
    """The other way about."""
    return not faults(undo)


def all_but_copies(undo: Undo) -> bool:
    """What is of no use to an executor that takes over: a copy can still recover."""
    return undo.fault != COPY


def take_back(book: Logbook, world: World, time: Timekeeper, which: Callable[[Undo], bool] = everything) -> None:
    """Take back what is to be taken back, trying again for a while whatever goes wrong.

    Neither the end of the run nor its deadline ends this. Raises `Stopped` with RevertFailed when patience is over, and
    `Fenced`, from the journal, when the run is somebody else's.
    """
    began, pause = time.monotonic(), FIRST_PAUSE
    while _left(book, which):
        _round(book, world, which)
        left = _left(book, which)
        if not left:
            return
        if time.monotonic() >= began + max(PATIENCE, *(undo.patience.total_seconds() for undo in left)):
            raise errored(Reason.REVERT_FAILED, "; ".join(_failure(undo) for undo in left))
        book.show()
        again = time.monotonic() + pause
        while time.monotonic() < again:
            time.wait(TICK)
        pause = min(LONGEST_PAUSE, 2 * pause)


def _left(book: Logbook, which: Callable[[Undo], bool]) -> list[Undo]:
    return [undo for undo in book.status.evidence.undo if undo.reverted is None and which(undo)]


def _round(book: Logbook, world: World, which: Callable[[Undo], bool]) -> None:
    """Try each undo once, the last act first."""
    for undo in reversed(_left(book, which)):
        try:
            said = revert_one(undo, world)
        except Exception as error:  # noqa: BLE001 - a mistake in one fault may not keep the others in force
            log.warning("run.revert undo=%s why=%r", undo.id, str(error))
            book.undo(replace(undo, error=f"{error}" or type(error).__name__))
        else:
            book.note(f"took back {undo.fault} of {target_in_words(undo)}: {said}")
            book.undo(replace(undo, reverted=book.status.timeline[-1].at, error=""))


def revert_one(undo: Undo, world: World) -> str:
    """What was done, in words. Raises what the fault raises.

    Who meets another writer looks again at once: controllers write all the time to what a fault has changed.
    """
    revert = companions.revert if companions.is_companion(undo) else world.faults[undo.fault].revert
    for _ in range(LOOKS):
        with suppress(Conflict):
            return revert(undo, world.cluster)
    return revert(undo, world.cluster)


def target_in_words(undo: Undo) -> str:
    target = undo.target
    return f"{target.kind} {target.namespace}/{target.name}" if target.namespace else f"{target.kind} {target.name}"


def _failure(undo: Undo) -> str:
    return f"{undo.fault} of {target_in_words(undo)} could not be taken back and still is in force: {undo.error}"
