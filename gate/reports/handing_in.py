"""Brings an evidence file to the gate over its HTTP API, and fetches it there, each as a service account."""

import re
from collections.abc import Callable
from pathlib import Path

import requests
import urllib3

from gate.config import Secret
from gate.errors import GateError, Permanent, Temporary
from gate.reports.evidence import Filed
from gate.reports.shelf import check, write

CONNECT_TIMEOUT, ANSWER_TIMEOUT = 5.0, 60.0
_REFUSED = {400, 401, 403, 413, 422}


def hand_in(address: str, token: Secret, folder: Path, named: Filed) -> None:
    """`Permanent` if the gate refuses it; `Temporary` for all else: while the gate restarts, what stands before it may
    answer with anything, a 404 included.
    """
    path, say_who = f"{named.namespace}/{named.file}", _bearer(token())
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
    if answer.status_code not in {200, 201}:
        raise _refusal(address, answer)


def fetch(address: str, token: str, named: Filed, folder: Path) -> Path:
    """The file, in `folder`, if it is whole and has the hash that is named. Raises `Permanent` and `Temporary`."""
    place, coming = folder / named.file, folder / f"{named.file}.part"
    try:
        with requests.get(
            f"{address}/api/v1/evidence/{named.namespace}/{named.file}",
            auth=_bearer(token),
            headers={"User-Agent": "chaos-gate report"},
            timeout=(CONNECT_TIMEOUT, ANSWER_TIMEOUT),
            allow_redirects=False,
            stream=True,
        ) as answer:
            if answer.status_code != 200:
                raise _refusal(address, answer)
            write(coming, answer.raw)
        check(coming, named)
        coming.rename(place)
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as error:
        raise Temporary(f"{address} cannot be reached ({type(error).__name__})") from error
    except OSError as error:
        raise Permanent(f"{place} cannot be written: {error.strerror or error}") from error
    finally:
        coming.unlink(missing_ok=True)
    return place


def _bearer(token: str) -> Callable[[requests.PreparedRequest], requests.PreparedRequest]:
    """Says who asks. As `auth` it also keeps a .netrc from saying somebody else."""
    if not re.fullmatch(r"[!-~]+", token):  # the library's own error would show it
        raise Permanent("there is no token of a service account")

    def say_who(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {token}"
        return prepared

    return say_who


def _refusal(address: str, answer: requests.Response) -> GateError:
    message = f"{address} answered {answer.status_code}: {answer.text[:300].strip()}"
    return Permanent(message) if answer.status_code in _REFUSED else Temporary(message)
