"""Hands an evidence file in to the gate, over its HTTP API, as the service account that executed the run."""

import re
from pathlib import Path

import requests

from gate.config import Secret
from gate.errors import Permanent, Temporary
from gate.reports.evidence import Filed

CONNECT_TIMEOUT, ANSWER_TIMEOUT = 5.0, 60.0
_REFUSED = {400, 401, 403, 413, 422}


def hand_in(address: str, token: Secret, folder: Path, named: Filed) -> None:
    """`Permanent` if the gate refuses it; `Temporary` for all else: while the gate restarts, what stands before it may
    answer with anything, a 404 included.
    """
    path = f"{named.namespace}/{named.file}"
    secret = token()
    if not re.fullmatch(r"[!-~]+", secret):  # the library's own error would show it
        raise Permanent("the file with the token of the service account holds none")

    def say_who(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        """As `auth` it also keeps a .netrc from saying somebody else."""
        prepared.headers["Authorization"] = f"Bearer {secret}"
        return prepared

    try:
        with (folder / path).open("rb") as file:
            answer = requests.put(
                f"{address}/api/v1/evidence/{path}",
                data=file,
                auth=say_who,
                headers={"Content-Type": "application/gzip", "User-Agent": "chaos-gate execute"},
                timeout=(CONNECT_TIMEOUT, ANSWER_TIMEOUT),
                allow_redirects=False,  # a redirect would carry the token to wherever it points
            )
    except requests.exceptions.RequestException as error:
        raise Temporary(f"{address} cannot be reached ({type(error).__name__})") from error
    except OSError as error:
        raise Permanent(f"{path} cannot be read: {error.strerror}") from error
    if answer.status_code in {200, 201}:
        return
    message = f"{address} answered {answer.status_code}: {answer.text[:300].strip()}"
    raise Permanent(message) if answer.status_code in _REFUSED else Temporary(message)
