"""Plays the scripts of jobs: shell commands as processes, and Python callables on threads."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from gate.sandbox.kubernetes.runtime.processes import Exit, Processes

THREADS = 20
KILLED = 137
BROKE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """What a Python script gets: its variables, the checkout that it works in, and where its output goes."""

    variables: Mapping[str, str]
    folder: Path
    log: Path
    canceled: threading.Event = field(default_factory=threading.Event)
    """Set when the job is canceled or GitLab ends. Nobody can kill a thread: the script has to look."""

    def say(self, line: str) -> None:
        """Write a line into the job's log."""
        with self.log.open("a") as log:
            log.write(f"{line}\n")


Script = Callable[[Performance], int]
"""A job in Python; what it gives is the exit code. An exception is told in the job's log, and is a failure."""


class Player:
    """What plays now, by name. The end of each is told once, with its exit code, on a thread of its own."""

    def __init__(self, ended: Callable[[str, int], None]) -> None:
        self._ended = ended
        self._ends: SimpleQueue[tuple[str, int] | None] = SimpleQueue()
        self._processes = Processes(exited=self._exited)
        self._pool = ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="gitlab job")
        self._performing: dict[str, Performance] = {}
        self._thread = threading.Thread(target=self._follow, name="gitlab jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End everything."""
        for each in list(self._performing.values()):
            each.canceled.set()
        self._pool.shutdown(cancel_futures=True)
        self._processes.close()
        self._ends.put(None)
        self._thread.join()

    def run(self, name: str, script: Path, *, variables: Mapping[str, str], log: Path) -> None:
        """Run a shell script. Raises `StartFailed`."""
        self._processes.start(name, ("sh", "-e", str(script)), env=variables, log=log)

    def perform(self, name: str, script: Script, performance: Performance) -> None:
        """Run a Python script."""
        self._performing[name] = performance
        self._pool.submit(script, performance).add_done_callback(lambda done: self._performed(name, done))

    def end(self, name: str) -> None:
        """Kill the process with all that it has started, or ask the callable to end."""
        if (performance := self._performing.get(name)) is not None:
            performance.canceled.set()
        else:
            self._processes.kill(name)

    def _exited(self, exit_: Exit) -> None:
        self._ends.put((exit_.name, exit_.code))

    def _performed(self, name: str, done: Future[int]) -> None:
        performance = self._performing.pop(name)
        if done.cancelled():
            self._ends.put((name, KILLED))
        elif (error := done.exception()) is not None:
            performance.say(f"{type(error).__name__}: {error}")
            self._ends.put((name, BROKE))
        else:
            self._ends.put((name, done.result()))

    def _follow(self) -> None:
        while (end := self._ends.get()) is not None:
            self._ended(*end)
