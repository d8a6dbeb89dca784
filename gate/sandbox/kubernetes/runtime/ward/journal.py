"""What a container writes, line by line with the time of each, in the form of the container runtimes (CRI logs)."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 65_536
_LONGEST_LINE = 16_384
"""Bytes after which a line is written in parts, as containerd does."""
_LIMIT = 4 * 1024 * 1024
"""Bytes that the file may have; then it becomes the older half, and a new one is begun."""


def older(path: Path) -> Path:
    """Where the lines are that were written before those in `path`."""
    return path.with_name(f"{path.name}.old")


@dataclass(frozen=True, slots=True)
class Record:
    """A line of a journal."""

    at: bytes
    """When it was written, as RFC 3339 says it, in UTC and with nanoseconds."""
    text: bytes
    """As the container wrote it, with the line's end if that was there."""


def parse(line: bytes) -> Record:
    """A line of the file, without its end."""
    at, _stream, tag, text = line.split(b" ", 3)
    return Record(at, text if tag == b"P" else text + b"\n")


def records(path: Path, *, present: bool = True) -> Iterator[Record]:
    """All that is there now, the oldest first; or only what is not in the present file any more."""
    for each in (older(path), path) if present else (older(path),):
        try:
            file = each.open("rb")
        except FileNotFoundError:
            continue
        with file:
            yield from (parse(line[:-1]) for line in file if line.endswith(b"\n"))


class Journal:
    """Reads a pipe without waiting, and keeps what comes."""

    def __init__(self, source: int, path: Path) -> None:
        os.set_blocking(source, False)
        self._source = source
        self._path = path
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        self._rest = b""

    def fileno(self) -> int:
        return self._source

    def take(self) -> bool:
        """Keep what there is to read; False when nothing can come any more."""
        try:
            data = os.read(self._source, _CHUNK)
        except BlockingIOError:
            return True
        self._keep(data)
        return bool(data)

    def close(self) -> None:
        """Keep what is still in the pipe, also a last line without an end."""
        try:
            while data := os.read(self._source, _CHUNK):
                self._keep(data)
        except BlockingIOError:
            pass  # somebody who left the container still has it open: it is not the container's any more
        if self._rest:
            self._write([(b"P", self._rest)])
        os.close(self._source)
        os.close(self._file)

    def _keep(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        records = [record for line in lines for record in _parts(line)]
        while len(self._rest) > _LONGEST_LINE:
            records.append((b"P", self._rest[:_LONGEST_LINE]))
            self._rest = self._rest[_LONGEST_LINE:]
        self._write(records)

    def _write(self, records: list[tuple[bytes, bytes]]) -> None:
        seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{nanoseconds:09}Z"
        text = b"".join(b"%s stdout %s %s\n" % (now.encode(), tag, line) for tag, line in records)
        os.write(self._file, text)
        if os.fstat(self._file).st_size > _LIMIT:
            self._turn_over()

    def _turn_over(self) -> None:
        os.close(self._file)
        self._path.replace(older(self._path))
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)


def _parts(line: bytes) -> list[tuple[bytes, bytes]]:
    starts = range(0, max(len(line), 1), _LONGEST_LINE)
    return [(b"P" if at + _LONGEST_LINE < len(line) else b"F", line[at : at + _LONGEST_LINE]) for at in starts]
