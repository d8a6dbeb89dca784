"""Locks that requests wait for a short time only, as GitLab's in Redis: who does not get one is refused."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How often somebody comes again for a lock, and how many seconds lie between."""

    tries: int
    pause: float


STATUSES = Patience(tries=20, pause=0.1)
"""For the statuses of one commit."""
PIPELINE = Patience(tries=20, pause=0.5)
"""For adding a row to one pipeline."""


class NotObtained(Exception):
    """Somebody else held it for too long."""


class Locks:
    """Locks by name."""

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep
        self._guard = threading.Lock()
        self._held: set[str] = set()

    @contextmanager
    def hold(self, name: str, patience: Patience = STATUSES) -> Iterator[None]:
        """Hold the lock meanwhile. Raises `NotObtained`."""
        for _ in range(patience.tries):
            if self._take(name):
                break
            self._sleep(patience.pause)
        else:
            raise NotObtained(name)
        try:
            yield
        finally:
            with self._guard:
                self._held.discard(name)

    def _take(self, name: str) -> bool:
        with self._guard:
            if name in self._held:
                return False
            self._held.add(name)
            return True


def statuses_of(project: int, sha: str) -> str:
    """The lock for posting statuses of a commit; its name has the SHA as it was typed, as GitLab's has."""
    return f"api:commit_statuses:project:{project}:sha:{sha}"


def rows_of(pipeline: int) -> str:
    """The lock for adding a row to a pipeline."""
    return f"ci:pipelines:{pipeline}:add-job"
