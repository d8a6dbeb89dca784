"""What containers have written, as `kubectl logs` asks for it."""

import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol, Self

from gate.sandbox.kubernetes.api.pod_requests import LogQuery
from gate.sandbox.kubernetes.language.errors import BadRequest
from gate.sandbox.kubernetes.language.objects import Object, lookup, name_of, namespace_of
from gate.sandbox.kubernetes.runtime.ward.journal import Record, parse, records

_CHUNK = 65_536
_LONGEST = timedelta(days=36_525).total_seconds()
"""A client may look back further than there is a time."""
_LOOK_EVERY = 0.1
_WAITING = {
    "ErrImagePull": "image can't be pulled",
    "ImagePullBackOff": "trying and failing to pull image",
}
"""What the kubelet says instead of the reason why a container waits."""


class Written(Protocol):
    """Where containers write."""

    def log(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> Path | None:
        """The journal with what the container, or the one before its last restart, has written."""
        ...

    def is_writing(self, log: Path) -> bool:
        """Whether the container that writes this log is running."""
        ...


class Logs:
    """Reads containers' logs, from the start or from the end, once or for as long as they grow."""

    def __init__(
        self,
        written: Written,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._written = written
        self._sleep = sleep
        self._clock = clock

    def read(self, pod: Object, query: LogQuery) -> Generator[bytes]:
        """The log in chunks; while following, b"" from time to time.

        Raises:
            BadRequest: the container has not started, or has no previous run.
        """
        namespace, name = namespace_of(pod), name_of(pod)
        log = self._written.log(namespace, name, query.container, previous=query.previous)
        if log is None and query.previous:
            raise BadRequest(f'previous terminated container "{query.container}" in pod "{name}" not found')
        if log is None:
            why = _reason_to_wait(pod, query.container)
            raise BadRequest(f'container "{query.container}" in pod "{name}" is waiting to start: {why}')
        return _limited(_shown(self._records(log, query), query, self._since(query)), query.limit)

    def _since(self, query: LogQuery) -> bytes:
        """The time before which lines are not wanted, in the form of a journal."""
        since = query.since
        if query.since_seconds is not None:
            since = self._clock() - timedelta(seconds=min(query.since_seconds, _LONGEST))
        return since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z").encode() if since is not None else b""

    def _records(self, log: Path, query: LogQuery) -> Iterator[Record | None]:
        """What is there and, while following, what comes; None: nothing new for the moment."""
        with _Tail(log) as tail:
            writing = query.follow and self._written.is_writing(log)  # asked before reading: the rest is not lost
            found = list(tail.before()) + list(tail.new())
            yield from found if query.tail is None else deque(found, maxlen=query.tail)
            while writing:
                yield None
                self._sleep(_LOOK_EVERY)
                writing = self._written.is_writing(log)
                yield from tail.new()


class _Tail:
    """A journal that is read on and on, also over the turn to a new file."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._file = log.open("rb")
        self._rest = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def before(self) -> Iterator[Record]:
        """What was written before the present file was begun."""
        return records(self._log, present=False)

    def new(self) -> Iterator[Record]:
        """What has come since the last question."""
        yield from self._read()
        try:
            present = self._log.open("rb")
        except FileNotFoundError:  # the pod has gone meanwhile, and its logs with it
            return
        if os.path.sameopenfile(present.fileno(), self._file.fileno()):
            present.close()
            return
        yield from self._read()  # what came between the last look and the turn
        self._file.close()
        self._file = present
        yield from self._read()

    def _read(self) -> Iterator[Record]:
        while chunk := self._file.read(_CHUNK):
            *lines, self._rest = (self._rest + chunk).split(b"\n")
            yield from map(parse, lines)


def _shown(found: Iterator[Record | None], query: LogQuery, since: bytes) -> Generator[bytes]:
    for record in found:
        if record is None:
            yield b""
        elif record.at >= since:
            yield record.at + b" " + record.text if query.timestamps else record.text


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


def _reason_to_wait(pod: Object, container: str) -> str:
    for field in ("containerStatuses", "initContainerStatuses"):
        for each in lookup(pod, f"status.{field}", []):
            if each["name"] == container:
                reason = str(lookup(each, "state.waiting.reason", "ContainerCreating"))
                return _WAITING.get(reason, reason)
    return "ContainerCreating"
