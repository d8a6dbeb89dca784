"""How long somebody may take to say what he asks: for so long he holds a thread.

Each single wait on a connection ends soon by itself. Who sends a byte now and then never meets that end, and with a few
dozen connections would keep everybody else from being heard. So whoever speaks while half of the threads wait for
somebody's next word has to hurry.
"""

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

PATIENCE = 20.0
"""Seconds for a request, and as many more as what has come of it takes at `SLOWEST`."""
HURRY = 1.0
"""Seconds instead of these while too many threads wait for words."""
SLOWEST = 16 * 1024
"""Bytes in a second."""


class Crowd:
    """The threads that wait for somebody's next word; entered for each wait."""

    def __init__(self, most: int) -> None:
        """`most`: so many may wait without hurry."""
        self._most, self._waiting, self._lock = most, 0, threading.Lock()

    def __enter__(self) -> bool:
        """Whether there are too many, this one included."""
        with self._lock:
            self._waiting += 1
            return self._waiting > self._most

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._waiting -= 1


class Clocked:
    """A socket that is read from for as long as something comes fast enough. Everything else is as it is."""

    def __init__(
        self,
        socket: Any,
        patience: float = PATIENCE,
        *,
        crowd: Crowd,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._socket, self._patience, self._crowd, self._monotonic = socket, patience, crowd, monotonic
        self._each = socket.gettimeout()
        """Seconds for a single wait; none: as long as it takes."""
        self.begin()

    def begin(self) -> None:
        """Somebody begins to ask, perhaps once more."""
        self._begun, self._come = self._monotonic(), 0

    def recv_into(self, buffer: Any) -> int:
        """Raises `TimeoutError` when it has taken too long, in the words of a single wait."""
        with self._crowd as crowded:
            patience = min(HURRY, self._patience) if crowded else self._patience
            left = self._begun + patience + self._come / SLOWEST - self._monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(left if self._each is None else min(left, self._each))
            try:
                count = int(self._socket.recv_into(buffer))
            finally:
                self._socket.settimeout(self._each)
        self._come += count
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)
