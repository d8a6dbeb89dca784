"""What the API gives back: whole answers, streams, and refusals as answers."""

from collections.abc import Generator
from dataclasses import dataclass

from gate.sandbox.kubernetes.api import tables
from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.store.watch import Watch

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A whole response."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    warnings: tuple[str, ...] = ()
    retry_after: int | None = None
    """Seconds after which to ask again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A response that goes on. An empty chunk is a sign of life: nothing to send, but see whether somebody is there."""

    chunks: Generator[bytes]
    media_type: str = JSON
    warnings: tuple[str, ...] = ()
    source: Watch | None = None
    """What the chunks come from. Once it announces they wait no longer: an empty chunk says that there is none now."""
    ends: float | None = None
    """When it ends by itself, on the monotonic clock."""


NO_PAGE = Answer(status=404, body=b"404 page not found\n", media_type="text/plain; charset=utf-8")


def refusal(error: ApiError) -> Answer:
    seconds = (error.details or {}).get("retryAfterSeconds")
    return Answer(status=error.code, body=tables.encode(error.as_status()), retry_after=seconds)
