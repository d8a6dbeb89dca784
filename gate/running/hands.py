"""Threads that wait for the next piece of work: to start one for each would cost more than most of the work does."""

import logging
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

log = logging.getLogger(__name__)

KEPT = 10.0
"""Seconds after which a thread that nobody needs ends."""
FEW = 20
"""So many threads are started without a question."""

Work = Callable[[], object]


class Hands:
    """Does work on threads of its own; `do` returns at once. Thread-safe.

    A thread is started only when all others are busy, up to `most`; work beyond that waits for a hand. The threads hold
    no process back.
    """

    def __init__(
        self, name: str, most: int, *, kept: float = KEPT, may_start: Callable[[], bool] = lambda: True
    ) -> None:
        """`may_start` is asked before more than a few threads are started."""
        self._name, self._most, self._kept, self._may_start = name, most, kept, may_start
        self._waiting: SimpleQueue[Work | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._under_way = 0
        """What was given and has not ended, begun or not."""

    def do(self, work: Work) -> None:
        """Do the work as soon as a hand is free. Raises `RuntimeError` where there is none, and none can be had."""
        with self._lock:
            if len(self._threads) < min(self._under_way + 1, self._most) and self._has_room():
                self._start_one()
            self._under_way += 1
        self._waiting.put(work)

    def close(self) -> None:
        """Wait for all that was given, and end the threads."""
        with self._lock:
            threads = list(self._threads)
        for _ in threads:
            self._waiting.put(None)
        for thread in threads:
            thread.join()

    def _has_room(self) -> bool:
        return len(self._threads) < FEW or self._may_start()

    def _start_one(self) -> None:
        thread = threading.Thread(target=self._serve, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the machine has no thread for it now; those that there are do the work, only later
            if not self._threads:
                raise
            log.exception("hands.start name=%s", self._name)
        else:
            self._threads.add(thread)

    def _serve(self) -> None:
        while True:
            try:
                work = self._waiting.get(timeout=self._kept)
            except Empty:
                if self._ends(spare=True):
                    return
                continue
            if work is None:
                self._ends(spare=False)
                return
            try:
                work()
            except Exception:  # a mistake in one piece of work must not cost the others their hand
                log.exception("work beside the runs ended in an error")
            del work
            with self._lock:
                self._under_way -= 1

    def _ends(self, *, spare: bool) -> bool:
        """Whether this thread may end; if it may only when it is `spare`, there must be more threads than work."""
        with self._lock:
            if spare and len(self._threads) <= self._under_way:
                return False
            self._threads.discard(threading.current_thread())
            return True
