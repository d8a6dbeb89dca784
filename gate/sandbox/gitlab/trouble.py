"""Misbehaviour on demand: the next requests of a kind are answered as a GitLab in trouble would answer them."""

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Trouble(StrEnum):
    """What happens to a request."""

    LOCKED = "locked"
    """409: another request holds the lock, in the words of most versions."""
    LOCKED_NEWER = "locked, newer"
    """409 in the words of newer versions."""
    TOO_MANY = "too many"
    """429 in plain text, with Retry-After."""
    TOO_MANY_SILENT = "too many, silent"
    """429 in plain text, without a word about when to come again."""
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
    SLOW_BEFORE = "slow before"
    """The work begins late."""
    SLOW_AFTER = "slow after"
    """The work is done at once, the answer comes late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledAnswer:
    """What comes in place of the answer."""

    status: int
    content_type: str
    body: str
    headers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


JSON, TEXT, HTML = "application/json", "text/plain", "text/html"
THROTTLED = MappingProxyType(
    {
        "Retry-After": "1",
        "RateLimit-Limit": "60",
        "RateLimit-Name": "throttle_authenticated_api",
        "RateLimit-Observed": "67",
        "RateLimit-Remaining": "0",
    }
)
ANSWERS: Mapping[Trouble, TroubledAnswer] = {
    Trouble.LOCKED: TroubledAnswer(status=409, content_type=JSON, body='{"message":"409 Conflict: Resource lock"}'),
    Trouble.LOCKED_NEWER: TroubledAnswer(status=409, content_type=JSON, body='{"message":"Failed to obtain a lock"}'),
    Trouble.TOO_MANY: TroubledAnswer(status=429, content_type=TEXT, body="Retry later\n", headers=THROTTLED),
    Trouble.TOO_MANY_SILENT: TroubledAnswer(status=429, content_type=TEXT, body="Retry later\n"),
    Trouble.BAD_GATEWAY: TroubledAnswer(
        status=502, content_type=HTML, body="<html><body><h1>502 Bad Gateway</h1></body></html>"
    ),
    Trouble.READ_ONLY: TroubledAnswer(
        status=403,
        content_type=JSON,
        body='{"message":"You cannot perform write operations on a read-only instance"}',
    ),
    Trouble.FAILED_AFTER: TroubledAnswer(status=500, content_type=JSON, body='{"message":"500 Internal Server Error"}'),
}

AFTER = frozenset({Trouble.FAILED_AFTER, Trouble.CUT_AFTER, Trouble.SLOW_AFTER})
"""The trouble that comes when the work is done already."""
CUT = frozenset({Trouble.CUT_BEFORE, Trouble.CUT_AFTER})
SLOW = frozenset({Trouble.SLOW_BEFORE, Trouble.SLOW_AFTER})


@dataclass(slots=True)
class Order:
    """Trouble for the next so many requests of a kind; `delay` in seconds, for those that are slow."""

    trouble: Trouble
    method: str
    path: re.Pattern[str]
    left: int
    delay: float


class Troubles:
    """What was ordered and has not happened yet."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._orders: list[Order] = []
        self._over = threading.Event()

    def order(
        self, trouble: Trouble, *, times: int = 1, method: str = "POST", path: str = ".*", delay: float = 0.0
    ) -> None:
        """The next so many requests with this method, whose path matches, run into it. Raises re.error."""
        with self._lock:
            self._orders.append(Order(trouble, method, re.compile(path), times, delay))

    def calm(self) -> None:
        """Take back what has not happened yet; slow answers come now."""
        with self._lock:
            self._orders.clear()
            self._over.set()
            self._over = threading.Event()

    @property
    def left(self) -> int:
        """How many requests are still to run into something."""
        with self._lock:
            return sum(order.left for order in self._orders)

    def meets(self, method: str, path: str) -> Order | None:
        """What this request runs into."""
        with self._lock:
            for order in self._orders:
                if order.left and order.method == method and order.path.search(path):
                    order.left -= 1
                    return order
        return None

    def wait(self, order: Order) -> None:
        """As long as a slow answer takes, or until everything is calm again."""
        self._over.wait(order.delay)
