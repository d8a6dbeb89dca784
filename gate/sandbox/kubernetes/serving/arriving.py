"""The body of a request as it arrives: of the length that its headers tell, or in chunks until one is empty."""

import re
from collections.abc import Iterator
from email.message import Message
from http import HTTPStatus
from io import BufferedIOBase

_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[ \t]*(?:;[^\r\n]*)?\r\n")
"""How long the next chunk is; what may follow after a semicolon means nothing to anybody."""
_LINE = 8192
"""Bytes of a line between chunks."""


class UnreadableError(Exception):
    """Where a body ends cannot be said, or it ended before; the connection is of no more use."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


def body(headers: Message, stream: BufferedIOBase) -> bytes:
    """All of it. UnreadableError."""
    length, coding = headers.get("Content-Length"), headers.get("Transfer-Encoding")
    if coding is None:
        if length is not None and not length.isdecimal():
            raise UnreadableError(HTTPStatus.BAD_REQUEST, "bad Content-Length")
        return stream.read(int(length or 0))
    if coding.lower() != "chunked":
        raise UnreadableError(HTTPStatus.NOT_IMPLEMENTED, f"the sandbox reads no {coding} bodies")
    if length is not None:
        raise UnreadableError(HTTPStatus.BAD_REQUEST, "a body in chunks has no Content-Length")
    return b"".join(_chunks(stream))


def _chunks(stream: BufferedIOBase) -> Iterator[bytes]:
    while True:
        size = _SIZE.fullmatch(stream.readline(_LINE))
        if size is None:
            raise UnreadableError(HTTPStatus.BAD_REQUEST, "bad chunk")
        if not int(size[1], 16):
            break
        chunk = stream.read(int(size[1], 16))
        if len(chunk) < int(size[1], 16) or stream.read(2) != b"\r\n":
            raise UnreadableError(HTTPStatus.BAD_REQUEST, "bad chunk")
        yield chunk
    while (trailer := stream.readline(_LINE)) != b"\r\n":
        if not trailer.endswith(b"\r\n"):
            raise UnreadableError(HTTPStatus.BAD_REQUEST, "bad trailer")
