"""The body of an answer, within bounds: however large it would be, and however slowly it drips."""

import time
from collections.abc import Callable

import requests
import urllib3

from gate.errors import Temporary

_PART = 64 * 1024


def body_of(
    response: requests.Response,
    what: str,
    *,
    largest: int,
    within: float,
    monotonic: Callable[[], float] = time.monotonic,
) -> bytes:
    """The body of a response that was asked for with `stream`; `what` is what messages call it.

    Raises `Temporary` if it has more than `largest` bytes, or if it is not there `within` so many seconds. Between two
    bytes the timeout of the request holds, so that it may take as long again.
    """
    deadline, body = monotonic() + within, bytearray()
    try:
        # What `requests` offers waits until a whole part is there: a server that drips would be read for days.
        while part := response.raw.read1(_PART, decode_content=True):
            body += part
            if len(body) > largest:
                raise Temporary(f"{what} has more than {largest} bytes; it was dropped")
            if monotonic() > deadline:
                raise Temporary(f"{what} took more than {within:.0f} s; it was dropped")
    except urllib3.exceptions.HTTPError as error:
        raise Temporary(f"{what} was cut off: {error}") from error
    return bytes(body)
