"""The errors of the gate: what went wrong, said so that a person can mend it."""

from dataclasses import dataclass


class GateError(Exception):
    """Whatever the gate raises on purpose; its text names the thing, the place and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where in a document something stands; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


class BadDocument(GateError):
    """A document that cannot be taken: where, which field, and why (with the nearest right word where there is one)."""

    def __init__(self, why: str, *, place: Place, path: str = "") -> None:
        super().__init__(f"{place}: {path}: {why}" if path else f"{place}: {why}")
        self.why = why
        self.place = place
        self.path = path


class Denied(GateError):
    """The policy, or the server's access rules, say no. Trying again does not help."""


class Unproven(Denied):
    """Nobody knows who asks: what was shown proves nothing, perhaps no longer. Something else that is shown may."""


class Temporary(GateError):
    """It did not work now (server away, conflict, rate limit); the same comparison later may succeed."""

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the server asked us to wait, if it said so."""


class Conflict(Temporary):
    """Somebody else wrote the object first: read again, decide again."""


class Protected(Temporary):
    """A disruption budget keeps the pod for now; when others are healthy again, it may let it go."""


class Terminating(Temporary):
    """The namespace is being deleted: nothing can be made in it until it is gone, and perhaps there again."""


class Permanent(GateError):
    """It will not work however often it is tried; a person has to change something."""


class Futile(Permanent):
    """What was to be done would have no effect there."""


class NoProgram(Permanent):
    """There is no such program in the container."""


class Absent(Permanent):
    """There is no such object, or no such resource on this server."""
