"""A client that can only look: for whoever says what would happen, and must never do any of it.

That is so by construction, not by care: the carrier lets nothing but GET through, and a command in a container, which
has a connection of its own, is never begun.
"""

from collections.abc import Mapping, Sequence
from typing import NoReturn

import urllib3
from kubernetes.client import Configuration

from gate.cluster.api import Api, Carrier
from gate.errors import Permanent


class Looking(Api):
    """An API server that is asked, and told nothing. Every method that would change something raises `Permanent`."""

    def __init__(self, configuration: Configuration, carrier: Carrier | None = None) -> None:
        super().__init__(configuration, carrier)
        self._carrier: Carrier = _OnlyGet(self._carrier)
        self._before_write = _refuse

    def execute(
        self, namespace: str, pod: str, container: str, command: Sequence[str], *, changing: bool = True
    ) -> str:
        """Nothing is run, not even what only looks: that has written nothing then."""
        if changing:
            _refuse()
        return ""


class _OnlyGet:
    """Carries requests that only read."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        retries: bool,
        preload_content: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        if method != "GET":
            _refuse()
        return self._carrier.request(
            method, url, body, headers=headers, timeout=timeout, retries=retries, preload_content=preload_content
        )


def _refuse() -> NoReturn:
    raise Permanent("nothing is changed here: this only says what would happen")
