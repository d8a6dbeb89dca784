"""The sandbox's own /16 of 127.0.0.0/8, for its node, pods and services, so that sandboxes can run side by side."""

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

from gate.errors import Permanent

_CLAIM_PORT = 17_161
"""Whoever has bound this port on the last address of a /16 owns it; the kernel takes it back when the owner dies."""

_SECOND_OCTETS = range(16, 240)
"""127.0 and its neighbours are left to everybody else (127.0.0.53 is a resolver on many machines)."""

_POD_BLOCKS = range(1, 100)
_SERVICE_BLOCKS = range(128, 160)


class Addresses:
    """Owns one /16 and hands out its addresses.

    An address that was given back is used again only after all others of its kind: a client that still holds it meets
    nobody, not a stranger.

    Raises:
        Permanent: every /16 of loopback is taken by another sandbox.
    """

    def __init__(self, *, start: int | None = None) -> None:
        """`start` is the second octet to try first; by default the process id decides, so neighbours rarely meet."""
        self._claim, self.second_octet = _claim(os.getpid() if start is None else start - _SECOND_OCTETS.start)
        self.node = f"127.{self.second_octet}.0.1"
        self._pods = _Pool(lambda: _hosts(self.second_octet, _POD_BLOCKS))
        self._services = _Pool(lambda: _hosts(self.second_octet, _SERVICE_BLOCKS))

    def pod(self) -> str:
        """An address that no pod has now."""
        return self._pods.take()

    def service(self) -> str:
        """An address that no Service has now."""
        return self._services.take()

    def reserve(self, address: str) -> None:
        """Mark an address as used that somebody chose by hand (`spec.clusterIP`)."""
        self._services.reserve(address)

    def release(self, address: str) -> None:
        """Give an address back; one that was never handed out is ignored."""
        self._pods.release(address)
        self._services.release(address)

    def close(self) -> None:
        """Leave the /16 to others."""
        self._claim.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _Pool:
    """Addresses of one kind, handed out in turn."""

    def __init__(self, hosts: Callable[[], Iterator[str]]) -> None:
        self._hosts = hosts
        self._turn = hosts()
        self._used: set[str] = set()
        self._lock = threading.Lock()

    def take(self) -> str:
        with self._lock:
            for _round in range(2):
                for address in self._turn:
                    if address not in self._used:
                        self._used.add(address)
                        return address
                self._turn = self._hosts()
        raise Permanent(f"all {len(self._used)} addresses of the sandbox are in use; delete some pods or Services")

    def reserve(self, address: str) -> None:
        with self._lock:
            self._used.add(address)

    def release(self, address: str) -> None:
        with self._lock:
            self._used.discard(address)


def _hosts(second_octet: int, blocks: Sequence[int]) -> Iterator[str]:
    for block in blocks:
        for host in range(1, 255):
            yield f"127.{second_octet}.{block}.{host}"


def _claim(start: int) -> tuple[socket.socket, int]:
    for offset in range(len(_SECOND_OCTETS)):
        second_octet = _SECOND_OCTETS[(start + offset) % len(_SECOND_OCTETS)]
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        with contextlib.ExitStack() as undo:
            undo.callback(claim.close)
            try:
                claim.bind((f"127.{second_octet}.255.254", _CLAIM_PORT))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                continue
            undo.pop_all()
            return claim, second_octet
    raise Permanent("every /16 of 127.0.0.0/8 is taken by another sandbox; stop one of them")
