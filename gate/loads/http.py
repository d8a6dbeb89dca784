"""http: requests at a fixed rate. Open loop: a slow service is asked as often as a fast one."""

import asyncio
import contextlib
import ssl
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from pydantic import Field, ValidationError

from gate.documents.blocks import Block, Url
from gate.documents.units import Duration, Rate
from gate.errors import GateError, Permanent
from gate.running.ports import LoadSummary, Surroundings

MOST_OPEN = 1000
"""Requests that may be under way at once; one more is due, but not sent, and the summary says so."""
LARGEST_ANSWER = 1_000_000


class Settings(Block):
    """What is asked, and how often."""

    url: Url
    rate: Rate = Field(description="How often.")
    method: str = Field(default="GET", pattern=r"^[A-Z]+$", description="The method of the request.")
    timeout: Duration = Field(default=timedelta(seconds=5), description="How long a customer would wait.")


def start(settings: Mapping[str, Any], surroundings: Surroundings) -> "HttpLoad":
    """Raises `Permanent` for a block that does not have the form."""
    try:
        parsed = Settings.model_validate(settings)
    except ValidationError as error:
        raise Permanent(f"the http load cannot be sent: {error}") from error
    return HttpLoad(parsed, surroundings.resolve)


class HttpLoad:
    """A load under way, on a thread and an event loop of its own."""

    def __init__(self, settings: Settings, resolve: Callable[[str], str]) -> None:
        self._settings, self._resolve = settings, resolve
        parts = urlsplit(settings.url)
        self._secure = parts.scheme == "https"
        self._host, self._port = str(parts.hostname), parts.port or (443 if self._secure else 80)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        head = (f"{settings.method} {path} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close", "Content-Length: 0")
        self._request = "\r\n".join([*head, "", ""]).encode()
        self._due = self._sent = self._failed = 0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="load", daemon=True)
        self._thread.start()

    def stop(self) -> LoadSummary:
        self._ending.set()
        self._thread.join()
        return LoadSummary(due=self._due, sent=self._sent, failed=self._failed)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began, under_way = loop.time(), set[asyncio.Task[None]]()
        while not self._ending.is_set():
            next_due = began + self._due / self._settings.rate
            if (left := next_due - loop.time()) > 0:
                await asyncio.sleep(min(left, 0.1))
                continue
            self._due += 1
            if len(under_way) < MOST_OPEN:
                task = loop.create_task(self._one())
                under_way.add(task)
                task.add_done_callback(under_way.discard)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _one(self) -> None:
        try:
            address = await asyncio.to_thread(self._resolve, self._host)
        except GateError:
            return  # not sent: the summary says so
        self._sent += 1
        if not await self._answered(address):
            self._failed += 1

    async def _answered(self, address: str) -> bool:
        writer = None
        try:
            async with asyncio.timeout(self._settings.timeout.total_seconds()):
                secure = ssl.create_default_context() if self._secure else None
                name = self._host if self._secure else None
                reader, writer = await asyncio.open_connection(address, self._port, ssl=secure, server_hostname=name)
                writer.write(self._request)
                status = await reader.readline()
                await _read_on(reader)
        except (OSError, TimeoutError, ValueError):
            return False
        finally:
            if writer is not None:
                with contextlib.suppress(OSError):
                    writer.transport.abort()
        parts = status.split(None, 2)
        return len(parts) > 1 and parts[1][:1] in {b"2", b"3"}


async def _read_on(reader: asyncio.StreamReader) -> None:
    """To the end of the answer, as a customer would: one who hangs up half-way is another test."""
    size = 0
    while size < LARGEST_ANSWER and (chunk := await reader.read(65536)):
        size += len(chunk)
