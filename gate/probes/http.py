"""http: asks over HTTP, on a new connection each time, as a new customer would."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urljoin, urlsplit

from pydantic import BeforeValidator, Field, ValidationError, WithJsonSchema

from gate.documents.blocks import Expectation
from gate.documents.units import Duration, Lasting, in_words
from gate.documents.web import OverHttp
from gate.errors import Permanent
from gate.probes.conditions import FieldCondition, said
from gate.probes.exchange import Client, Request, Response
from gate.probes.failures import FAILURES, unanswered
from gate.probes.line import Deadline
from gate.probes.patterns import Pattern, is_found
from gate.running.ports import Answer, Asker, NoSample, Surroundings

REDIRECTS = {301, 302, 303, 307, 308}


def _statuses(value: Any) -> frozenset[int]:
    """`200`, `2xx`, or a list of such -> the statuses that they say."""
    found = set[int]()
    for each in value if isinstance(value, list | tuple | set | frozenset) else [value]:
        if isinstance(each, str) and re.fullmatch("[1-5]xx", each):
            found |= set(range(int(each[0]) * 100, int(each[0]) * 100 + 100))
        elif isinstance(each, int) and not isinstance(each, bool) and 100 <= each <= 599:
            found.add(each)
        else:
            raise ValueError(f'"{each}" is not a status; write it like 200, 2xx or [200, 404]')
    if not found:
        raise ValueError("no status would be good; write it like 200, 2xx or [200, 404]")
    return frozenset(found)


_STATUS = {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string", "pattern": "^[1-5]xx$"}]}
Statuses = Annotated[
    frozenset[int],
    BeforeValidator(_statuses),
    WithJsonSchema({"anyOf": [*_STATUS["anyOf"], {"type": "array", "minItems": 1, "items": _STATUS}]}),
]


class Settings(OverHttp):
    """What is asked."""

    method: str = Field(default="GET", pattern=r"^[A-Z]+$", description="The method of the request.")
    body: str = Field(default="", description="The body of the request.", examples=['{"item": 7}'])
    timeout: Lasting = Field(default=timedelta(seconds=2), description="How long an answer may take at all.")
    redirects: int = Field(
        default=0, ge=0, le=10, description="How many redirects to the same host are followed.", examples=[1]
    )


class Expect(Expectation):
    """What counts as a good answer."""

    status: Statuses = Field(default=frozenset({200}), description="The status, or several that are all good.")
    latency: Duration | None = Field(default=None, description="How long the whole answer may take.")
    headers: dict[str, Pattern] = Field(
        default={},
        description="Regular expressions found in headers of the answer.",
        examples=[{"Accept": "application/json"}],
    )
    body: Pattern | None = Field(
        default=None, description="A regular expression that is found in the body.", examples=["confirmed"]
    )
    values: list[FieldCondition] = Field(default=[], alias="json", description="What values in a JSON body must be.")

    @property
    def gives_number(self) -> bool:
        return self.numbered is not None

    @property
    def numbered(self) -> FieldCondition | None:
        """The one condition whose value is the number of a sample."""
        numbered = [each for each in self.values if each.of_number]
        return numbered[0] if len(numbered) == 1 else None


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        return _Asker(Settings.model_validate(settings), Expect.model_validate(expect), surroundings)
    except ValidationError as error:
        raise Permanent(f"the http probe cannot be asked: {error}") from error


class _Elsewhere(Exception):
    """The service sent us where we do not follow; the text says where."""


class _Asker:
    """One probe, asked by many threads."""

    def __init__(self, settings: Settings, expect: Expect, surroundings: Surroundings) -> None:
        self._settings, self._expect, self._clock = settings, expect, surroundings.clock
        self._client = Client(settings, surroundings)
        self._request = Request(
            url=settings.url, method=settings.method, headers=settings.headers, body=settings.body.encode()
        )

    def __call__(self) -> Answer | NoSample:
        deadline = Deadline(self._clock, self._settings.timeout)
        try:
            response = self._follow(self._request, deadline)
        except _Elsewhere as where:
            return Answer(ok=False, detail=f"redirected {where}")
        except FAILURES as error:
            return unanswered(error)
        return self._judged(response, deadline.passed)

    def _follow(self, request: Request, deadline: Deadline) -> Response:
        """The first answer that is no redirect, or all that are allowed were followed."""
        for _ in range(self._settings.redirects + 1):
            response = self._client.ask(request, deadline)
            if response.status not in REDIRECTS or not self._settings.redirects:
                return response
            request = _redirected(request, response)
        raise _Elsewhere(f"more than {self._settings.redirects} times")

    def _judged(self, response: Response, took: timedelta) -> Answer:
        expect = self._expect
        if response.status not in expect.status:
            return Answer(ok=False, detail=f"HTTP {response.status}")
        if expect.latency is not None and took > expect.latency:
            return Answer(ok=False, detail=f"took {in_words(took)}, more than {in_words(expect.latency)}")
        for name, pattern in expect.headers.items():
            value = response.headers.get(name)
            if value is None or not is_found(pattern, value):
                is_what = "is not there" if value is None else f"is {said(value)}, which does not match {pattern}"
                return Answer(ok=False, detail=f"the header {name} {is_what}")
        if expect.body is not None and not is_found(expect.body, response.body.decode(errors="replace")):
            return Answer(ok=False, detail=f"the body does not match {expect.body}")
        return self._values(response) if expect.values else Answer(ok=True)

    def _values(self, response: Response) -> Answer:
        """What the conditions say of the values in the body."""
        try:
            document = json.loads(response.body)
        except (ValueError, RecursionError):
            return Answer(ok=False, detail="the body is not JSON" if response.whole else "the body is too long")
        detail, number = "", None
        for condition in self._expect.values:
            why, found = condition.look(document)
            detail = detail or why
            number = found if condition is self._expect.numbered else number
        return Answer(ok=not detail, detail=detail, value=number)


def _redirected(request: Request, response: Response) -> Request:
    """The request that follows. What is sent to a service is sent to no other one, and never less safely."""
    said_where = response.headers.get("Location") or ""
    if not said_where:
        raise _Elsewhere("to nowhere: the answer names no Location")
    try:
        url = urljoin(request.url, said_where)
        before, after = urlsplit(request.url), urlsplit(url)
        same = after.scheme in {"http", "https"} and after.hostname == before.hostname and after.port != 0
    except ValueError:
        raise _Elsewhere(f"to nowhere: {said(said_where)}") from None
    if not same or (before.scheme == "https" and after.scheme != "https") or after.username:
        raise _Elsewhere(f"to elsewhere: {said(said_where)}")
    if response.status == 303 or (response.status in {301, 302} and request.method == "POST"):
        return replace(request, url=url, method="GET", body=b"")
    return replace(request, url=url)
