"""Which project a job is of, proven by the JWT that its GitLab signed for it (`id_tokens`)."""

import json
import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from joserfc import jwk, jwt
from joserfc.errors import JoseError

from gate.errors import Denied, Permanent, Temporary
from gate.gitlab.bodies import body_of

log = logging.getLogger(__name__)

KEYS = "/oauth/discovery/keys"
ALGORITHMS = ["RS256"]
"""The one that GitLab signs with; whatever else a token asks for is not done."""
LEEWAY = 30
"""Seconds that two clocks may differ."""
FRESH, AT_MOST = 3600.0, 30.0
"""Seconds for which keys are taken as they are, and between two tries to read them, whatever came of the first."""
TIMEOUT = 10.0
WHOLE_TIMEOUT = 10.0
"""Seconds until the first byte or between two, and for all of them."""
LARGEST_BODY = 1024 * 1024
"""Bytes."""
LONGEST_TOKEN = 16 * 1024
"""Characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """A GitLab that signs: its address is the issuer that its tokens name."""

    url: str
    authority: Path | None = None


class JobTokens:
    """Verifies the tokens of jobs, with the public keys of the GitLabs that are configured and of no other."""

    def __init__(
        self,
        signers: Sequence[Signer],
        audience: str,
        *,
        home: Callable[[str], str],
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`audience`: what a job has to write as `aud`; `home`: the address of the GitLab that a project is on."""
        self._keys = [(signer, _Keys(signer, monotonic)) for signer in signers]
        self.audience, self._home, self._now = audience, home, now

    def project(self, token: str) -> str:
        """The path of the project. `Denied` with what is wrong with the token, `Temporary` while there are no keys."""
        if not token or len(token) > LONGEST_TOKEN:
            raise Denied(f"a job has to send a JWT of its GitLab: `id_tokens` with `aud: {self.audience}`")
        faults, lost = [], []
        for signer, keys in self._keys:
            try:
                return self._read(token, signer, keys)
            except Temporary as error:
                lost.append(error)
            except (JoseError, ValueError) as error:
                faults.append(f"{signer.url}: {_said(error)}")
        if lost:  # one of these may have signed it
            raise lost[0]
        raise Denied(
            f"the JWT is not taken ({'; '.join(faults)}); it needs `aud: {self.audience}`, from a GitLab of ours"
        )

    def _read(self, token: str, signer: Signer, keys: "_Keys") -> str:
        claims = self._claims(token, keys)
        rules = jwt.JWTClaimsRegistry(
            now=lambda: int(self._now()),
            leeway=LEEWAY,
            iss={"essential": True, "value": signer.url},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
            project_path={"essential": True},
        )
        rules.validate(claims)
        project = claims["project_path"]
        if not isinstance(project, str):
            raise Denied(f"the JWT of {signer.url} names no project; `project_path` has to be a path, such as shop/api")
        self._at_home(project, signer)
        return project

    def _at_home(self, project: str, signer: Signer) -> None:
        """Whoever runs one GitLab may name a project there as one that is on another."""
        try:
            home = self._home(project)
        except Permanent as error:
            raise Denied(f"{signer.url} may not speak for {project}: {error}") from error
        if home != signer.url:
            raise Denied(f"{signer.url} may not speak for {project}, which is on {home}; mend `groups` if it moved")

    def _claims(self, token: str, keys: "_Keys") -> dict[str, Any]:
        known = keys.known()
        try:
            claims: dict[str, Any] = jwt.decode(token, known, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError):
            newer = keys.renewed()
            if newer is known:
                raise
            claims = jwt.decode(token, newer, algorithms=ALGORITHMS).claims
        return claims


class _Keys:
    """The public keys of one GitLab, kept for a while: it may change them at any time.

    One thread asks for them; meanwhile the others have the old ones, or none, and never wait.
    """

    def __init__(self, signer: Signer, monotonic: Callable[[], float]) -> None:
        self._signer, self._monotonic = signer, monotonic
        self._asking = threading.Lock()
        self._set: jwk.KeySet | None = None
        self._read = self._tried = -math.inf
        self._lacking = f"the keys of {signer.url} are being read"
        """Why newer ones are not there; empty if those that are known were the newest at the last try."""

    def known(self) -> jwk.KeySet:
        """Also those that are old, while there are no others; `Temporary` if there are none."""
        if self._monotonic() - self._read > FRESH:
            self._try()
        if self._set is None:
            raise Temporary(self._lacking, retry_after=AT_MOST)
        return self._set

    def renewed(self) -> jwk.KeySet:
        """Read again, unless that was tried just now: whoever sends rubbish cannot make us ask all the time."""
        self._try()
        if self._set is None or self._lacking:
            raise Temporary(self._lacking, retry_after=AT_MOST)
        return self._set

    def _try(self) -> None:
        if not self._asking.acquire(blocking=False):
            return
        try:
            if self._monotonic() - self._tried < AT_MOST:
                return
            self._tried = self._monotonic()
            self._lacking = f"the keys of {self._signer.url} are being read"
            self._set = self._fetch()
            self._read, self._lacking = self._tried, ""
        except Temporary as error:
            self._lacking = str(error)
            log.warning("gitlab.keys_unread why=%r", self._lacking)
        finally:
            self._asking.release()

    def _fetch(self) -> jwk.KeySet:
        address, verify = f"{self._signer.url}{KEYS}", str(self._signer.authority) if self._signer.authority else True
        try:
            with requests.get(address, timeout=TIMEOUT, verify=verify, allow_redirects=False, stream=True) as answer:
                answer.raise_for_status()
                body = body_of(answer, f"what {address} answered", largest=LARGEST_BODY, within=WHOLE_TIMEOUT)
            said: Mapping[str, Any] = json.loads(body)
            return jwk.KeySet.import_key_set({"keys": list(said["keys"])})
        # A file of CAs that is not there is a plain OSError.
        except (OSError, JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise Temporary(f"the keys of {self._signer.url} cannot be read: {_why(error)}") from error


def _why(error: Exception) -> str:
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return f"{error}; mount the file of its CA there"
    return type(error).__name__


def _said(error: Exception) -> str:
    """Never the token itself, which some texts of the library could hold."""
    return str(error.error) if isinstance(error, JoseError) else "it cannot be read"
