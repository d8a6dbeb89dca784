"""A question to the control API and its reply, as values."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gate.errors import Permanent
from gate.proxy.switchboard import Switchboard


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What was asked: the words that stand for the braces of the path, the query, the body."""

    words: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Raises Permanent where the body is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Permanent(
                "body: is not JSON; send an object with the header Content-Type: application/json"
            ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered."""

    status: int = 200
    body: object = None
    """JSON, or text as it is."""
    kind: str = "application/json"

    def payload(self) -> bytes:
        """The body as it is sent."""
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


Answer = Callable[[Switchboard, Question], Reply]


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """One thing that can be asked. The docstring of its answer is what the OpenAPI document says about it."""

    method: str
    path: str
    answer: Answer
    open: bool = False
    """Whether also those may ask who show no token."""


def refused(why: str, status: int) -> Reply:
    """A mistake, in the form that Toxiproxy's clients read."""
    return Reply(status=status, body={"error": why, "title": why, "status": status})
