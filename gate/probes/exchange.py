"""One request and its answer over HTTP, on a new connection, within one deadline for all of it."""

import re
import ssl
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPMessage, HTTPResponse, IncompleteRead
from typing import Annotated, Any, Self, cast
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, Field, model_validator

from gate.documents.blocks import Block, Url
from gate.probes.line import Deadline, Security, connect
from gate.running.lookups import Lookups
from gate.running.ports import Surroundings

LARGEST_BODY = 1_000_000
"""Bytes that are read of an answer; the rest does not matter to any expectation."""


@lru_cache(64)
def context(authority: str) -> ssl.SSLContext:
    """Trusts the certificates of that authority alone, or those that the system trusts. Raises `ssl.SSLError`."""
    return ssl.create_default_context(cadata=authority or None)


def _certificate(text: str) -> str:
    try:
        context(text)
    except (ssl.SSLError, ValueError) as error:
        raise ValueError("is no certificate; paste the authority's PEM, from -----BEGIN CERTIFICATE----- on") from error
    return text


class Tls(Block):
    """How the service proves who it is. There is no way to leave that out."""

    authority: Annotated[str, AfterValidator(_certificate)] = Field(
        default="", description="The certificate of the one authority to trust, as PEM; the system's if left out."
    )
    server_name: str = Field(default="", description="The name that the certificate must have; the host if left out.")


class OverHttp(Block):
    """Whom to ask."""

    url: Url
    tls: Tls | None = Field(default=None, description="How the service proves who it is.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tls is not None and not self.url.startswith("https:"):
            raise ValueError("tls is for addresses that begin with https://")
        return self


def _sendable(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~\w-]+", name, re.ASCII):
            raise ValueError(f'"{name}" cannot be the name of a header')
        if not re.fullmatch(r"[\t\x20-\x7e]*", value):
            raise ValueError(f'the header "{name}" has a letter that cannot be sent; headers are ASCII, on one line')
    return headers


Headers = Annotated[dict[str, str], AfterValidator(_sendable)]


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

    def __init__(self, host: str, surroundings: Surroundings, tls: Tls | None = None) -> None:
        tls = tls or Tls()
        self._lookups = Lookups(host, surroundings.resolve)
        self._security = Security(context(tls.authority), tls.server_name or host)

    def ask(self, request: Request, deadline: Deadline) -> Response:
        """Raises one of `FAILURES`."""
        parts = urlsplit(request.url)
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        addresses = self._lookups.addresses(port, deadline.left("no address"))
        with closing(connect(addresses, deadline, self._security if secure else None)) as line:
            connection = HTTPConnection(str(parts.hostname))
            connection.sock = wire = cast("Any", line)  # it does all that is asked of a socket there
            headers = {"Host": parts.netloc, "Connection": "close", **request.headers}
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
