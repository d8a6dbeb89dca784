"""How long somebody may take to say what he asks: for so long he holds a thread.

Each single wait on a connection ends soon by itself. Who sends a byte now and then never meets that end, and with a few
dozen connections would keep everybody else from being heard.
"""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 20.0
"""Seconds for a request, and as many more as what has come of it takes at `SLOWEST`."""
SLOWEST = 16 * 1024
"""Bytes in a second."""


class Clocked:
    """A socket that is read from for as long as something comes fast enough. Everything else is as it is."""

    def __init__(
        self, socket: Any, patience: float = PATIENCE, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._socket, self._patience, self._monotonic = socket, patience, monotonic
        self.begin()

    def begin(self) -> None:
        """Somebody begins to ask, perhaps once more."""
        self._until, self._come = self._monotonic() + self._patience, 0

    def recv_into(self, buffer: Any) -> int:
        """Raises `TimeoutError` when it has taken too long, in the words of a single wait."""
        if self._monotonic() > self._until + self._come / SLOWEST:
            raise TimeoutError("timed out")
        count = int(self._socket.recv_into(buffer))
        self._come += count
        return count

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)
