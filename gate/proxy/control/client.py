"""Asks a proxy's control API: what people and the gate use who stand beside the proxy, in its container."""

import http.client
import json
from http import HTTPStatus

from gate.errors import Absent, Permanent, Temporary
from gate.proxy.spec import Address

PATIENCE = 10.0
"""Seconds for one answer."""


def ask(control: Address, method: str, path: str, body: str | None, *, token: str | None = None) -> str:
    """The body of the answer.

    Raises `Absent` for what is not there, `Permanent` for what the proxy refuses, with its reason, and `Temporary`
    where nobody answers.
    """
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    connection = http.client.HTTPConnection(control.host, control.port, timeout=PATIENCE)
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        said = reply.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise Temporary(f"control {control}: no proxy answers there: {error}") from error
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
