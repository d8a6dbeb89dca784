"""One call over HTTP/2, as far as gRPC needs it: no headers are understood, only the bytes of the answer.

What a proxy or a server says in headers is packed (RFC 7541), and nothing here depends on it: an answer that counts has
a message.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from gate.probes.line import Line

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
LARGEST_FRAME = 16384
LARGEST_ANSWER = 65536
STREAM = 1

END_STREAM, ACK, END_HEADERS, PADDED = 0x1, 0x1, 0x4, 0x8
NO_PUSH = struct.pack(">HI", 0x2, 0)


class Kind(IntEnum):
    """The kinds of frames (RFC 9113, section 6) that mean something here."""

    DATA = 0x0
    HEADERS = 0x1
    RST_STREAM = 0x3
    SETTINGS = 0x4
    PING = 0x6
    GOAWAY = 0x7


class NoCall(ValueError):
    """The call came to nothing; the text says how, in one clause."""


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame."""

    kind: int
    flags: int
    stream: int
    body: bytes

    def packed(self) -> bytes:
        size = len(self.body).to_bytes(3)
        return size + bytes([self.kind, self.flags]) + self.stream.to_bytes(4) + self.body


def call(line: Line, headers: Mapping[str, str], message: bytes) -> bytes:
    """Send the message, and return the body of the answer. Raises `NoCall`, and `OSError` as the line does."""
    packed = b"".join(_literal(name) + _text(value) for name, value in headers.items())
    request = (
        Frame(Kind.SETTINGS, 0, 0, NO_PUSH),
        Frame(Kind.HEADERS, END_HEADERS, STREAM, packed),
        Frame(Kind.DATA, END_STREAM, STREAM, message),
    )
    line.sendall(PREFACE + b"".join(frame.packed() for frame in request))
    return _answer(line)


def _answer(line: Line) -> bytes:
    body, heard = b"", 0
    while heard < LARGEST_ANSWER:
        frame = _next(line)
        heard += 9 + len(frame.body)
        ours = frame.stream == STREAM
        match frame.kind:
            case Kind.DATA if ours:
                body += _unpadded(frame)
            case Kind.SETTINGS | Kind.PING if not frame.flags & ACK:
                content = frame.body if frame.kind == Kind.PING else b""
                line.sendall(Frame(frame.kind, ACK, 0, content).packed())
            case Kind.RST_STREAM if ours:
                raise NoCall("the call was reset")
            case Kind.GOAWAY if int.from_bytes(frame.body[:4]) < STREAM:
                raise NoCall("the call was turned away")
        if ours and frame.kind in {Kind.DATA, Kind.HEADERS} and frame.flags & END_STREAM:
            return body
    raise NoCall(f"more than {LARGEST_ANSWER} bytes came, and no end")


def _next(line: Line) -> Frame:
    head = _bytes(line, 9)
    size = int.from_bytes(head[:3])
    if size > LARGEST_FRAME:
        raise NoCall("the answer is not HTTP/2")
    return Frame(head[3], head[4], int.from_bytes(head[5:9]) & 0x7FFFFFFF, _bytes(line, size))


def _bytes(line: Line, size: int) -> bytes:
    found = bytearray(size)
    done = 0
    while done < size:
        came = line.receive_into(memoryview(found)[done:])
        if not came:
            raise NoCall("the answer broke off" if done else "connection closed without an answer")
        done += came
    return bytes(found)


def _unpadded(frame: Frame) -> bytes:
    if not frame.flags & PADDED or not frame.body:
        return frame.body
    return frame.body[1 : max(1, len(frame.body) - frame.body[0])]


def _literal(name: str) -> bytes:
    """The name of a header that no table is to keep."""
    return b"\x00" + _text(name)


def _text(text: str) -> bytes:
    """A text as it is, after its length: seven bits of it in the first byte, and the rest in groups of seven."""
    length, prefix = len(text.encode()), 0x7F
    if length < prefix:
        return bytes([length]) + text.encode()
    return bytes([prefix]) + varint(length - prefix) + text.encode()


def varint(number: int) -> bytes:
    """Groups of seven bits, the lowest first, as HPACK and protocol buffers write numbers."""
    groups = b""
    while number > 0x7F:
        groups += bytes([number & 0x7F | 0x80])
        number >>= 7
    return groups + bytes([number])
