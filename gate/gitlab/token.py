"""The token that we speak to a GitLab with: read anew at each use, never shown, and not used again once refused."""

import hashlib
import re
from collections.abc import Callable

import requests
from requests.auth import AuthBase

from gate.errors import Temporary

HEADER = "PRIVATE-TOKEN"
REFUSED = (
    "GitLab answered 401: the token is wrong, revoked or expired, and nothing is sent with it any more; "
    "put a valid one into the token file"
)
PAUSE = 60.0
"""Seconds until somebody looks again whether there is another token in place of one that was refused."""

Token = Callable[[], str]
"""Gives the token of this moment, so that it can be rotated while the gate runs."""


class TokenRefused(Temporary):
    """GitLab does not take the token: nothing is sent with it any more, until another one is in its place."""


class PrivateToken(AuthBase):
    """Puts the token on a request. As `auth` it also keeps a .netrc from adding a second identity."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._refused = ""

    def __call__(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        token = self._token()
        # Sent as it is, a token with a line break in it would come back in the text of the library's error.
        if not re.fullmatch(r"[!-~]+", token):
            raise Temporary("the GitLab token is empty or holds spaces; its file must hold the token and nothing else")
        if _mark(token) == self._refused:
            raise TokenRefused(REFUSED, retry_after=PAUSE)
        prepared.headers[HEADER] = token
        return prepared

    def refuse(self, sent: requests.PreparedRequest) -> bool:
        """Never send the token of this request again. False if that was known."""
        mark = _mark(sent.headers.get(HEADER, ""))
        new, self._refused = mark != self._refused, mark
        return new

    def forgive(self) -> None:
        """Let what was refused be tried once more."""
        self._refused = ""

    def __repr__(self) -> str:
        return "<token>"


def _mark(token: str) -> str:
    """What is kept of a token, to know it again."""
    return hashlib.sha256(token.encode()).hexdigest()
