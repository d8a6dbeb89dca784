"""What probes and hooks share: how to run a command in a container, and how to find its ports."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from gate.sandbox.kubernetes.language.objects import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a command in a container ended, and the beginning of what it wrote."""

    code: int | None
    """None: it took too long and was killed."""
    output: str = ""


Run: TypeAlias = Callable[[list[str], float | None], Ran]
"""Runs a command as the container would, for at most so many seconds (None: for as long as the container lives)."""


class NoSuchPort(OSError):
    """The container has no port of that name."""


def port_number(container: Object, port: int | str) -> int:
    """The port that a probe or hook means, by number or by name. Raises NoSuchPort."""
    if isinstance(port, int):
        return port
    for named in container.get("ports") or ():
        if named.get("name") == port:
            return int(named["containerPort"])
    raise NoSuchPort(f'unknown port "{port}"')
