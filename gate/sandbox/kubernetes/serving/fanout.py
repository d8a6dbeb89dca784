"""All watches of the server on one thread: a change goes out to every client that sees it, and none waits for another.

With a thread each, two hundred clients were two hundred wake-ups for one change, and eighty kilobytes of memory each.
"""

import logging
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gate.sandbox.kubernetes.api.answers import Stream

BATCH = 64
"""Lines that one client gets before it is the next one's turn."""

IDLE = 0.5
"""Seconds between two looks at watches without changes: bookmarks may be due."""

LAST = b"0\r\n\r\n"
"""What ends a body in chunks."""

_log = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True, eq=False)
class Reader:
    """A client that reads a watch."""

    connection: socket.socket
    stream: Stream
    left: Callable[[bool], None] | None
    """Called once, at the end: whether the connection can be asked for something else."""
    unsent: bytes = b""
    asked: bool = False
    """Waits for its turn."""
    over: bool = False
    """There is nothing to come but what is unsent."""
    reusable: bool = False
    """It came to its end, and was not cut."""
    talks: bool = False
    """The next request is there already."""
    heeded: int = 0
    """What the selector hears of the connection."""


class Fanout:
    """Sends watches to their readers between `start` and `stop`."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._readers: set[Reader] = set()
        self._asked: deque[Reader] = deque()
        self._next_look = 0.0
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._selector.register(self._ear, selectors.EVENT_READ)
        self._rung = False
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="api-watches", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Leave all readers, in the middle of what they read."""
        self._stopping = True
        self._ring()
        if self._thread.ident is not None:
            self._thread.join()
        for reader in (*self._readers, *self._asked):
            self._leave(reader)
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def serve(self, connection: socket.socket, stream: Stream, left: Callable[[bool], None]) -> None:
        """Send the stream as chunks, now and whenever there is more; its head is sent already. From any thread."""
        reader = Reader(connection=connection, stream=stream, left=left)
        if stream.source is not None:
            stream.source.announce(lambda: self._ask(reader))
        self._ask(reader)

    def _ask(self, reader: Reader) -> None:
        """Have the reader's stream looked at; from any thread."""
        if not reader.asked:
            reader.asked = True
            self._asked.append(reader)
            self._ring()

    def _ring(self) -> None:
        if not self._rung:
            self._rung = True
            self._bell.send(b"!")

    # On the one thread

    def _run(self) -> None:
        while not self._stopping:
            for key, events in self._selector.select(self._patience()):
                reader: Reader | None = key.data
                if reader is None:
                    self._ear.recv(1)
                    self._rung = False
                elif events & selectors.EVENT_WRITE:
                    self._send(reader, reader.unsent)
                elif events & selectors.EVENT_READ:
                    self._listen(reader)
            self._look_around()
            for _ in range(len(self._asked)):
                self._take_turn(self._asked.popleft())

    def _patience(self) -> float | None:
        """Seconds until somebody has to be looked at without being asked; None: nobody."""
        if self._asked:
            return 0.0
        if not self._readers:
            return None
        ends = (reader.stream.ends for reader in self._readers)
        return max(0.0, min([self._next_look, *(end for end in ends if end is not None)]) - self._monotonic())

    def _look_around(self) -> None:
        """Ask those for whom time has come."""
        now = self._monotonic()
        everybody = now >= self._next_look
        if everybody:
            self._next_look = now + IDLE
        for reader in self._readers:
            if everybody or (reader.stream.ends is not None and now >= reader.stream.ends):
                self._ask(reader)

    def _take_turn(self, reader: Reader) -> None:
        """Send what there is to tell. Who has not taken what he got before, gets more when he has."""
        reader.asked = False
        if not reader.over and not reader.unsent:
            self._readers.add(reader)
            self._send(reader, self._told(reader))

    def _told(self, reader: Reader) -> bytes:
        """The next lines, as chunks."""
        told = []
        stream = reader.stream
        try:
            for _ in range(BATCH):
                line = next(stream.chunks)
                if line:
                    told.append(b"%x\r\n%s\r\n" % (len(line), line))
                elif stream.source is None or not stream.source.pending:
                    break
            else:
                self._ask(reader)
        except StopIteration:
            reader.over = reader.reusable = True
            told.append(LAST)
        except Exception:  # noqa: BLE001 (a fault of this server cuts one watch, and the others go on)
            _log.exception("a watch failed")
            reader.over = True
        return b"".join(told)

    def _send(self, reader: Reader, data: bytes) -> None:
        """As much as goes without waiting."""
        waited = bool(reader.unsent)
        try:
            sent = reader.connection.send(data, socket.MSG_DONTWAIT) if data else 0
        except BlockingIOError:
            sent = 0
        except OSError:
            self._leave(reader)
            return
        reader.unsent = data[sent:]
        if reader.over and not reader.unsent:
            self._leave(reader, reusable=reader.reusable)
            return
        self._heed(reader)
        if waited and not reader.unsent:
            self._ask(reader)

    def _listen(self, reader: Reader) -> None:
        """Readers say nothing: if there is something to hear, one has gone, or has sent his next request."""
        try:
            gone = not reader.connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        if gone:
            self._take_turn(reader)  # he may only have said that he asks for no more
            self._leave(reader)
        else:
            reader.talks = True
            self._heed(reader)

    def _heed(self, reader: Reader) -> None:
        """Hear from now on of what matters now: that the reader can take more, and that he has gone."""
        events = (selectors.EVENT_WRITE if reader.unsent else 0) | (0 if reader.talks else selectors.EVENT_READ)
        if events == reader.heeded:
            return
        if not reader.heeded:
            self._selector.register(reader.connection, events, reader)
        elif events:
            self._selector.modify(reader.connection, events, reader)
        else:
            self._selector.unregister(reader.connection)
        reader.heeded = events

    def _leave(self, reader: Reader, *, reusable: bool = False) -> None:
        if reader.heeded:
            self._selector.unregister(reader.connection)
            reader.heeded = 0
        reader.over = True
        reader.stream.chunks.close()
        if reader.left is not None:
            left, reader.left = reader.left, None
            self._readers.discard(reader)
            left(reusable)
