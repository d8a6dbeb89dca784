"""The control API over HTTP: a connection is a task that holds nothing of the data path, and so never waits for it."""

import asyncio
import hmac
import http
import socket
from contextlib import suppress
from typing import Any

from gate.errors import Permanent
from gate.proxy.control.exchange import Path, Question, Reply, refused
from gate.proxy.control.paths import answered, find
from gate.proxy.head import CHUNKED, MOST, BadHead, Head, length_of_request, request_head
from gate.proxy.sockets import listening
from gate.proxy.spec import Address
from gate.proxy.switchboard import Switchboard

MOST_BODY = 1_048_576
IDLE = 60.0
"""Seconds that a connection may take for a whole question, or be silent."""
MOST_CLIENTS = 256


class Control:
    """The API at one address. Beyond loopback it needs a token."""

    def __init__(self, board: Switchboard, address: Address, token: str | None) -> None:
        if token is None and not address.loopback:
            raise Permanent(f"control {address}: is not on loopback, so it needs a token; name one with --token-file")
        self._board = board
        self._token = token
        self._socket: socket.socket = listening(address)
        self.address = Address(host=address.host, port=self._socket.getsockname()[1])
        self._clients: dict[asyncio.StreamWriter, bool] = {}
        """Client -> whether it has asked what it may; the oldest first."""

    async def start(self) -> None:
        """Begin to answer."""
        self._server = await asyncio.start_server(self._serve, sock=self._socket, limit=MOST)

    async def close(self) -> None:
        """Answer nobody any more."""
        self._server.close()
        for each in tuple(self._clients):
            each.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[writer] = False
        try:
            with suppress(OSError, asyncio.IncompleteReadError):  # The client went, or was too slow.
                if len(self._clients) > MOST_CLIENTS and not self._drop_a_stranger(but=writer):
                    await _send(writer, refused("too many clients at once; close some", 503), last=True)
                    return
                while await self._one(reader, writer):
                    pass
        finally:
            self._clients.pop(writer, None)
            writer.close()

    def _drop_a_stranger(self, *, but: asyncio.StreamWriter) -> bool:
        """Make room: those who never asked what they may cannot keep out those who can. Whether there was one."""
        found = next((each for each, known in self._clients.items() if not known and each is not but), None)
        if found is not None:
            del self._clients[found]
            found.transport.abort()
        return found is not None

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Answer one question; whether there may be another one."""
        async with asyncio.timeout(IDLE):
            try:
                head = request_head(await reader.readuntil(b"\r\n\r\n"))
                length = _length(head)
            except asyncio.LimitOverrunError:
                await _send(writer, refused(f"the head has more than {MOST} bytes", 431), last=True)
                return False
            except BadHead as error:
                await _send(writer, refused(str(error), error.status), last=True)
                return False
            last = head.first[2] == "HTTP/1.0" or "close" in head.named().get("connection", "").lower()
            found = self._may_ask(head)
            if isinstance(found, Reply):
                await _send(writer, found, last=last)
                return await _dropped(reader, length) and not last
            if writer in self._clients:
                self._clients[writer] |= not found[0].open
            if head.named().get("expect", "").lower() == "100-continue":
                writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            body = await reader.readexactly(length)
        path, asked = found
        reply = answered(self._board, path, Question(words=asked.words, query=asked.query, body=body))
        await _send(writer, reply, last=last)
        return not last

    def _may_ask(self, head: Head) -> tuple[Path, Question] | Reply:
        """Who answers; or a refusal, for which no body has to be kept."""
        method, target, _ = head.first
        found = find(method, target)
        named = head.named()
        if "origin" in named or "sec-fetch-site" in named:
            return refused("browsers may not ask: another site's page could", 403)
        if isinstance(found, Reply):
            return found
        if not found[0].open and not self._may(named.get("authorization", "")):
            return refused("show the token: Authorization: Bearer TOKEN", 401)
        return found

    def _may(self, shown: str) -> bool:
        return self._token is None or hmac.compare_digest(shown.encode(), f"Bearer {self._token}".encode())


def _length(head: Head) -> int:
    length = length_of_request(head)
    if length == CHUNKED:
        raise BadHead("say the Content-Length", 411)
    if length > MOST_BODY:
        raise BadHead(f"the body has more than {MOST_BODY} bytes", 413)
    return length


async def _dropped(reader: asyncio.StreamReader, length: int) -> bool:
    """Read a body into nothing, so that its sender gets to read the refusal; whether it was whole."""
    while length and (data := await reader.read(min(length, MOST))):
        length -= len(data)
    return not length


async def _send(writer: Any, reply: Reply, *, last: bool) -> None:
    body = reply.payload()
    head = [
        f"HTTP/1.1 {reply.status} {http.HTTPStatus(reply.status).phrase}",
        *([f"Content-Type: {reply.kind}"] if body else []),
        *([] if reply.status == http.HTTPStatus.NO_CONTENT else [f"Content-Length: {len(body)}"]),
        f"Connection: {'close' if last else 'keep-alive'}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + body)
    await writer.drain()
