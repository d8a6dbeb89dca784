"""http: requests at a fixed rate, or in stages. Open loop: a slow service is asked as often as a fast one."""

import asyncio
import ssl
import threading
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator

from gate.documents.blocks import Block, shown_as
from gate.documents.units import Lasting, Rate
from gate.documents.web import AGENT, RUN, OverHttp, Tls, complete
from gate.errors import GateError, Permanent
from gate.loads.pace import Pace, Stretch
from gate.loads.talking import UNHEARD, Connection
from gate.running.lookups import Address, Lookups
from gate.running.ports import LoadSummary, Surroundings

MOST_OPEN = 1000
"""Requests that may be under way at once; one more is due, but not sent, and the summary says so."""
TOO_LATE = 1.0
"""Seconds by which a request may be late and is still sent. A gate that slept does not make up for it in a burst."""
REMEMBERED = 1.0
"""Seconds for which an address is not looked up again."""


class Connections(StrEnum):
    """What a request is sent on."""

    NEW = "new"
    """A connection of its own, as a new customer would."""
    KEPT = "kept"
    """One that an earlier request has left, if there is one, as a browser or another service would."""


class Stage(Block):
    """A rate for some time."""

    rate: Rate = Field(description="How often.")
    lasting: Lasting | None = Field(default=None, alias="for", description="For how long; the last stage to the end.")


class Settings(OverHttp):
    """What is asked, and how often."""

    model_config = shown_as({"url": "http://checkout.shop:8080/buy", "rate": "20/s"})

    rate: Rate | None = Field(default=None, description="How often.")
    stages: list[Stage] = Field(default=[], description="Or how often for how long, one stage after the other.")
    method: str = Field(default="GET", pattern=r"^[A-Z]+$", description="The method of the requests.")
    body: str = Field(default="", description="The body of the requests.", examples=['{"item": 7}'])
    connections: Connections = Field(default=Connections.NEW, description="Whether connections are kept.")
    timeout: Lasting = Field(default=timedelta(seconds=5), description="How long a customer would wait.")

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if (self.rate is None) == (not self.stages):
            raise ValueError("say either rate or stages")
        if any(stage.lasting is None for stage in self.stages[:-1]):
            raise ValueError("each stage but the last needs `for`: how long it lasts")
        if self.stages and self.stages[-1].lasting is not None:
            raise ValueError("the last stage goes on until the run ends; leave out its `for`")
        return self

    @property
    def pace(self) -> Pace:
        stretches = [Stretch(stage.rate, stage.lasting) for stage in self.stages]
        return Pace(stretches if self.rate is None else [Stretch(self.rate)])


def start(settings: Mapping[str, Any], surroundings: Surroundings) -> "HttpLoad":
    """Raises `Permanent` for a block that does not have the form."""
    try:
        parsed = Settings.model_validate(settings)
    except ValidationError as error:
        raise Permanent(f"the http load cannot be sent: {error}") from error
    return HttpLoad(parsed, surroundings)


class HttpLoad:
    """A load under way, on a thread and an event loop of its own."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        self._settings = settings
        self._service = _Service(settings, surroundings)
        self._surroundings = surroundings
        self._due = self._sent = self._failed = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)
        self._thread.start()

    def stop(self) -> LoadSummary:
        self._ending.set()
        self._thread.join()
        return LoadSummary(due=self._due, sent=self._sent, failed=self._failed)

    async def _run(self) -> None:
        loop, pace = asyncio.get_running_loop(), self._settings.pace
        began, under_way = loop.time(), set[asyncio.Task[None]]()
        while not self._ending.is_set():
            left = began + pace.due(self._due) - loop.time()
            if left > 0:
                await asyncio.sleep(min(left, 0.1))
                continue
            self._due += 1
            if len(under_way) < MOST_OPEN and left > -TOO_LATE:
                task = loop.create_task(self._one())
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        self._service.hang_up()

    async def _one(self) -> None:
        sent = good = False
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                request = _request(self._settings, self._surroundings)
                addresses = await self._service.addresses()
                sent = True
                self._sent += 1
                good = await self._answered(request, addresses)
        except (GateError, TimeoutError):
            good = False
        self._failed += sent and not good  # what was not sent says nothing about the service; the summary tells it

    async def _answered(self, request: bytes, addresses: Sequence[Address]) -> bool:
        connection: Connection | None = None
        try:
            connection = await self._service.connection(addresses)
            answer = await connection.ask(request, bodiless=self._settings.method == "HEAD")
            if answer.reusable and self._settings.connections is Connections.KEPT:
                self._service.keep(connection)
                connection = None
        except UNHEARD:
            return False
        finally:
            if connection is not None:
                connection.hang_up()
        return 200 <= answer.status < 400


class _Service:
    """Where the requests go: its addresses, and the connections to it that wait for the next request."""

    def __init__(self, settings: Settings, surroundings: Surroundings) -> None:
        parts = urlsplit(settings.url)
        self._host = str(parts.hostname)
        self._port = parts.port or (443 if parts.scheme == "https" else 80)
        tls = settings.tls or Tls()
        self._secure: ssl.SSLContext | None = tls.context() if parts.scheme == "https" else None
        self._name = (tls.server_name or self._host) if self._secure else None
        self._lookups = Lookups(self._host, surroundings.resolve)
        self._known: Sequence[Address] = ()
        self._known_until = 0.0
        self._asking: asyncio.Task[Sequence[Address]] | None = None
        self._idle: list[Connection] = []

    async def addresses(self) -> Sequence[Address]:
        """All requests that wait for them wait for the same look-up. Raises `GateError`."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._known_until:
            return self._known
        if self._asking is None or self._asking.done():
            self._asking = loop.create_task(self._look_up())
        return await asyncio.shield(self._asking)

    async def _look_up(self) -> Sequence[Address]:
        self._known = await asyncio.wrap_future(self._lookups.begin(self._port))
        self._known_until = asyncio.get_running_loop().time() + REMEMBERED
        return self._known

    async def connection(self, addresses: Sequence[Address]) -> Connection:
        """One that is left, or a new one to the first address that takes it. Raises `OSError`."""
        while self._idle:
            left = self._idle.pop()
            if not left.reader.at_eof():
                return left
            left.hang_up()
        failure = OSError("there is no address to connect to")
        for address in addresses:
            try:
                reader, writer = await asyncio.open_connection(
                    address.at[0], self._port, ssl=self._secure, server_hostname=self._name
                )
                return Connection(reader, writer)
            except OSError as error:
                failure = error
        raise failure

    def keep(self, connection: Connection) -> None:
        """For the next request."""
        self._idle.append(connection)

    def hang_up(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
        for connection in self._idle:
            connection.hang_up()


def _request(settings: Settings, surroundings: Surroundings) -> bytes:
    """The bytes of a request. Raises `GateError` when there are no such credentials."""
    parts = urlsplit(settings.url)
    body = settings.body.encode()
    usual = {
        "Host": parts.netloc,
        "User-Agent": AGENT,
        "Connection": "keep-alive" if settings.connections is Connections.KEPT else "close",
        "Content-Length": str(len(body)),
        **({RUN: surroundings.run} if surroundings.run else {}),
        **settings.authorization(surroundings.credentials),
    }
    headers = complete(settings.headers, usual)
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    lines = [f"{settings.method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body
