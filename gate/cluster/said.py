"""What an API server says, as values and as errors of the gate: one error for each thing that can go wrong. Pure, but
that the lines of a watch are read as they come.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeGuard

import urllib3

from gate.errors import Absent, Conflict, Denied, GateError, Permanent, Protected, Temporary, Terminating

Json = dict[str, Any]


class Expired(Temporary):
    """The server no longer keeps the history that was asked for (410): list again."""


class Silent(Temporary):
    """A watch has said nothing for so long that nobody may be there any more: watch again, from where it was."""


class Unserved(Temporary):
    """A 404 that speaks of no object: the server does not know the resource, or something else has answered for it."""


class EventType(StrEnum):
    """What a watch event says happened."""

    ADDED = "ADDED"
    MODIFIED = "MODIFIED"
    DELETED = "DELETED"
    BOOKMARK = "BOOKMARK"


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchEvent:
    """One line of a watch."""

    type: EventType
    object: Json


def _is_object(item: Any) -> TypeGuard[Json]:
    """It has what every object of Kubernetes has; the rest is its schema's to see to."""
    metadata = item.get("metadata") if isinstance(item, dict) else None
    return isinstance(metadata, dict) and bool(metadata.get("resourceVersion"))


def object_of(answer: Json) -> Json:
    """Raises `Temporary` if it is none: whoever said so, it was not the API server."""
    if not _is_object(answer):
        raise Temporary(f"the answer is no object of Kubernetes: {json.dumps(answer)[:80]}")
    return answer


def page_of(page: Json, what: str) -> tuple[list[Json], str, str]:
    """The objects of a page, its resourceVersion, and the token for the next one. Raises `Temporary` if it is none."""
    items = page.get("items") or []
    if "items" not in page or not _is_object(page) or not isinstance(items, list) or not all(map(_is_object, items)):
        raise Temporary(f"{what} is none: {json.dumps(page)[:80]}")
    return items, page["metadata"]["resourceVersion"], page["metadata"].get("continue") or ""


def event_of(line: bytes, url: str) -> WatchEvent:
    """Raises what an ERROR event says, and `Temporary` or `ValueError` for what is no event."""
    event = json.loads(line)
    kind, about = (event.get("type"), event.get("object")) if isinstance(event, dict) else (None, None)
    if kind == "ERROR" and isinstance(about, dict):
        raise error_of(about.get("code", 500), json.dumps(about).encode(), url)
    if not _is_object(about):
        raise Temporary(f"{url}: {line[:80]!r} is no event")
    return WatchEvent(type=EventType(str(kind)), object=about)


def error_of(status: int, body: bytes, what: str) -> GateError:
    try:
        message = json.loads(body)["message"]
    except (ValueError, KeyError, TypeError):
        message = body[:200].decode(errors="replace")
    text = f"{what}: {status}: {message}"
    match status:
        case 404:
            return Absent(text) if b'"NotFound"' in body else Unserved(text)
        case 409:
            return Conflict(text)
        case 410:
            return Expired(text)
        case 403 if b'"NamespaceTerminating"' in body:
            return Terminating(f"{text}; nothing can be made there any more")
        case 429 if b'"DisruptionBudget"' in body:
            return Protected(f"{text} {_causes(body)}".rstrip())
        case 401 | 403:
            return Denied(f"{text}; grant it in the gate's role")
        case 408 | 429 | 500 | 502 | 503 | 504:
            return Temporary(text)
    return Permanent(text)


def _causes(body: bytes) -> str:
    """What a Status says beyond its message: of an eviction that is refused, which budget refuses it, and why."""
    causes = (json.loads(body).get("details") or {}).get("causes") or []
    return "; ".join(cause["message"] for cause in causes if cause.get("message"))


def lines_of(response: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    """The lines of a stream, each as soon as it is whole."""
    rest = b""
    while chunk := response.read1(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (line for line in lines if line.strip())
