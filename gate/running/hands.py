"""Threads that wait for the next piece of work: to start one for each would cost more than most of the work does."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

log = logging.getLogger(__name__)

KEPT = 10.0
"""Seconds after which a thread that nobody needs ends."""


class Hands:
    """Does work on threads of its own; `do` returns at once. Thread-safe.

    There are never more threads than were needed at the same moment. Work beyond `most` waits for a hand. The threads
    hold no process back.
    """

    def __init__(self, name: str, most: int, *, kept: float = KEPT) -> None:
        self._name, self._most, self._kept = name, most, kept
        self._waiting: SimpleQueue[Callable[[], object] | None] = SimpleQueue()
        self._changed = threading.Condition()
        self._threads = 0
        self._under_way = 0
        """What was given and has not ended, begun or not."""

    def do(self, work: Callable[[], object]) -> None:
        """Do the work as soon as a hand is free."""
        with self._changed:
            self._under_way += 1
            one_more = self._threads < min(self._under_way, self._most)
            self._threads += one_more
        self._waiting.put(work)
        if one_more:
            self._start()

    def close(self) -> None:
        """Wait for all that was given, and end the threads."""
        with self._changed:
            self._changed.wait_for(lambda: not self._under_way)
            for _ in range(self._threads):
                self._waiting.put(None)
            self._changed.wait_for(lambda: not self._threads)

    def _start(self) -> None:
        try:
            threading.Thread(target=self._serve, name=self._name, daemon=True).start()
        except RuntimeError:  # the machine has no thread for it now; those that there are do the work, only later
            log.exception("hands.start name=%s", self._name)
            self._ended()

    def _serve(self) -> None:
        while True:
            try:
                work = self._waiting.get(timeout=self._kept)
            except Empty:
                if self._is_spare():
                    return
                continue
            if work is None:
                self._ended()
                return
            try:
                work()
            except Exception:  # a mistake in one piece of work must not cost the others their hand
                log.exception("work beside the runs ended in an error")
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def _is_spare(self) -> bool:
        """Whether this thread may end: there are more than there is work. If so, it is counted no more."""
        with self._changed:
            spare = self._threads > self._under_way
            self._threads -= spare
            self._changed.notify_all()
        return spare

    def _ended(self) -> None:
        with self._changed:
            self._threads -= 1
            self._changed.notify_all()
