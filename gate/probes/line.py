"""A connection to a service whose every act ends at one deadline, however slowly the other side drips."""

import io
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from gate.quantities import in_words
from gate.running.lookups import Address
from gate.running.ports import Clock


@dataclass(frozen=True, slots=True)
class Security:
    """Whose certificate is asked for, and who may have signed it. It is always verified."""

    context: ssl.SSLContext
    name: str


class Deadline:
    """The time that one question may take in all."""

    def __init__(self, clock: Clock, lasting: timedelta) -> None:
        self._clock, self._lasting = clock, lasting
        self._began = clock.monotonic()

    @property
    def passed(self) -> timedelta:
        return timedelta(seconds=self._clock.monotonic() - self._began)

    def left(self, what: str) -> float:
        """Seconds, more than none. Raises `TimeoutError` that says `what` did not come in time."""
        left = (self._lasting - self.passed).total_seconds()
        if left <= 0:
            raise self.over(what)
        return left

    def over(self, what: str) -> TimeoutError:
        return TimeoutError(f"{what} within {in_words(self._lasting)}")


class Line:
    """One connection. It is what `http.client` needs of a socket, and a little more."""

    def __init__(self, connected: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline = connected, deadline
        self._heard = False

    def sendall(self, data: bytes) -> None:
        """Raises `OSError`, also when the other side does not take it in time."""
        left = memoryview(data)
        while left:
            why = "the answer did not end" if self._heard else "the request was not taken"
            self._socket.settimeout(self._deadline.left(why))
            try:
                left = left[self._socket.send(left) :]
            except TimeoutError:
                raise self._deadline.over(why) from None

    def receive_into(self, buffer: memoryview) -> int:
        """What has come, 0 at the end. Raises `OSError`, also when nothing comes in time."""
        why = "the answer did not end" if self._heard else "no answer"
        self._socket.settimeout(self._deadline.left(why))
        try:
            size = self._socket.recv_into(buffer)
        except TimeoutError:
            raise self._deadline.over(why) from None
        self._heard = True
        return size

    def makefile(self, *_: Any) -> io.BufferedReader:
        return io.BufferedReader(_Incoming(self))

    def close(self) -> None:
        self._socket.close()


class _Incoming(io.RawIOBase):
    """The bytes that come in, as a file."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._line.receive_into(memoryview(buffer))


def connect(addresses: Sequence[Address], deadline: Deadline, security: "Security | None" = None) -> Line:
    """A line to the first address that takes one. Raises `OSError`, also when none does in time."""
    failure = OSError("there is no address to connect to")
    for address in addresses:
        connected = socket.socket(address.family, socket.SOCK_STREAM)
        try:
            connected.settimeout(deadline.left("no connection"))
            connected.connect(address.at)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # head and body do not wait for each other
            if security is not None:
                connected = security.context.wrap_socket(connected, server_hostname=security.name)
        except OSError as error:
            connected.close()
            if isinstance(error, TimeoutError):
                raise deadline.over("no connection") from None
            if isinstance(error, ssl.SSLError):
                raise
            failure = error
        else:
            return Line(connected, deadline)
    raise failure
