"""Evidence files that others have written and hand in: one is taken if it is what the run's own status names."""

import os
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from glob import escape
from pathlib import Path
from typing import Protocol

from gate.errors import Permanent, Temporary
from gate.reports.chain import END, Line, Tampered, Unreadable, read
from gate.reports.evidence import OURS, OURS_ALONE, SUFFIX, UNFINISHED, Filed
from gate.running.runner import MOST_ATTEMPTS

LARGEST = 64 * 1024 * 1024
"""Bytes of a file. An hour of ten probes that are asked ten times a second is half of that."""
UNPACKED = 32 * LARGEST
AT_ONCE = 4
"""So many are taken at a time; each holds a thread for as long as its sender likes to take."""
WAITING = 4
"""So many more may wait for their turn, as they hold a thread, too."""
PATIENCE = timedelta(seconds=5)
"""For how long each of these waits before it is asked to come again."""
CHUNK = 64 * 1024


class Source(Protocol):
    """What comes in."""

    def read(self, size: int, /) -> bytes:
        """Up to so many bytes; none at the end."""
        ...


class Shelf:
    """The folder of the gate's own evidence, for what comes from elsewhere."""

    def __init__(self, folder: Path, clear: Callable[[], None] = lambda: None, patience: timedelta = PATIENCE) -> None:
        """`clear`: takes away what is too old; called when something comes."""
        self._folder, self._clear, self._patience = folder, clear, patience
        self._room = threading.BoundedSemaphore(AT_ONCE + WAITING)
        self._turns = threading.BoundedSemaphore(AT_ONCE)

    def find(self, namespace: str, file: str) -> Path | None:
        """A file that is there and whole."""
        found = self._folder / namespace / file
        return found if file.endswith(SUFFIX) and found.is_file() else None

    def take(self, named: Filed, uid: str, body: Source) -> bool:
        """Keep what `body` has, if it is whole, is about the run with that uid, and has the hash that is named. False:
        it was there. Raises `Permanent` for another file, and for one of a run that has as many as it can have;
        `Temporary` if it cannot be kept just now.
        """
        if self.find(named.namespace, named.file):
            return False
        with self._turn():
            folder = self._folder / named.namespace
            coming = folder / f"{uuid.uuid4().hex}{UNFINISHED}"
            try:
                folder.mkdir(parents=True, exist_ok=True, mode=OURS_ALONE)
                self._clear()
                _insist_on_room(folder, named)
                write(coming, body)
                check(coming, named, uid)
                coming.rename(folder / named.file)
            except OSError as error:
                raise Temporary(f"{named.file} cannot be kept: {error.strerror or error}") from error
            finally:
                coming.unlink(missing_ok=True)
        return True

    @contextmanager
    def _turn(self) -> Iterator[None]:
        busy = Temporary(f"{AT_ONCE} files are coming in just now; hand it in again")
        if not self._room.acquire(blocking=False):
            raise busy
        try:
            if not self._turns.acquire(timeout=self._patience.total_seconds()):
                raise busy
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._room.release()


def _insist_on_room(folder: Path, named: Filed) -> None:
    """Whoever may write the status of a run may name any number of files there."""
    execution_of, _, _ = named.file.removesuffix(SUFFIX).rpartition(".")
    if sum(1 for _ in folder.glob(f"{escape(execution_of)}.*{SUFFIX}")) >= MOST_ATTEMPTS:
        raise Permanent(f"{named.file} is not taken: {MOST_ATTEMPTS} files of its run are here; more it cannot have")


def write(path: Path, body: Source) -> None:
    """All of it, for us alone; raises `Permanent` if it is too much, and `OSError`."""
    size = 0
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, OURS), "wb") as file:
        while chunk := body.read(CHUNK):
            size += len(chunk)
            if size > LARGEST:
                raise Permanent(f"the evidence is larger than {LARGEST} bytes")
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())


def check(path: Path, named: Filed, uid: str = "") -> None:
    """Raises `Permanent` unless it is what is named; with a `uid`, it has to be about the run that has it."""
    first, last = Line(kind="", content={}, before="", hash=""), None
    try:
        for line in read(path, UNPACKED):
            first, last = (first if first.kind else line), line
    except (Unreadable, Tampered) as error:
        why = str(error).replace(str(path), named.file)
        raise Permanent(f"{named.file} is not taken: {why}") from error
    about = first.content.get("run")
    if uid and (first.kind != "run" or not isinstance(about, dict) or about.get("uid") != uid):
        raise Permanent(f"{named.file} is not taken: it is about another run")
    if last is None or last.kind != END or last.hash != named.digest:
        raise Permanent(f"{named.file} is not taken: its run names the sha256 {named.digest}, and it has another one")
