"""A watch as a client sees it when its events are late, swapped, repeated, lost or forgotten."""

import json
from collections.abc import Callable, Generator
from contextlib import closing

from gate.sandbox.kubernetes.api import watching
from gate.sandbox.kubernetes.faults.port import EventFaultKind, EventFaults
from gate.sandbox.kubernetes.language.errors import ApiError
from gate.sandbox.kubernetes.language.objects import Object, lookup

_CHANGES = frozenset({"ADDED", "MODIFIED", "DELETED"})


class WatchCut(ConnectionAbortedError):
    """The connection has to be closed in the middle of the stream."""


def disturbed(lines: Generator[bytes], faults: EventFaults, sleep: Callable[[float], object]) -> Generator[bytes]:
    """The lines of a watch as the faults leave them. Raises `WatchCut` where the connection is to be cut.

    Bookmarks pass, but never overtake an event that is held back: a client that goes on from one has seen all before.
    For the same reason two events that are swapped go out in one piece, and no cut comes between them.
    """
    held: tuple[bytes, str] | None = None
    with closing(lines):
        for line in lines:
            changed = _changed(line)
            fault = faults(changed) if changed is not None else None
            kind = fault.kind if fault is not None else None
            if kind is EventFaultKind.DROP:
                raise WatchCut("the sandbox was told to cut this watch")
            if kind is EventFaultKind.EXPIRE:
                yield from watching.refusal(_expired())
                return
            if fault is not None and fault.delay:
                sleep(fault.delay)
            if changed is not None and kind is EventFaultKind.REORDER and held is None:
                held = line, _identity(changed)
                continue
            sent = line * 2 if kind is EventFaultKind.DUPLICATE else line
            if held is not None:
                first, about = held
                held = None
                if changed is not None and _identity(changed) != about:
                    sent += first
                else:
                    yield first
            yield sent
    if held is not None:
        yield held[0]


def _changed(line: bytes) -> Object | None:
    """The object that the event is about; None for bookmarks, errors and signs of life."""
    if not line:
        return None
    event = json.loads(line)
    if event["type"] not in _CHANGES:
        return None
    changed: Object = event["object"]
    if changed.get("kind") == "Table":
        changed = changed["rows"][0].get("object") or {}
    return changed


def _identity(obj: Object) -> str:
    return f"{lookup(obj, 'metadata.namespace', '')}/{lookup(obj, 'metadata.name', '')}"


def _expired() -> ApiError:
    return ApiError("The resourceVersion for the provided watch is too old.", code=410, reason="Expired")
