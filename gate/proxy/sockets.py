"""Sockets: how a connection is taken, and the two ways in which a proxy ends one: a true RST, and a true FIN."""

import asyncio
import errno
import os
import socket
import struct
from collections.abc import Callable

from gate.errors import Permanent
from gate.proxy.spec import Address

BACKLOG = 4096
LINGER = 2.0
"""Seconds that a client which was told the end has to say its own."""


def listening(address: Address, *, shared: bool = False) -> socket.socket:
    """A socket that listens there; `shared`: several processes may. Raises Permanent, in words."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        taken = socket.socket(family, kind)
    except OSError as error:
        raise Permanent(f"listen {address}: {error.strerror}; name an address of this machine") from error
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(where)
        taken.listen(BACKLOG)
        taken.setblocking(False)
    except OSError as error:
        taken.close()
        remedy = "is taken; choose another port" if error.errno == errno.EADDRINUSE else str(error.strerror)
        raise Permanent(f"listen {address}: {remedy}") from error
    return taken


def reset(transport: asyncio.WriteTransport) -> None:
    """End it with a RST; what was on the way is lost, and nobody is waited for."""
    own = transport.get_extra_info("socket")
    if own is not None and own.fileno() >= 0 and not transport.is_closing():
        # A copy of the descriptor, because uvloop's transports do not hand out the socket itself.
        with socket.socket(fileno=os.dup(own.fileno())) as copy:
            copy.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


class Side(asyncio.Protocol):
    """One end of a link: hands on what its transport tells, and can say goodbye."""

    def __init__(
        self,
        *,
        made: Callable[[asyncio.Transport], None],
        lost: Callable[[Exception | None], None],
        receive: Callable[[bytes], None],
        end: Callable[[], None],
        block: Callable[[bool], None],
    ) -> None:
        self.transport: asyncio.Transport | None = None
        self._receive = receive
        self._made, self._lost, self._end, self._block = made, lost, end, block
        self._loop: asyncio.AbstractEventLoop | None = None
        """Once goodbye is said."""
        self._leaving: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  # TCP, by what it is registered for
        self.transport = transport
        self._made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._leaving is not None:
            self._leaving.cancel()
        self._lost(exc)

    def data_received(self, data: bytes) -> None:
        self._receive(data)

    def eof_received(self) -> bool:
        if self._loop is not None:
            self.close()
        else:
            self._end()
        return True

    def pause_writing(self) -> None:
        if self._loop is None:
            self._block(True)

    def resume_writing(self) -> None:
        if self._loop is None:
            self._block(False)
        else:
            self._linger(self._loop)

    def finish(self) -> None:
        """Nothing more is said; what the other end says is still heard."""
        if self.transport is not None and not self.transport.is_closing():
            _no_more(self.transport)

    def goodbye(self, loop: asyncio.AbstractEventLoop) -> None:
        """End it with a FIN. What the client still sends is read and dropped: a socket that is closed with bytes unread
        sends a RST. How long the client takes for what was written before is its own affair.
        """
        if self.transport is None or self.transport.is_closing() or self._loop is not None:
            return
        self._loop = loop
        self._receive = _drop
        _no_more(self.transport)
        if self.transport.is_closing():
            return
        self.transport.resume_reading()
        if self.transport.get_write_buffer_size():
            self.transport.set_write_buffer_limits(high=0)  # To be told when it is empty.
        else:
            self._linger(loop)

    def _linger(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._leaving is None and self.transport is not None:
            self._leaving = loop.call_later(LINGER, self.transport.abort)

    def close(self) -> None:
        """Close it when all that was written has gone."""
        if self.transport is not None:
            self.transport.close()

    def reset(self) -> None:
        """End it with a RST now."""
        if self.transport is not None:
            reset(self.transport)


def _no_more(transport: asyncio.Transport) -> None:
    """The end of what is said; of a connection whose RST has come, and that nobody has read yet, all of it."""
    if transport.can_write_eof():
        try:
            transport.write_eof()
        except OSError:
            transport.abort()


def _drop(data: bytes) -> None:
    """Into nothing."""
