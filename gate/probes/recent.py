"""Which of the events that the API keeps for an hour came since a probe was first asked, or just now."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gate.running.ports import Clock

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Sight:
    """How often an event had come when it was seen, and when that was; None: it was there before."""

    times: tuple[Any, Any]
    at: float | None


class Recent:
    """Remembers when it saw each event first, and each time it came again: by its own clock, not by the cluster's.

    Thread-safe.
    """

    def __init__(self, clock: Clock, within: timedelta | None) -> None:
        self._clock = clock
        self._span = within.total_seconds() if within is not None else float("inf")
        self._lock = threading.Lock()
        self._sights: Mapping[str, _Sight] | None = None

    def among(self, events: Sequence[Json]) -> list[Json]:
        """Those that came, or came again, within the time. What was there at the first call is too old."""
        now = self._clock.monotonic()
        with self._lock:
            before = self._sights
            self._sights = sights = {_uid(each): _sight(each, before, now) for each in events}
        moments = {uid: sight.at for uid, sight in sights.items()}
        return [each for each in events if (at := moments[_uid(each)]) is not None and now - at <= self._span]


def _sight(event: Json, before: Mapping[str, _Sight] | None, now: float) -> _Sight:
    times = (event.get("count"), (event.get("series") or {}).get("count"))
    if before is None:
        return _Sight(times, None)
    known = before.get(_uid(event))
    return known if known is not None and known.times == times else _Sight(times, now)


def _uid(event: Json) -> str:
    return str(event["metadata"]["uid"])
