"""One request over HTTP and its whole answer, on a connection that may be kept for the next one."""

import asyncio
import re
from dataclasses import dataclass

LARGEST_ANSWER = 1_000_000
"""Bytes of a body that are read, as a customer would: one who hangs up half-way is another test."""
MOST_HEADERS = 200

UNHEARD = (OSError, EOFError, ValueError)
"""What goes wrong before an answer has ended. A `TimeoutError` is an `OSError`."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, and whether the connection can be used again."""

    status: int
    reusable: bool


@dataclass(slots=True)
class Connection:
    """One connection; used by one request at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def ask(self, request: bytes, *, bodiless: bool) -> Answer:
        """Send the request and read its answer to the end; `bodiless` are answers to HEAD. Raises one of `UNHEARD`."""
        self.writer.write(request)
        await self.writer.drain()
        status, head = await self._head()
        while 100 <= status < 200:
            status, head = await self._head()
        keeps = head.get("connection", "").lower() != "close"
        if bodiless or status in {204, 304}:
            return Answer(status, keeps)
        if "chunked" in head.get("transfer-encoding", "").lower():
            return Answer(status, await self._chunks() and keeps)
        if "content-length" in head:
            return Answer(status, await self._bytes(int(head["content-length"])) and keeps)
        await self._rest()
        return Answer(status, reusable=False)

    def hang_up(self) -> None:
        """At once, whatever is under way."""
        self.writer.transport.abort()

    async def _head(self) -> tuple[int, dict[str, str]]:
        """The status and the headers. Raises `ValueError` for what is not HTTP."""
        first = (await self.reader.readline()).decode("latin-1")
        match = re.match(r"HTTP/1\.[01] (\d{3})\b", first)
        if match is None:
            raise EOFError("no answer") if not first else ValueError("the answer is not HTTP")
        head: dict[str, str] = {} if first.startswith("HTTP/1.1") else {"connection": "close"}
        for _ in range(MOST_HEADERS):
            line = (await self.reader.readline()).decode("latin-1")
            if not line.endswith("\n"):
                raise EOFError("the answer broke off")
            if not line.strip():
                return int(match[1]), head
            name, _, value = line.partition(":")
            head[name.strip().lower()] = value.strip()
        raise ValueError("the answer has too many headers")

    async def _bytes(self, size: int) -> bool:
        """Read so many; False if the rest was left."""
        if size < 0:
            raise ValueError("the answer has a length below zero")
        left = min(size, LARGEST_ANSWER)
        while left:
            chunk = await self.reader.read(min(left, 65536))
            if not chunk:
                raise EOFError("the answer broke off")
            left -= len(chunk)
        return size <= LARGEST_ANSWER

    async def _chunks(self) -> bool:
        """Read them all; False if the rest was left."""
        size = 0
        while size <= LARGEST_ANSWER:
            line = await self.reader.readline()
            here = int(line.split(b";")[0], 16)
            await self._bytes(here)
            size += here
            if not here:
                while (await self.reader.readline()).strip():
                    """Trailers say nothing to a customer."""
                return True
            await self.reader.readline()
        return False

    async def _rest(self) -> None:
        size = 0
        while size < LARGEST_ANSWER and (chunk := await self.reader.read(65536)):
            size += len(chunk)
