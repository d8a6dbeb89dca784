"""prometheus: one number, or a reason why there is none."""

import json
import math
import time
from http.client import HTTPMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate.errors import Permanent, Temporary
from gate.probes import prometheus
from gate.probes.exchange import Response
from gate.running.ports import Answer, NoSample
from tests.probes.servers import HOST, Serve, answers, drips, ok, request, said, server, surroundings

QUERY = 'sum(rate(errors{app="shop"}[1m])) / sum(rate(requests[1m]))'


def ask(port: int, expect: dict[str, Any] | None = None, **settings: Any) -> Answer | NoSample:
    block = {"url": f"http://{HOST}:{port}/prometheus/", "query": QUERY, "timeout": "300ms", **settings}
    return prometheus.prepare(block, expect or {"atMost": 5}, surroundings())()


def gives(kind: str, result: Any, **more: Any) -> str:
    return ok(json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more}))


def series(value: str = "1", **labels: str) -> dict[str, Any]:
    return {"metric": {"__name__": "up", **labels}, "value": [1763726400.1, value]}


def refusal(status: str, error: str) -> str:
    body = json.dumps({"status": "error", "errorType": "bad_data", "error": error})
    return f"HTTP/1.1 {status}\nContent-Length: {len(body)}\n\n{body}"


@pytest.mark.parametrize(
    ("answer", "expect", "found"),
    [
        (gives("vector", [series("4.5")]), {"atMost": 5}, Answer(ok=True, value=4.5)),
        (gives("vector", [series("5.5")]), {"atMost": 5}, (5.5, "the number is 5.5, more than 5")),
        (gives("scalar", [1763726400, "3"]), {"atLeast": 4}, (3, "the number is 3.0, less than 4")),
        (gives("scalar", [1763726400, "3"]), {"equals": 3}, Answer(ok=True, value=3)),
        (gives("scalar", [1763726400, "3"]), {"equals": 4}, (3, "the number is 3, not 4")),
        (gives("vector", [series("+Inf")]), {"atMost": 5}, (None, "the number is inf, more than 5")),
        (gives("vector", [series("+Inf")]), {"atLeast": 5}, Answer(ok=True)),
    ],
)
def test_a_number_is_compared(answer: str, expect: dict[str, Any], found: Answer | tuple[float | None, str]) -> None:
    wanted = found if isinstance(found, Answer) else Answer(ok=False, value=found[0], detail=found[1])
    with server(answers(answer)) as port:
        assert ask(port, expect) == wanted


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (
            gives("vector", [series(pod="a"), series(pod="b"), series(pod="c")]),
            "the query gives 3 series, such as up{pod=a} and up{pod=b}; narrow it to one",
        ),
        (gives("matrix", [series()]), "the query gives a matrix, and no number"),
        (gives("string", [1, "5"]), "the query gives a string, and no number"),
        (gives("vector", [{"metric": {}, "histogram": [1, {}]}]), "the query gives a histogram, and no number"),
        (gives("vector", [series("many")]), "the query gives many, and no number"),
        (gives("vector", [series()], warnings=["one store is away"]), "may not be all: one store is away"),
        (gives("vector", None), "the answer is none of Prometheus: it has no result"),
        (gives("vector", [5]), "the answer is none of Prometheus: it has no result"),
        (ok('{"status": "success"}'), "the answer is none of Prometheus: it has no result"),
        (ok("<html>sign in</html>"), "the answer is none of Prometheus: HTTP 200"),
        (ok("[" * 100_000), "the answer is none of Prometheus: HTTP 200"),
        (refusal("400 Bad Request", 'parse error: unexpected ")"'), 'HTTP 400, parse error: unexpected ")"'),
        (refusal("503 Service Unavailable", "query queue is full"), "HTTP 503, query queue is full"),
        ("HTTP/1.1 502 Bad Gateway\nContent-Length: 0\n\n", "the answer is none of Prometheus: HTTP 502"),
        ("HTTP/1.1 302 Found\nLocation: /login\nContent-Length: 0\n\n", "the answer is none of Prometheus: HTTP 302"),
        ("", "Prometheus does not answer: connection closed without an answer"),
    ],
)
@pytest.mark.parametrize("no_data", ["missing", "good", "bad"])
def test_an_answer_without_one_number_is_no_sample_and_says_why(answer: str, why: str, no_data: str) -> None:
    with server(answers(answer)) as port:
        found = ask(port, {"atMost": 5, "noData": no_data})
    assert isinstance(found, NoSample)
    assert why in found.why


