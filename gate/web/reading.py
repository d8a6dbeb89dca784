"""Who may read of everybody's gates: whoever comes by the gate's own loopback, and whoever Kubernetes lets read them.

`kubectl port-forward` comes by the loopback of the pod, and Kubernetes has asked for the right to do so. Whatever a
proxy passes on says so in its headers, and is not taken for that.
"""

import base64
import binascii

from flask import request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from gate.errors import Unproven
from gate.web.own import bearer
from gate.web.views import Readable, Readers

LOOPBACK = {"127.0.0.1", "::1"}
PASSED_ON = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via")
ASK = WWWAuthenticate("basic", {"realm": "chaos-gate: any name; as password a token of Kubernetes for chaos-gate"})
REMEDY = (
    "say who you are: a token of Kubernetes for the audience chaos-gate, as bearer or as password; "
    "or come by kubectl port-forward"
)


def insist(readers: Readers | None, what: Readable, namespace: str = "") -> None:
    """Raises `Unauthorized` for nobody known, `Denied` for somebody who may not read these there, `Temporary` if
    that cannot be told just now. No `readers`: everybody may. No namespace: all of them.
    """
    if readers is None or _is_local():
        return
    token = _token(request.headers.get("Authorization", ""))
    if not token:
        raise Unauthorized(REMEDY, www_authenticate=ASK)
    try:
        readers.insist(token, what, namespace)
    except Unproven as error:  # a browser shows an old token again and again until it is asked for another one
        raise Unauthorized(f"{error}; {REMEDY}", www_authenticate=ASK) from error


def _is_local() -> bool:
    return request.remote_addr in LOOPBACK and not any(name in request.headers for name in PASSED_ON)


def _token(authorization: str) -> str:
    """That of a program, or the password that a person has given to a browser."""
    scheme, _, given = authorization.partition(" ")
    if scheme.lower() != "basic":
        return bearer(authorization)
    try:
        return base64.b64decode(given, validate=True).decode().partition(":")[2].strip()
    except (binascii.Error, UnicodeDecodeError):
        return ""
