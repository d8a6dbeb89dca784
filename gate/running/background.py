"""Work beside the runs on real threads."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from gate.running.ports import Clock

log = logging.getLogger(__name__)


class Threads:
    """One thread for each beat, and a pool of hands for everything that may be slow.

    A hand is needed only while a question is open. As many as are given here can be open at the same moment; one more
    waits, and its sample says so by its time.
    """

    def __init__(self, clock: Clock, hands: int = 200) -> None:
        self._clock = clock
        self._pool = ThreadPoolExecutor(max_workers=hands, thread_name_prefix="probe")

    def beat(self, tick: Callable[[], float]) -> Callable[[], None]:
        over = threading.Event()

        def go_on() -> None:
            while not over.is_set():
                self._clock.wait(over, tick())

        thread = threading.Thread(target=go_on, name="beat", daemon=True)
        thread.start()

        def end() -> None:
            over.set()
            thread.join()

        return end

    def do(self, work: Callable[[], None]) -> None:
        self._pool.submit(work).add_done_callback(_tell)

    def close(self) -> None:
        """Take no more work, and wait for what is under way."""
        self._pool.shutdown()


def _tell(done: "Future[None]") -> None:
    error = done.exception()
    if error is not None:
        log.error("work beside the runs ended in an error", exc_info=error)