@pytest.mark.parametrize(
    ("answer", "why"),
    [(gives("vector", []), "the query gives no data"), (gives("vector", [series("NaN")]), "the query gives NaN")],
)
def test_no_data_is_no_sample_unless_the_author_knows_better(answer: str, why: str) -> None:
    with server(answers(answer)) as port:
        assert ask(port, {"atMost": 5}) == NoSample(why=why)
        assert ask(port, {"atMost": 5, "noData": "good"}) == Answer(ok=True)
        assert ask(port, {"atMost": 5, "noData": "bad"}) == Answer(ok=False, detail=why)


def test_the_query_is_sent_as_it_was_written() -> None:
    heard: list[str] = []

    def serve(connection: Any) -> None:
        heard.append(request(connection))
        connection.sendall(said(gives("vector", [series("4")])))

    with server(serve) as port:
        assert ask(port, headers={"Authorization": "Bearer x"}) == Answer(ok=True, value=4)
    way = urlsplit(heard[0].split()[1])
    assert way.path == "/prometheus/api/v1/query"
    assert parse_qs(way.query) == {"query": [QUERY], "timeout": ["0.3s"]}
    assert "Authorization: Bearer x" in heard[0]


def hangs(connection: Any) -> None:
    connection.recv(65536)
    connection.recv(1)


@pytest.mark.parametrize(
    ("serve", "why"),
    [
        (hangs, "Prometheus does not answer: no answer within 300ms"),
        (drips(b"", b"H"), "Prometheus does not answer: the answer did not end within 300ms"),
    ],
)
def test_a_prometheus_that_does_not_answer_is_no_sample_in_time(serve: Serve, why: str) -> None:
    with server(serve) as port:
        began = time.monotonic()
        assert ask(port) == NoSample(why=why)
        assert time.monotonic() - began < 4
    assert ask(port) == NoSample(why="Prometheus does not answer: connection refused")


def test_a_prometheus_that_nobody_can_find_is_no_sample() -> None:
    def away(host: str) -> str:
        raise Temporary("the API server is away")

    block = {"url": f"http://{HOST}/", "query": "up"}
    ask = prometheus.prepare(block, {"atLeast": 1}, surroundings(resolve=away))
    assert ask() == NoSample(why="Prometheus does not answer: the API server is away")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("1"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metric", "value", "result", "resultType"]), inner, max_size=3)
    ),
)


@given(st.sampled_from(["vector", "scalar", "matrix", "x"]) | JSON, JSON)
def test_no_result_is_too_strange_to_be_told_from_a_number(kind: Any, result: Any) -> None:
    body = json.dumps({"status": "success", "data": {"resultType": kind, "result": result}})
    response = Response(status=200, headers=HTTPMessage(), body=body.encode())
    try:
        number = prometheus.number_in(response)
    except prometheus.Unusable:
        return
    assert kind in ("vector", "scalar")
    assert not math.isnan(number)


@pytest.mark.parametrize(
    ("settings", "expect"),
    [
        ({"url": "http://x"}, {"atMost": 1}),
        ({"url": "http://x", "query": ""}, {"atMost": 1}),
        ({"url": "http://x", "query": "up"}, {}),
        ({"url": "http://x", "query": "up"}, {"noData": "good"}),
        ({"url": "http://x", "query": "up"}, {"equals": 1, "atMost": 1}),
        ({"url": "http://x", "query": "up"}, {"atMost": 1, "noData": "fine"}),
        ({"url": "http://x", "query": "up", "tls": {}}, {"atMost": 1}),
    ],
)
def test_a_block_that_is_wrong_is_refused_before_anything_is_asked(
    settings: dict[str, Any], expect: dict[str, Any]
) -> None:
    with pytest.raises(Permanent, match="the prometheus probe cannot be asked"):
        prometheus.prepare(settings, expect, surroundings())
