"""What lies between one gate process and the API server: each request meets a fate, each write is a point to die at."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from enum import Enum
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import urllib3

from tests.tracking.simulation.server import Server


class Killed(BaseException):
    """`kill -9`: nothing of the process runs any more."""


class Fate(Enum):
    """What becomes of one request."""

    WELL = "it is served and answered"
    LOST = "the server never hears of it"
    REFUSED = "the server answers 503 and does nothing"
    CONFLICT = "the server answers 409 and does nothing"
    HTML = "a proxy answers with a page"
    UNANSWERED = "it is served, but the answer is lost"
    FAILED_AFTER = "it is served, and answered with 500"
    LATE = "the client gives up, and it is served later"
    KILLED_BEFORE = "the process dies right before it"
    KILLED_AFTER = "the process dies right after it"
    KILLED_LATE = "the process dies, and it is served later"

    @property
    def kills(self) -> bool:
        return self in {Fate.KILLED_BEFORE, Fate.KILLED_AFTER, Fate.KILLED_LATE}


class EventFate(Enum):
    """What becomes of the events of one watch."""

    WELL = "they come"
    DELAYED = "some come later"
    DOUBLED = "one comes twice"
    SWAPPED = "two change places"
    DROPPED = "one is lost"
    CUT = "the connection breaks among them"
    EXPIRED = "an ERROR event with 410 comes among them"
    GONE = "the server answers 410"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: Mapping[str, str]
    media: str
    body: bytes

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    @property
    def point(self) -> str:
        """What it is for: the name of the point before and after it."""
        parts = self.path.split("/")
        plural = next((each for each in ("chaosgates", "chaosruns", "configmaps") if each in parts), parts[-1])
        if self.method == "PATCH" and plural == "chaosruns":
            return "save the verdict" if parts[-1] == "status" else "abort the run"
        verb = {"GET": "read", "POST": "create", "PATCH": "save", "DELETE": "delete"}[self.method]
        return f"{verb} {plural}"


class Ways(Protocol):
    """What the world does with requests."""

    def fate(self, asked: Asked) -> Fate: ...

    def event_fate(self) -> tuple[EventFate, float]:
        """And where among the events, from 0 to 1."""
        ...

    def meanwhile(self, asked: Asked) -> None:
        """The world goes on while the request is under way."""
        ...

    def later(self, asked: Asked) -> None:
        """The server hears of it some other time."""
        ...


class Answered:
    """An answer as urllib3 would give it."""

    def __init__(self, status: int, data: bytes, *, breaks: bool = False, date: str = "") -> None:
        self.status, self.data, self._breaks = status, data, breaks
        self.headers = {"Date": date} if date else {}
        self._rest = data

    def read(self) -> bytes:
        return self.data

    def read1(self, amount: int) -> bytes:
        rest, self._rest = self._rest, b""
        if not rest and self._breaks:
            raise urllib3.exceptions.ProtocolError("the connection was cut")
        return rest

    def close(self) -> None:
        """Nothing is open."""


class Wire:
    """The carrier of one process."""

    def __init__(self, server: Server, ways: Ways) -> None:
        self._server, self._ways = server, ways

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        retries: bool,
        preload_content: bool = True,
    ) -> Any:
        parts = urlsplit(url)
        asked = Asked(
            method=method,
            path=parts.path,
            query=dict(parse_qsl(parts.query)),
            media=headers.get("Content-Type", ""),
            body=body or b"",
        )
        if "watch" in asked.query:
            return self._watch(asked)
        self._ways.meanwhile(asked)
        return self._meet(asked, self._ways.fate(asked))

    def _meet(self, asked: Asked, fate: Fate) -> Answered:
        served = None
        if fate in {Fate.LATE, Fate.KILLED_LATE}:
            self._ways.later(asked)
        if fate in {Fate.WELL, Fate.UNANSWERED, Fate.FAILED_AFTER, Fate.KILLED_AFTER}:
            served = serve(self._server, asked)
        if fate.kills:
            raise Killed(f"{fate.value}: {asked.point}")
        if fate in {Fate.LOST, Fate.UNANSWERED, Fate.LATE}:
            raise urllib3.exceptions.ProtocolError(fate.value)
        statuses = {Fate.REFUSED: 503, Fate.CONFLICT: 409, Fate.FAILED_AFTER: 500}
        date = format_datetime(self._server.now(), usegmt=True)
        if fate in statuses:
            return Answered(statuses[fate], json.dumps({"message": fate.value}).encode(), date=date)
        if fate is Fate.HTML or served is None:
            return Answered(200, b"<html>please log in</html>")
        return Answered(*served, date=date)

    def _watch(self, asked: Asked) -> Answered:
        lines = self._server.events(asked.path, int(asked.query["resourceVersion"]))
        fate, where = self._ways.event_fate()
        at = int(where * len(lines))
        match fate:
            case EventFate.DELAYED:
                lines = lines[:at]
            case EventFate.DOUBLED:
                lines = [*lines[: at + 1], *lines[at:]]
            case EventFate.SWAPPED:
                lines = [*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]]
            case EventFate.DROPPED:
                lines = [*lines[:at], *lines[at + 1 :]]
            case EventFate.CUT:
                return Answered(200, b"".join(lines[:at]), breaks=True)
            case EventFate.EXPIRED:
                return Answered(200, b"".join([*lines[:at], _EXPIRED]))
            case EventFate.GONE:
                return Answered(410, b'{"message": "too old"}')
        return Answered(200, b"".join(lines))


_EXPIRED = b'{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n'


def serve(server: Server, asked: Asked) -> tuple[int, bytes]:
    """What the server makes of it, now or later."""
    return server.answer(asked.method, asked.path, asked.query, asked.media, asked.body)
