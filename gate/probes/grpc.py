"""grpc: asks the health service of gRPC whether a service is serving."""

import struct
from collections.abc import Mapping
from contextlib import closing
from datetime import timedelta
from enum import IntEnum
from typing import Any

from pydantic import Field, ValidationError

from gate.documents.blocks import Block, Expectation
from gate.documents.units import Duration, Lasting, in_words
from gate.documents.web import AGENT, RUN, Tls
from gate.errors import Permanent
from gate.probes.failures import FAILURES, unanswered
from gate.probes.http2 import NoCall, call, varint
from gate.probes.line import Deadline, Security, connect
from gate.running.lookups import Lookups
from gate.running.ports import Answer, Asker, NoSample, Surroundings

# https://github.com/grpc/grpc/blob/master/doc/health-checking.md
CHECK = "/grpc.health.v1.Health/Check"


class Settings(Block):
    """Whom to ask."""

    host: str = Field(min_length=1, description="The host.", examples=["checkout.shop"])
    port: int = Field(ge=1, le=65535, description="The port.", examples=[8080])
    service: str = Field(
        default="", description="The service that is meant; the whole server if left out.", examples=["shop.Checkout"]
    )
    timeout: Lasting = Field(default=timedelta(seconds=2), description="How long all of it may take.")
    tls: Tls | None = Field(default=None, description="TLS is spoken, and the service proves who it is.")


class Expect(Expectation):
    """It must be serving."""

    latency: Duration | None = Field(default=None, description="How long all of it may take.")


class Health(IntEnum):
    """What a server says of a service."""

    UNKNOWN = 0
    SERVING = 1
    NOT_SERVING = 2
    SERVICE_UNKNOWN = 3


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        wanted, expected = Settings.model_validate(settings), Expect.model_validate(expect)
    except ValidationError as error:
        raise Permanent(f"the grpc probe cannot be asked: {error}") from error
    lookups, tls = Lookups(wanted.host, surroundings.resolve), wanted.tls
    security = Security(tls.context("h2"), tls.server_name or wanted.host) if tls else None
    headers = {
        ":method": "POST",
        ":scheme": "https" if tls else "http",
        ":path": CHECK,
        ":authority": f"{wanted.host}:{wanted.port}",
        "te": "trailers",
        "content-type": "application/grpc",
        "user-agent": AGENT,
        **({RUN.lower(): surroundings.run} if surroundings.run else {}),
    }
    question = _question(wanted.service)

    def ask() -> Answer | NoSample:
        deadline = Deadline(surroundings.clock, wanted.timeout)
        try:
            addresses = lookups.addresses(wanted.port, deadline.left("no address"))
            with closing(connect(addresses, deadline, security)) as line:
                health = health_in(call(line, headers, question))
        except NoCall as error:
            return Answer(ok=False, detail=str(error))
        except FAILURES as error:
            return unanswered(error)
        if health is not Health.SERVING:
            return Answer(ok=False, detail=f"it is {health.name}")
        if expected.latency is not None and deadline.passed > expected.latency:
            return Answer(ok=False, detail=f"took {in_words(deadline.passed)}, more than {in_words(expected.latency)}")
        return Answer(ok=True)

    return ask


def _question(service: str) -> bytes:
    name = service.encode()
    message = b"\x0a" + varint(len(name)) + name if name else b""
    return struct.pack(">?I", False, len(message)) + message


def health_in(body: bytes) -> Health:
    """What the answer says. Raises `NoCall` for one that says nothing."""
    if not body:
        raise NoCall("no health was told: the server has no health service, or does not know the service")
    message = body[5:]
    if len(body) < 5 or body[0] or len(message) != int.from_bytes(body[1:5]):
        raise NoCall("the answer is not that of a health service")
    if not message:
        return Health.UNKNOWN
    if len(message) != 2 or message[0] != 0x08 or message[1] not in set(Health):
        raise NoCall("the answer is not that of a health service")
    return Health(message[1])
