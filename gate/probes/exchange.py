"""One request and its answer over HTTP, on a new connection, within one deadline for all of it."""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, IncompleteRead
from typing import Any, cast
from urllib.parse import SplitResult, urlsplit

from gate.documents.web import AGENT, RUN, OverHttp, Tls, complete
from gate.probes.line import Deadline, Security, connect
from gate.running.lookups import Lookups
from gate.running.ports import Surroundings

LARGEST_BODY = 1_000_000
"""Bytes that are read of an answer; the rest does not matter to any expectation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """What was answered. `headers` knows no upper and lower case; a body that is too long has only its beginning."""

    status: int
    headers: HTTPMessage
    body: bytes

    @property
    def whole(self) -> bool:
        return len(self.body) < LARGEST_BODY


class Client:
    """Asks one host. Thread-safe."""

    def __init__(self, whom: OverHttp, surroundings: Surroundings) -> None:
        host, tls = str(urlsplit(whom.url).hostname), whom.tls or Tls()
        self._whom, self._secret = whom, surroundings.credentials
        self._lookups = Lookups(host, surroundings.resolve)
        self._usual = {"User-Agent": AGENT, **({RUN: surroundings.run} if surroundings.run else {})}
        self._security = Security(tls.context(), tls.server_name or host)

    def ask(self, request: Request, deadline: Deadline) -> Response:
        """Raises one of `FAILURES`."""
        headers = complete(request.headers, self._usual | self._whom.authorization(self._secret))
        parts = urlsplit(request.url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        addresses = self._lookups.addresses(port, deadline.left("no address"))
        with closing(connect(addresses, deadline, self._security if secure else None)) as line:
            connection = HTTPConnection(str(parts.hostname))
            connection.sock = wire = cast("Any", line)  # it does all that is asked of a socket there
            headers = complete(headers, {"Host": parts.netloc, "Connection": "close"})
            connection.request(request.method, target(parts), body=request.body or None, headers=headers)
            response = HTTPResponse(wire, method=request.method)
            response.begin()
            body = response.read(LARGEST_BODY)
            if response.length and len(body) < LARGEST_BODY:
                raise IncompleteRead(body, response.length)
            return Response(status=response.status, headers=response.headers, body=body)


def target(parts: SplitResult) -> str:
    """What the request line asks for."""
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
