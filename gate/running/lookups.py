"""Host names as authors write them -> addresses to connect to, within a time, however silent the resolver is."""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

from gate.errors import Absent, GateError, Temporary
from gate.running.aside import Aside

UNKNOWN = {socket.EAI_NONAME, socket.EAI_NODATA, socket.EAI_ADDRFAMILY}
"""What the system's resolver says when it was told that there is no such name, or that the name has no address."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where to connect to, in the words of `socket`."""

    family: int
    at: tuple[Any, ...]


class Lookups:
    """Looks up one host. Thread-safe."""

    def __init__(self, host: str, resolve: Callable[[str], str]) -> None:
        """`resolve` is asked first, and the system's resolver for what it gives."""
        self._host, self._resolve = host, resolve
        self._aside = Aside(f"the look-up of {host}")
        self._is_address = _is_address(host)

    def addresses(self, port: int, seconds: float) -> Sequence[Address]:
        """The addresses, best first. Raises `Absent` when nobody has the name, another `GateError` when nobody says."""
        if self._is_address:  # to be read, and not to be looked up
            return self._look_up(port)
        return self._aside.wait_for(lambda: self._look_up(port), seconds)

    def begin(self, port: int) -> "Future[Sequence[Address]]":
        """The same, to be waited for by somebody who may not be blocked."""
        return self._aside.begin(lambda: self._look_up(port))

    def _look_up(self, port: int) -> Sequence[Address]:
        try:
            host = self._host if self._is_address else self._resolve(self._host)
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except socket.gaierror as error:
            raise meaning(error, self._host) from error
        except UnicodeError as error:
            raise Absent(f"{self._host} cannot be the name of a host: {error}") from error
        except OSError as error:
            raise Temporary(f"{self._host} cannot be looked up: {error}") from error
        return [Address(family, at) for family, _, _, _, at in found]


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def meaning(error: socket.gaierror, host: str) -> GateError:
    """To be told that a name does not exist is an answer; not to be told anything is none."""
    if error.errno in UNKNOWN:
        return Absent(f"no such host: {host}")
    return Temporary(f"{host} cannot be looked up: {error.strerror}")
