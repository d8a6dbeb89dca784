"""What an author says of a fault of the network: which way to the traffic, and one behaviour of the proxy."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator
from pydantic.alias_generators import to_camel

from gate.documents.blocks import shown_as
from gate.documents.units import Duration, Lasting, Percent, in_words
from gate.faults.choosing import Choice
from gate.faults.objects import Json

SIDECAR = "fault-proxy"
"""The container that is asked where nobody names another one."""

Bytes = Annotated[int, Field(ge=0, le=2**40)]
Stream = Annotated[
    Literal["up", "down", "both"],
    Field(description="Which way: up from the workload, down to it, or both.", examples=["down"]),
]


class Through(Choice):
    """Which pods, and which of the proxies in them; or the Service that is led through a proxy."""

    model_config = shown_as({"proxy": "inventory"})

    touches: ClassVar[str] = "connections that go through a fault proxy: its sidecar, or one before the Service"
    comes_back: ClassVar[str] = (
        "the proxy forgets the fault, by itself 30 s after the hold; a Service leads to its pods again"
    )

    proxy: str = Field(
        default="", description="The proxy in the sidecar, as its configuration calls it.", examples=["inventory"]
    )
    service: str = Field(
        default="",
        description="Instead, a Service that is led through a proxy of its own meanwhile; for all that call it.",
        examples=["inventory"],
    )
    image: str = Field(
        default="", description="With service: the image of chaos-gate.", examples=["registry.example/chaos-gate:0.1"]
    )
    protocol: Literal["tcp", "http"] = Field(
        default="tcp",
        description="With service: what its callers speak; requests are connections with tcp.",
        examples=["http"],
    )
    requests: Percent = Field(
        default=1.0, gt=0, description="Whom it hits: connections, or with `protocol: http` requests.", examples=["30%"]
    )
    container: str = Field(default=SIDECAR, description="The container with the proxy.", examples=[SIDECAR])

    @model_validator(mode="after")
    def _one_way(self) -> "Through":
        if bool(self.proxy) == bool(self.service):
            raise ValueError("say either proxy, of a sidecar, or service, which is led through one")
        if bool(self.service) != bool(self.image):
            raise ValueError("image is that of the proxy before a service: say both or none of them")
        of_pods = sorted({"count", "percent", "node", "zone", "container"} & self.model_fields_set)
        if self.service and of_pods:
            raise ValueError(f"{of_pods[0]} is about pods; a service is led through one proxy as a whole")
        if self.proxy and "protocol" in self.model_fields_set:
            raise ValueError("protocol is for a service; that of a proxy in a sidecar is in its configuration")
        return self

    def behaviour(self) -> Json:
        """The parameters of the behaviour, as the proxy reads them."""
        said = self.model_dump(by_alias=True, exclude=set(Through.model_fields), exclude_none=True)
        return {name: in_words(value) if isinstance(value, timedelta) else value for name, value in said.items()}


class Delay(Through):
    """Everything comes later."""

    time: Lasting = Field(default=timedelta(seconds=1), description="By how much.", examples=["400ms"])
    jitter: Duration = Field(default=timedelta(0), description="Give or take.", examples=["50ms"])
    per: Literal["once", "chunk"] = Field(
        default="once", description="For the connection or request, or for each piece.", examples=["once"]
    )
    stream: Stream = "up"


class Error(Through):
    """A wrong answer, and the dependency is never asked."""

    status: int = Field(default=503, ge=400, le=599, description="http: the status.", examples=[500])
    body: str = Field(default="", description="http: the body.", examples=["try later"])
    retry_after: Duration | None = Field(default=None, description="http: the header Retry-After.", examples=["5s"])
    bytes: Annotated[int, Field(ge=1, le=2**40)] = Field(
        default=64, description="tcp: so much garbage, then the end.", examples=[64]
    )

    @model_validator(mode="after")
    def _in_its_protocol(self) -> "Error":
        of_http = sorted({"status", "body", "retry_after"} & self.model_fields_set)
        if self.service and self.protocol == "tcp" and of_http:
            raise ValueError(f"{to_camel(of_http[0])} is for callers that speak HTTP: add protocol: http")
        return self


class Reset(Through):
    """The connection is reset."""

    after: Duration = Field(default=timedelta(0), description="After that time.", examples=["100ms"])


class Blackout(Through):
    """The connection is taken, and closed without a byte."""

    after: Duration = Field(default=timedelta(0), description="After that time.", examples=["100ms"])


class Hang(Through):
    """The connection is taken, and never answered."""

    end: Lasting | None = Field(default=None, description="Then it is closed; left out: never.", examples=["10s"])


class Refuse(Through):
    """Nobody listens; for all connections."""

    @model_validator(mode="after")
    def _for_all(self) -> "Refuse":
        if self.service:
            raise ValueError("nobody would be there to count whom it hits: take network-reset for a service")
        if self.requests < 1:
            raise ValueError("nobody listens for all connections or for none: leave requests out")
        return self


class Slow(Through):
    """The stream is narrow."""

    rate: Bytes = Field(default=1024, description="Bytes a second; with 0 nothing passes.", examples=[1024])
    stream: Stream = "down"


class SlowClose(Through):
    """All bytes pass, and the end of the stream comes late."""

    time: Lasting = Field(default=timedelta(seconds=1), description="By how much.", examples=["400ms"])
    stream: Stream = "down"


class Drip(Through):
    """The stream comes in small pieces."""

    size: Annotated[int, Field(ge=1, le=2**40)] = Field(default=1, description="Bytes of a piece.", examples=[8])
    vary: Bytes = Field(default=0, description="Give or take.", examples=[2])
    every: Lasting = Field(
        default=timedelta(milliseconds=10), description="From one piece to the next.", examples=["10ms"]
    )
    stream: Stream = "down"


class Truncate(Through):
    """The stream ends too early."""

    after: Bytes = Field(default=0, description="After so many bytes; http: of the answer's body.", examples=[100])
    stream: Stream = "down"


class Corrupt(Through):
    """Bits are flipped."""

    every: Annotated[int, Field(ge=1, le=2**40)] = Field(
        default=1024, description="One bit in so many bytes; http: of the body.", examples=[1024]
    )
    stream: Stream = "down"


KINDS: Mapping[str, type[Through]] = {
    "delay": Delay,
    "error": Error,
    "reset": Reset,
    "blackout": Blackout,
    "hang": Hang,
    "refuse": Refuse,
    "slow": Slow,
    "slow-close": SlowClose,
    "drip": Drip,
    "truncate": Truncate,
    "corrupt": Corrupt,
}
