"""What GitLab does a moment after it has answered, one thing after the other, as its background jobs do."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

Work = Callable[[], None]


class Background:
    """One thread that does what others leave for it. Work that is held back is done once it is let go."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: deque[Work] = deque()
        self._holds = 0
        self._busy = self._ended = False
        self._thread = threading.Thread(target=self._follow, name="gitlab background", daemon=True)
        self._thread.start()

    def soon(self, work: Work) -> None:
        """Do this after all that was left before."""
        with self._changed:
            self._waiting.append(work)
            self._changed.notify_all()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Begin nothing meanwhile, as when the queue is long; what has begun has ended before."""
        with self._changed:
            self._holds += 1
            self._changed.wait_for(lambda: not self._busy)
        try:
            yield
        finally:
            with self._changed:
                self._holds -= 1
                self._changed.notify_all()

    def settled(self, patience: float = 30) -> bool:
        """Wait until nothing is left to do; False if that takes more than so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._busy, patience)

    def close(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        self._thread.join()

    def _follow(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._ended or (self._waiting and not self._holds))
                if self._ended:
                    return
                work, self._busy = self._waiting.popleft(), True
            work()
