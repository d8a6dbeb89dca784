"""The key that signs the JWTs of jobs; it is worth nothing outside the sandbox, and ends with it."""

import threading
from collections.abc import Mapping
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey

BITS = 2048
ALGORITHM = "RS256"


class Keys:
    """One key, made when it is first needed, since that takes a moment."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: RSAKey | None = None

    @property
    def _key(self) -> RSAKey:
        with self._lock:
            if self._made is None:
                self._made = RSAKey.generate_key(BITS, {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            return self._made

    def public(self) -> dict[str, Any]:
        """The JSON Web Key Set."""
        return {"keys": [self._key.as_dict(private=False)]}

    def jwt(self, claims: Mapping[str, Any]) -> str:
        """A signed token."""
        key = self._key
        return str(jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "JWT"}, dict(claims), key))
