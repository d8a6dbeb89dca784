"""What containers have written, as `kubectl logs` asks for it."""

import time
from collections import deque
from collections.abc import Callable, Generator
from io import SEEK_SET
from pathlib import Path
from typing import BinaryIO, Protocol

from gate.sandbox.kubernetes.errors import BadRequest, NotImplementedHere
from gate.sandbox.kubernetes.objects import Object, name_of, namespace_of
from gate.sandbox.kubernetes.rest import LogQuery

_CHUNK = 65_536
_LOOK_EVERY = 0.1


class Written(Protocol):
    """Where containers write."""

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Path | None:
        """The file with what the container, or the one before its last restart, has written."""
        ...

    def is_writing(self, log: Path) -> bool:
        """Whether the container that writes this log is running."""
        ...


class Logs:
    """Reads containers' logs, from the start or from the end, once or for as long as they grow."""

    def __init__(self, written: Written, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._written = written
        self._sleep = sleep

    def read(self, pod: Object, query: LogQuery) -> Generator[bytes]:
        """The log in chunks; while following, b"" from time to time.

        Raises:
            BadRequest: the container has not started, or has no previous run.
            NotImplementedHere: times of lines are asked for; they are not kept.
        """
        if query.timestamps or query.since_seconds is not None:
            raise NotImplementedHere("the sandbox keeps no times of log lines: leave out --timestamps and --since")
        namespace, name = namespace_of(pod), name_of(pod)
        log = self._written.log(namespace, name, query.container, previous=query.previous)
        if log is None and query.previous:
            raise BadRequest(f'previous terminated container "{query.container}" in pod "{name}" not found')
        if log is None:
            raise BadRequest(f'container "{query.container}" in pod "{name}" is waiting to start: ContainerCreating')
        return _limited(self._chunks(log, query), query.limit)

    def _chunks(self, log: Path, query: LogQuery) -> Generator[bytes]:
        with log.open("rb") as file:
            if query.tail is not None:
                _seek_tail(file, query.tail)
            while True:
                writing = query.follow and self._written.is_writing(log)  # asked before reading: the rest is not lost
                while chunk := file.read(_CHUNK):
                    yield chunk
                if not writing:
                    return
                if log.exists() and log.stat().st_size < file.tell():  # cut because it grew too long
                    file.seek(0)
                yield b""
                self._sleep(_LOOK_EVERY)


def _seek_tail(file: BinaryIO, lines: int) -> None:
    starts: deque[int] = deque([0], maxlen=lines + 1)
    position = 0
    for line in file:
        position += len(line)
        starts.append(position)
    file.seek(starts[0] if lines and len(starts) > lines else 0 if lines else position, SEEK_SET)


def _limited(chunks: Generator[bytes], limit: int | None) -> Generator[bytes]:
    left = limit
    for chunk in chunks:
        if left is None:
            yield chunk
            continue
        yield chunk[:left]
        left -= len(chunk)
        if left <= 0:
            return
