"""What a verifier of the jobs' JWTs needs: OpenID discovery and the public keys."""

from gate.sandbox.gitlab.asking import Answer, Route, Routes
from gate.sandbox.gitlab.openid.keys import Keys

KEYS = "/oauth/discovery/keys"


class Oidc:
    """The routes of OpenID Connect, below the server's own address. There is nobody to sign in."""

    def __init__(self, keys: Keys, url: str) -> None:
        self._keys, self._url = keys, url

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            Route("/.well-known/openid-configuration", "GET", self._discovery),
            Route(KEYS, "GET", self._key_set),
        )

    def _discovery(self) -> Answer:
        return {
            "issuer": self._url,
            "jwks_uri": f"{self._url}{KEYS}",
            "id_token_signing_alg_values_supported": ["RS256"],
            "subject_types_supported": ["public"],
            "response_types_supported": ["code"],
            "claims_supported": ["iss", "sub", "aud", "exp", "iat", "nbf", "jti"],
        }

    def _key_set(self) -> Answer:
        return self._keys.public()
