"""http: asks over HTTP, on a new connection each time, as a new customer would."""

import contextlib
import re
from collections.abc import Mapping
from datetime import timedelta
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from gate.documents.blocks import Block, Url
from gate.documents.units import Duration, in_words
from gate.errors import GateError, Permanent
from gate.running.ports import Answer, Asker, Clock, NoSample, Surroundings

LARGEST_BODY = 1_000_000
"""Bytes that are read of an answer; the rest does not matter to any expectation."""


class Settings(Block):
    """What is asked."""

    url: Url
    method: str = Field(default="GET", pattern=r"^[A-Z]+$", description="The method of the request.")
    headers: dict[str, str] = Field(default={}, description="Headers of the request.")
    body: str = Field(default="", description="The body of the request.")
    timeout: Duration = Field(default=timedelta(seconds=2), description="How long an answer may take at all.")


class Expect(Block):
    """What counts as a good answer."""

    status: int | list[int] = Field(default=200, description="The status, or several that are all good.")
    latency: Duration | None = Field(default=None, description="How long the whole answer may take.")
    body: str | None = Field(default=None, description="A regular expression that is found in the body.")

    @field_validator("body")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as error:
            raise ValueError(f'"{pattern}" is not a regular expression: {error}') from error
        return pattern


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        return _Asker(Settings.model_validate(settings), Expect.model_validate(expect), surroundings)
    except ValidationError as error:
        raise Permanent(f"the http probe cannot be asked: {error}") from error


class _Asker:
    """One probe, asked by many threads."""

    def __init__(self, settings: Settings, expect: Expect, surroundings: Surroundings) -> None:
        self._settings, self._expect = settings, expect
        self._clock: Clock = surroundings.clock
        self._resolve = surroundings.resolve
        parts = urlsplit(settings.url)
        self._secure = parts.scheme == "https"
        self._host = str(parts.hostname)
        self._port = parts.port or (443 if self._secure else 80)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = {"Host": parts.netloc.rpartition("@")[2], "Connection": "close", **settings.headers}
        self._good = {expect.status} if isinstance(expect.status, int) else set(expect.status)

    def __call__(self) -> Answer | NoSample:
        try:
            address = self._resolve(self._host)
        except GateError as error:
            return NoSample(why=str(error))  # nobody was asked: that says nothing about the service
        began = self._clock.monotonic()
        connection = self._connection(address)
        try:
            connection.request(
                self._settings.method,
                self._path,
                body=self._settings.body.encode() or None,
                headers=self._headers,
                preload_content=False,
            )
            answer = connection.getresponse()
            body = self._read(answer, began)
        except (HTTPError, HTTPException, OSError, ValueError) as error:
            return Answer(ok=False, detail=_plainly(error))
        finally:
            with contextlib.suppress(OSError):
                connection.close()
        return self._judged(answer.status, body, timedelta(seconds=self._clock.monotonic() - began))

    def _connection(self, address: str) -> HTTPConnection:
        timeout = self._settings.timeout.total_seconds()
        if not self._secure:
            return HTTPConnection(address, self._port, timeout=timeout)
        return HTTPSConnection(
            address, self._port, timeout=timeout, server_hostname=self._host, assert_hostname=self._host
        )

    def _read(self, answer: Any, began: float) -> bytes:
        """The body, up to a size and up to the time that the whole answer may take: some answers never end."""
        body = b""
        while len(body) < LARGEST_BODY and (chunk := answer.read1(65536)):
            body += chunk
            if self._clock.monotonic() - began > self._settings.timeout.total_seconds():
                raise TimeoutError("the answer did not end in time")
        return body

    def _judged(self, status: int, body: bytes, took: timedelta) -> Answer:
        if status not in self._good:
            return Answer(ok=False, detail=f"HTTP {status}")
        if self._expect.latency is not None and took > self._expect.latency:
            return Answer(ok=False, detail=f"took {in_words(took)}, more than {in_words(self._expect.latency)}")
        if self._expect.body is not None and not re.search(self._expect.body, body.decode(errors="replace")):
            return Answer(ok=False, detail=f"the body does not match {self._expect.body}")
        return Answer(ok=True)


def _plainly(error: Exception) -> str:
    """The library's error in a few words that are the same each time."""
    text = str(error)
    for sign, words in (
        ("refused", "connection refused"),
        ("reset", "connection reset"),
        ("timed out", "timed out"),
        ("did not end", "the answer did not end in time"),
        ("closed connection without response", "connection closed without an answer"),
        ("certificate", "the certificate is not trusted"),
        ("Name or service not known", "no such host"),
    ):
        if sign in text:
            return words
    return f"{type(error).__name__}: {text[:120]}"
