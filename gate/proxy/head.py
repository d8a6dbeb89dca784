"""The heads of HTTP/1 messages: bytes in, values out, and a refusal for all that two readers could take differently."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

MOST = 65_536
"""Bytes that a head may have."""

TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
TARGET = re.compile(r"[!-~\x80-\xff]+")
VERSION = re.compile(r"HTTP/1\.[01]")
CHUNK = re.compile(rb"([0-9A-Fa-f]{1,12})[ \t]*(?:;[^\0]*)?")
VALUE = re.compile(r"[\t -~\x80-\xff]*")


class BadHead(Exception):
    """Not a head that can be passed on; `status` is what its sender gets."""

    def __init__(self, why: str, status: int = 400) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A start line of three parts, and the headers as they came."""

    first: tuple[str, str, str]
    headers: Sequence[tuple[str, str]]

    def named(self) -> Mapping[str, str]:
        """Names in lower case -> values; of several with one name, joined by commas."""
        found: dict[str, str] = {}
        for written, value in self.headers:
            name = written.lower()
            found[name] = f"{found[name]}, {value}" if name in found else value
        return found


def end_of_head(data: bytes | bytearray, since: int = 0) -> int | None:
    """Where the body begins; None: not all of the head is there. Raises BadHead where it is too long already."""
    end = data.find(b"\r\n\r\n", max(0, since - 3))
    if (len(data) if end < 0 else end) > MOST:
        raise BadHead(f"the head has more than {MOST} bytes", 431)
    return None if end < 0 else end + 4


def request_head(data: bytes) -> Head:
    """The head of a request, with its empty line. Raises BadHead."""
    lines = _lines(data)
    parts = lines[0].split(" ")
    if len(parts) != 3 or not TOKEN.fullmatch(parts[0]) or not TARGET.fullmatch(parts[1]):
        raise BadHead("the first line is not METHOD TARGET VERSION")
    if not VERSION.fullmatch(parts[2]):
        raise BadHead("only HTTP/1.0 and HTTP/1.1 are spoken here", 505)
    return Head(first=(parts[0], parts[1], parts[2]), headers=_headers(lines[1:]))


def response_head(data: bytes) -> Head:
    """The head of a response, with its empty line. Raises BadHead."""
    lines = _lines(data)
    version, _, rest = lines[0].partition(" ")
    status, _, words = rest.partition(" ")
    if not VERSION.fullmatch(version) or not re.fullmatch(r"[1-9][0-9][0-9]", status, re.ASCII):
        raise BadHead("the first line is not VERSION STATUS WORDS", 502)
    return Head(first=(version, status, words), headers=_headers(lines[1:]))


def _lines(data: bytes) -> list[str]:
    return data[:-4].decode("latin-1").split("\r\n")


def _headers(lines: Sequence[str]) -> list[tuple[str, str]]:
    found = []
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or not TOKEN.fullmatch(name) or not VALUE.fullmatch(value):
            raise BadHead("a header is not NAME: VALUE on one line")
        found.append((name, value.strip(" \t")))
    return found


UNTIL_CLOSE = -1
CHUNKED = -2


def length_of_request(head: Head) -> int:
    """Bytes of the body, or CHUNKED. Raises BadHead for what could smuggle a second request."""
    return _length(head, otherwise=0)


def length_of_response(head: Head, method: str) -> int:
    """Bytes of the body, or CHUNKED, or UNTIL_CLOSE. Raises BadHead."""
    status = int(head.first[1])
    if method == "HEAD" or status < 200 or status in {204, 304}:
        return 0
    return _length(head, otherwise=UNTIL_CLOSE)


def _length(head: Head, *, otherwise: int) -> int:
    lengths = {value for name, value in head.headers if name.lower() == "content-length"}
    coding = [value.lower() for name, value in head.headers if name.lower() == "transfer-encoding"]
    if coding:
        if lengths:
            raise BadHead("Content-Length and Transfer-Encoding are both there")
        if coding != ["chunked"]:
            raise BadHead("the only Transfer-Encoding that is understood is chunked", 501)
        return CHUNKED
    if not lengths:
        return otherwise
    if len(lengths) > 1:
        raise BadHead("there are two Content-Lengths")
    (length,) = lengths
    if not length.isascii() or not length.isdigit() or len(length) > 15:
        raise BadHead("Content-Length is not a number")
    return int(length)


class Body:
    """Follows a body to its end, whatever pieces it comes in, without keeping it."""

    def __init__(self, length: int) -> None:
        self._left = max(0, length)
        self._chunked = length == CHUNKED
        self.endless = length == UNTIL_CLOSE
        self._line = bytearray()
        self._take_line: Callable[[Body, bytes], None] = Body._size
        """What the next line has to be."""
        self.done = length == 0

    def take(self, data: bytes) -> int:
        """How many of these bytes are of the body. Raises BadHead for chunks that are none."""
        if self.endless:
            return len(data)
        if not self._chunked:
            taken = min(self._left, len(data))
            self._left -= taken
            self.done = self._left == 0
            return taken
        return self._chunks(data)

    def _chunks(self, data: bytes) -> int:
        at = 0
        while at < len(data) and not self.done:
            if self._left > 0:
                taken = min(self._left, len(data) - at)
                self._left -= taken
                at += taken
                continue
            end = data.find(b"\n", at)
            self._line += data[at : len(data) if end < 0 else end + 1]
            if len(self._line) > MOST:
                raise BadHead("a line between chunks does not end", 431)
            at = len(data) if end < 0 else end + 1
            if end >= 0:
                line = bytes(self._line).removesuffix(b"\r\n")
                if b"\r" in line or b"\n" in line:
                    raise BadHead("a line between chunks does not end with CR and LF")
                self._line.clear()
                self._take_line(self, line)
        return at

    def _size(self, line: bytes) -> None:
        found = CHUNK.fullmatch(line)
        if found is None:
            raise BadHead("a chunk does not begin with its size")
        self._left = int(found[1], 16)
        self._take_line = Body._end_of_chunk if self._left else Body._trailer

    def _end_of_chunk(self, line: bytes) -> None:
        if line:
            raise BadHead("a chunk is longer than its size")
        self._take_line = Body._size

    def _trailer(self, line: bytes) -> None:
        self.done = not line
