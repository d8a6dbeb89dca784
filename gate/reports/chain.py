"""JSON Lines, compressed, of which each line carries the hash of the line before: what is changed later, shows.

The hashes are no signature. Who writes all of the file anew can make them fit; the hash of its last line, kept
elsewhere, is what he cannot.
"""

import gzip
import hashlib
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from gate.errors import GateError

LONGEST = 16 * 1024 * 1024
"""Bytes in one line."""
END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a line says, and its own hash."""

    kind: str
    content: dict[str, Any]
    before: str
    """The hash of the line before; empty for the first one."""
    hash: str


class Unreadable(GateError):
    """The file is none of ours, or cannot be read."""


class Unfinished(Unreadable):
    """The file ends before its end: whoever wrote it did not come to it, or something was cut off."""


class Tampered(Exception):
    """The file is not as it was written."""


class Chain:
    """Writes lines to a file. Raises what the file raises."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = gzip.GzipFile(fileobj=file, mode="wb", mtime=0)
        self._whole = hashlib.sha256()
        self._lines = 0
        self._before = ""

    def add(self, kind: str, content: Mapping[str, Any]) -> None:
        """One more line."""
        line = _encode(kind, self._before, content)
        self._file.write(line)
        self._whole.update(line)
        self._before = _hash(line)
        self._lines += 1

    def flush(self) -> None:
        """What was added so far can be read, whatever becomes of this process."""
        self._file.flush()

    def end(self) -> str:
        """The last line, with the hash of the whole. Returns the hash of the last line, which stands for all of it."""
        self.add(END, {"lines": self._lines, "whole": self._whole.hexdigest()})
        self.close()
        return self._before

    def close(self) -> None:
        self._file.close()


def read(path: Path, most: int | None = None) -> Iterator[Line]:
    """The lines in their order, the last one being the end. `most`: so many bytes of them are read, unpacked.

    Raises `Unreadable`, or `Tampered` at the first line that is not as it was written; what came before that one was.
    """
    whole, before, number, ended = hashlib.sha256(), "", 0, False
    for number, raw in enumerate(_raw(path, most), 1):
        if ended:
            raise Tampered(f"line {number} comes after the end")
        line = _decode(raw, number, path)
        if line.before != before:
            raise Tampered(f"line {number - 1} is not the line that line {number} came after")
        if line.kind == END:
            ended = True
            if raw != _encode(END, before, {"lines": number - 1, "whole": whole.hexdigest()}):
                raise Tampered(f"the last line does not fit the {number - 1} lines before it")
        whole.update(raw)
        before = line.hash
        yield line
    if not ended:
        raise Unfinished(f"{path} is not finished: it ends after {number} lines, without a verdict")


def _raw(path: Path, most: int | None) -> Iterator[bytes]:
    number = total = 0
    try:
        with gzip.open(path) as file:
            while raw := file.readline(LONGEST + 1):
                number += 1
                if len(raw) > LONGEST:
                    raise Unreadable(f"{path}: line {number} is longer than {LONGEST} bytes")
                total += len(raw)
                if most is not None and total > most:
                    raise Unreadable(f"{path} is longer than {most} bytes when it is unpacked")
                yield raw
    except EOFError:  # cut off: whether that matters, the lines that are there show
        return
    except (gzip.BadGzipFile, zlib.error) as error:
        if number == 0:
            raise Unreadable(f"{path} is no evidence file: {error}") from error
        raise Tampered(f"the file is damaged after line {number}: {error}") from error
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error


def _decode(raw: bytes, number: int, path: Path) -> Line:
    try:
        match json.loads(raw):
            case {"kind": str(kind), "before": str(before), "content": dict(content)}:
                return Line(kind=kind, before=before, content=content, hash=_hash(raw))
    except ValueError:
        pass  # it is none of ours, like JSON of another shape
    if number == 1:
        raise Unreadable(f"{path} is no evidence file: its first line is none of ours")
    if not raw.endswith(b"\n"):
        raise Unfinished(f"{path} is not finished: it ends in the middle of line {number}")
    raise Tampered(f"line {number} is not as it was written")


def _encode(kind: str, before: str, content: Mapping[str, Any]) -> bytes:
    line = {"kind": kind, "before": before, "content": content}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()
