"""A bell that rings when something changed, for all who wait for it."""

import threading
import time


class Changes:
    """Counts changes. Any number of threads may wait for the next one."""

    def __init__(self) -> None:
        self._rung = threading.Condition()
        self._count = 0
        self._closed = False

    def ring(self) -> None:
        """Something changed: wake all who wait."""
        with self._rung:
            self._count += 1
            self._rung.notify_all()

    def close(self) -> None:
        """Nothing will change any more: wake all who wait, and let nobody wait again."""
        with self._rung:
            self._closed = True
            self._rung.notify_all()

    def changed(self, since: int, timeout: float) -> int:
        """The count, as soon as it is above `since`; after `timeout` seconds, or when closed, as it is."""
        deadline = time.monotonic() + timeout
        with self._rung:
            while self._count <= since and not self._closed:
                remaining = deadline - time.monotonic()
                if remaining <= 0 or not self._rung.wait(remaining):
                    break
            return self._count
