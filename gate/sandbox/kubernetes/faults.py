"""The port through which tests make the API server misbehave; without one it behaves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gate.sandbox.kubernetes.routes import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to one request instead of, or before, its answer."""

    delay: float = 0.0
    """Seconds before anything else."""
    status: int | None = None
    """Answer with this error, such as 409, 410, 429, 500 or 503; None: the true answer."""
    retry_after: int | None = None
    """Seconds, said with the error."""
    cut: bool = False
    """Close the connection without an answer."""


Faults: TypeAlias = Callable[[Request], Fault | None]
"""Asked once for each request; None: nothing happens to it. Called by many threads."""
