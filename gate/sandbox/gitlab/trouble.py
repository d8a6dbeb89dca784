"""Misbehaviour on demand: the next requests of a kind are answered as a GitLab in trouble would answer them."""

import re
import threading
from dataclasses import dataclass
from enum import StrEnum


class Trouble(StrEnum):
    """What happens to a request."""

    LOCKED = "locked"
    """409: another request holds the lock."""
    TOO_MANY = "too many"
    """429 in plain text, with Retry-After."""
    BAD_GATEWAY = "bad gateway"
    """502 in HTML, from a proxy."""
    READ_ONLY = "read only"
    """403: maintenance mode."""
    FAILED_AFTER = "failed after"
    """500, although the work was done."""
    CUT_BEFORE = "cut before"
    """The connection is cut, nothing was done."""
    CUT_AFTER = "cut after"
    """The connection is cut, although the work was done."""


ANSWERS: dict[Trouble, tuple[int, str, str]] = {
    Trouble.LOCKED: (409, "application/json", '{"message":"409 Conflict: Resource lock"}'),
    Trouble.TOO_MANY: (429, "text/plain", "Retry later\n"),
    Trouble.BAD_GATEWAY: (502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    Trouble.READ_ONLY: (
        403,
        "application/json",
        '{"message":"You cannot perform write operations on a read-only instance"}',
    ),
    Trouble.FAILED_AFTER: (500, "application/json", '{"message":"500 Internal Server Error"}'),
}
"""Status, content type and body."""

AFTER = frozenset({Trouble.FAILED_AFTER, Trouble.CUT_AFTER})
"""The trouble that comes when the work is done already."""
CUT = frozenset({Trouble.CUT_BEFORE, Trouble.CUT_AFTER})


@dataclass(slots=True)
class _Order:
    trouble: Trouble
    method: str
    path: re.Pattern[str]
    left: int


class Troubles:
    """What was ordered and has not happened yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[_Order] = []

    def order(self, trouble: Trouble, *, times: int = 1, method: str = "POST", path: str = ".*") -> None:
        """The next so many requests with this method, whose path matches, run into it."""
        with self._lock:
            self._orders.append(_Order(trouble, method, re.compile(path), times))

    def meets(self, method: str, path: str) -> Trouble | None:
        """What this request runs into."""
        with self._lock:
            for order in self._orders:
                if order.left and order.method == method and order.path.search(path):
                    order.left -= 1
                    return order.trouble
        return None
