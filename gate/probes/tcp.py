"""tcp: makes a connection, and may say something and look at what comes back. Not a shell, not HTTP."""

from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from typing import Any

from pydantic import Field, ValidationError

from gate.documents.blocks import Block, Expectation
from gate.documents.units import Duration, Lasting, in_words
from gate.documents.web import Tls
from gate.errors import Permanent
from gate.probes.conditions import said
from gate.probes.failures import FAILURES, unanswered
from gate.probes.line import Deadline, Line, Security, connect
from gate.probes.patterns import Pattern, is_found
from gate.running.lookups import Lookups
from gate.running.ports import Answer, Asker, NoSample, Surroundings

LONGEST_REPLY = 8192
"""Bytes that are read until the reply must have matched."""


class Settings(Block):
    """Where to, and what is said there."""

    host: str = Field(min_length=1, description="The host.", examples=["checkout.shop"])
    port: int = Field(ge=1, le=65535, description="The port.", examples=[8080])
    send: str = Field(default="", description="What is said once the connection is there.", examples=["PING\r\n"])
    timeout: Lasting = Field(default=timedelta(seconds=2), description="How long all of it may take.")
    tls: Tls | None = Field(default=None, description="TLS is spoken, and the service proves who it is.")


class Expect(Expectation):
    """What counts as a good answer beyond a connection."""

    latency: Duration | None = Field(default=None, description="How long all of it may take.")
    reply: Pattern | None = Field(
        default=None, description="A regular expression that is found in what comes back.", examples=["^220 "]
    )


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        wanted, expected = Settings.model_validate(settings), Expect.model_validate(expect)
    except ValidationError as error:
        raise Permanent(f"the tcp probe cannot be asked: {error}") from error
    lookups, tls = Lookups(wanted.host, surroundings.resolve), wanted.tls
    security = Security(tls.context(), tls.server_name or wanted.host) if tls else None

    def ask() -> Answer | NoSample:
        deadline = Deadline(surroundings.clock, wanted.timeout)
        try:
            addresses = lookups.addresses(wanted.port, deadline.left("no address"))
            with closing(connect(addresses, deadline, security)) as line:
                line.sendall(wanted.send.encode())
                complaint = _reply(line, expected.reply) if expected.reply else ""
        except FAILURES as error:
            return unanswered(error)
        if not complaint and expected.latency is not None and deadline.passed > expected.latency:
            complaint = f"took {in_words(deadline.passed)}, more than {in_words(expected.latency)}"
        return Answer(ok=not complaint, detail=complaint)

    return ask


def _reply(line: Line, pattern: str) -> str:
    """Read until it matches; what is wrong if it does not. Raises `OSError`."""
    heard, buffer = b"", memoryview(bytearray(4096))
    while not is_found(pattern, heard.decode(errors="replace")):
        if len(heard) >= LONGEST_REPLY:
            return f"{len(heard)} bytes came, and {pattern} is not in them"
        size = line.receive_into(buffer)
        if not size:
            return f"the reply {said(heard.decode(errors='replace'))!r} does not match {pattern}"
        heard += bytes(buffer[:size])
    return ""
