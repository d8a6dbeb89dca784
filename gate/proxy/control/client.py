"""Asks a proxy's control API: what people and the gate use who stand beside the proxy, in its container."""

import http.client
import json
import time
from collections.abc import Mapping
from http import HTTPStatus

from gate.errors import Absent, Permanent, Temporary
from gate.proxy.spec import Address

PATIENCE = 10.0
"""Seconds for one answer."""
AGAIN = 0.1
"""Seconds until one looks again whether somebody listens."""


def ask(
    control: Address, method: str, path: str, body: str | None, *, token: str | None = None, within: float = 0.0
) -> str:
    """The body of the answer. A proxy that does not listen yet may begin to `within` so many seconds.

    Raises `Absent` for what is not there, `Permanent` for what the proxy refuses, with its reason, and `Temporary`
    where nobody answers.
    """
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    end = time.monotonic() + within
    while True:
        try:
            return _once(control, method, path, body, headers)
        except ConnectionRefusedError as error:
            if time.monotonic() >= end:
                raise Temporary(f"control {control}: no proxy listens there") from error
            time.sleep(AGAIN)
        except (OSError, http.client.HTTPException) as error:
            raise Temporary(f"control {control}: no proxy answers there: {error}") from error


def _once(control: Address, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> str:
    connection = http.client.HTTPConnection(control.host, control.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, dict(headers))
        reply = connection.getresponse()
        said = reply.read().decode("utf-8", "replace")
    finally:
        connection.close()
    if reply.status < HTTPStatus.BAD_REQUEST:
        return said
    error_of = Absent if reply.status == HTTPStatus.NOT_FOUND else Permanent
    raise error_of(f"{method} {path}: {_why(said) or reply.reason}")


def _why(said: str) -> str:
    """The reason in a refusal; empty if it is none of the proxy's."""
    try:
        given = json.loads(said)
    except ValueError:
        return ""
    return str(given.get("error", "")) if isinstance(given, dict) else ""
