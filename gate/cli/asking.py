"""Asks a gate over HTTP what it knows: one question, one answer."""

import json
import re
from collections.abc import Mapping

import requests

from gate.errors import Permanent, Temporary
from gate.web.answer import Answer
from gate.web.answer_json import from_json

CONNECT_TIMEOUT = 5.0
MARGIN = 10.0
"""Seconds that an answer may take beyond the time that the gate was allowed to hold the question."""
LARGEST_BODY = 4 * 1024 * 1024
"""Bytes."""

_REFUSED = {400, 401, 403, 422}


class AskedGate:
    """A gate at an address, asked one question again and again."""

    def __init__(self, address: str, question: Mapping[str, str], token: str = "") -> None:
        """`question`: the query of `/api/v1/wait`, without `after` and `timeout`; `token`: what says who asks."""
        self.address = address.rstrip("/")
        self._question = dict(question)
        self._token = token

    def ask(self, *, after: str, timeout: float) -> Answer:
        """The answer once its etag is not `after`, or after `timeout` seconds.

        `Permanent` if the gate refuses the question; `Temporary` for all else: while the gate restarts, what stands
        before it may answer with anything, a 404 included.
        """
        query = self._question | {"after": after, "timeout": f"{timeout:.1f}"}
        try:
            with requests.get(
                f"{self.address}/api/v1/wait",
                params=query,
                timeout=(CONNECT_TIMEOUT, timeout + MARGIN),
                stream=True,
                auth=self._say_who,
                headers={"Accept": "application/json", "User-Agent": "chaos-gate wait"},
                # A redirect would carry the token to wherever it points.
                allow_redirects=not self._token,
            ) as response:
                status, said = response.status_code, self._read(response)
        except requests.exceptions.RequestException as error:
            raise Temporary(f"{self.address} cannot be reached ({type(error).__name__})") from error
        if status == 200:
            return from_json(said)
        why = str(said.get("error", "")) if isinstance(said, dict) else ""
        message = f"{self.address} answered {status}{f': {why}' if why else ''}"
        raise Permanent(message) if status in _REFUSED else Temporary(message)

    def _say_who(self, prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        """As `auth` it also keeps a .netrc from saying somebody else."""
        if self._token:
            if not re.fullmatch(r"[!-~]+", self._token):  # the library's own error would show it
                raise Permanent("CHAOS_GATE_ID_TOKEN holds no JWT; let GitLab write it by `id_tokens`")
            prepared.headers["Authorization"] = f"Bearer {self._token}"
        return prepared

    def _read(self, response: requests.Response) -> object:
        """The JSON of the body; None if there is none, as from a proxy."""
        body = bytearray()
        for chunk in response.iter_content(64 * 1024):
            body += chunk
            if len(body) > LARGEST_BODY:
                raise Temporary(f"{self.address} answered more than {LARGEST_BODY} bytes")
        try:
            return json.loads(body)
        except ValueError:
            return None
