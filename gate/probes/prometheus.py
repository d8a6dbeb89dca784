"""prometheus: asks a query that gives one number. A Prometheus that does not answer says nothing about the service."""

import json
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self
from urllib.parse import urlencode

from pydantic import Field, FiniteFloat, ValidationError, model_validator

from gate.documents.blocks import Expectation, Url
from gate.documents.units import Lasting
from gate.documents.web import OverHttp
from gate.errors import Permanent
from gate.probes.conditions import Bounds, finite, said
from gate.probes.exchange import Client, Request, Response
from gate.probes.failures import FAILURES, plainly
from gate.probes.line import Deadline
from gate.running.ports import Answer, Asker, NoSample, Surroundings

# https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries


class NoData(StrEnum):
    """What it means that the query gives nothing."""

    MISSING = "missing"
    """That nobody can say: no sample."""
    GOOD = "good"
    BAD = "bad"


class Settings(OverHttp):
    """Which server, and what it is asked."""

    url: Url = Field(description="Where Prometheus is served.", examples=["http://prometheus.monitoring:9090"])
    query: str = Field(
        min_length=1,
        description="An instant query that gives exactly one series, or a scalar.",
        examples=['sum(rate(http_requests_total{code=~"5.."}[1m]))'],
    )
    timeout: Lasting = Field(default=timedelta(seconds=5), description="How long an answer may take at all.")


class Expect(Expectation, Bounds):
    """What the number must be."""

    equals: FiniteFloat | None = Field(default=None, description="What it must be.", examples=[3])
    no_data: NoData = Field(default=NoData.MISSING, description="What it means that there is none.")

    @property
    def gives_number(self) -> bool:
        return True

    @model_validator(mode="after")
    def _something(self) -> Self:
        if (self.equals is None) != self.bounded:
            raise ValueError("say either equals, or atLeast, atMost or both")
        return self


class Unusable(ValueError):
    """An answer that gives no number; its text is one clause."""


class Nothing(Unusable):
    """An answer that says that there is no number."""


def prepare(settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
    """Raises `Permanent` for blocks that do not have the form."""
    try:
        wanted, expected = Settings.model_validate(settings), Expect.model_validate(expect)
    except ValidationError as error:
        raise Permanent(f"the prometheus probe cannot be asked: {error}") from error
    client = Client(wanted, surroundings)
    asked = urlencode({"query": wanted.query, "timeout": f"{wanted.timeout.total_seconds():g}s"})
    request = Request(url=f"{wanted.url.rstrip('/')}/api/v1/query?{asked}", headers=wanted.headers)

    def ask() -> Answer | NoSample:
        try:
            number = number_in(client.ask(request, Deadline(surroundings.clock, wanted.timeout)))
        except Nothing as nothing:
            return _without(expected.no_data, str(nothing))
        except Unusable as why:
            return NoSample(why=str(why))
        except FAILURES as error:
            return NoSample(why=f"Prometheus does not answer: {plainly(error)}")
        return _judged(expected, number)

    return ask


def _without(no_data: NoData, why: str) -> Answer | NoSample:
    if no_data is NoData.MISSING:
        return NoSample(why=why)
    return Answer(ok=no_data is NoData.GOOD, detail="" if no_data is NoData.GOOD else why)


def _judged(expect: Expect, number: float) -> Answer:
    why = expect.out(number)
    if expect.equals is not None and number != expect.equals:
        why = f"is {number:g}, not {expect.equals:g}"
    return Answer(ok=not why, detail=f"the number {why}" if why else "", value=finite(number))


def number_in(response: Response) -> float:
    """The one number that an answer gives. Raises `Unusable` for any other answer."""
    try:
        answer = json.loads(response.body)
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict) or "status" not in answer:
        raise Unusable(f"the answer is none of Prometheus: HTTP {response.status}")
    if response.status != 200 or answer["status"] != "success":
        raise Unusable(f"Prometheus refuses: HTTP {response.status}, {said(answer.get('error'))}")
    if answer.get("warnings"):
        raise Unusable(f"Prometheus warns that this may not be all: {said(answer['warnings'][0])}")
    try:
        return _number(answer["data"]["resultType"], answer["data"]["result"])
    except (LookupError, TypeError, AttributeError) as error:
        raise Unusable("the answer is none of Prometheus: it has no result") from error


def _number(kind: str, result: Any) -> float:
    if kind == "vector" and len(result) > 1:
        names = [said(_series(each["metric"])) for each in result[:2]]
        raise Unusable(f"the query gives {len(result)} series, such as {' and '.join(names)}; narrow it to one")
    if kind == "vector" and not result:
        raise Nothing("the query gives no data")
    if kind == "vector" and "value" not in result[0]:
        raise Unusable("the query gives a histogram, and no number")
    if kind not in {"vector", "scalar"}:
        raise Unusable(f"the query gives a {said(kind)}, and no number")
    text = (result[0]["value"] if kind == "vector" else result)[1]
    try:
        number = float(text)
    except ValueError as error:
        raise Unusable(f"the query gives {said(text)}, and no number") from error
    if number != number:  # 0/0, the usual way to say that there were no requests
        raise Nothing("the query gives NaN")
    return number


def _series(labels: Mapping[str, Any]) -> str:
    rest = ", ".join(f"{name}={value}" for name, value in labels.items() if name != "__name__")
    return f"{labels.get('__name__', '')}{{{rest}}}"
