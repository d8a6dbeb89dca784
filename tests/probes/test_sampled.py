"""Probes under the sampler: whatever a service does, every question is accounted for, and no evidence is no pass."""

import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from gate.model import Probe, Summary, Tolerance, Window
from gate.probes import PROBES
from gate.running.background import Threads
from gate.running.sampling import Question, Sampler
from gate.running.tally import summarise
from gate.running.time import SystemClock, Timekeeper
from gate.running.tolerance import broken, unknown
from tests.probes.servers import HOST, Serve, answers, drips, ok, server, surroundings

Json = dict[str, Any]
Eventually = Callable[[Callable[[], object]], None]
EVERY = timedelta(milliseconds=50)
ENOUGH = 8


@pytest.fixture
def background() -> Iterator[Threads]:
    threads = Threads(SystemClock())
    yield threads
    threads.close()


def hangs(connection: Any) -> None:
    connection.recv(65536)
    connection.recv(1)


def asked(
    background: Threads,
    eventually: Eventually,
    kind: str,
    settings: dict[str, Any],
    expect: dict[str, Any],
    **more: Any,
) -> tuple[Probe, Summary, list[Question]]:
    """Asks until there are enough questions that no answer is open to."""
    probe = Probe(name="p", kind=kind, settings=settings, expect=expect, every=EVERY, **more)
    ask = PROBES[kind].prepare(settings, expect, surroundings())
    sampler = Sampler([probe], {"p": ask}, Timekeeper(SystemClock()), background)
    eventually(lambda: len(sampler.questions("p")) >= ENOUGH)
    sampler.stop()
    questions = sampler.questions("p")
    eventually(lambda: not any(question.open for question in questions))
    return probe, summarise(probe, Window.DURING, "s", questions), questions


@pytest.mark.parametrize("serve", [hangs, drips(b"", b"H"), drips(b"HTTP/1.1 200 OK\r\n\r\n", b"x")])
def test_a_service_that_holds_every_question_up_is_asked_on_its_rhythm_all_the_same(
    serve: Serve, background: Threads, eventually: Eventually
) -> None:
    gates: list[threading.Thread] = []

    def at_once(connection: Any) -> None:
        """Each connection on a thread of its own, so that no question waits for another one."""
        mine = connection.dup()
        thread = threading.Thread(target=lambda: _quietly(serve, mine))
        thread.start()
        gates.append(thread)

    with server(at_once) as port:
        settings = {"url": f"http://{HOST}:{port}/", "timeout": "1500ms"}
        probe, summary, questions = asked(background, eventually, "http", settings, {})
    for thread in gates:
        thread.join(10)
    assert all(question.bad for question in questions), "also if, on a busy machine, one was too late to count"
    assert summary.due >= ENOUGH
    assert broken(probe, summary) is (summary.samples > 0)
    gaps = [(later.at - sooner.at) for sooner, later in pairwise(questions)]
    assert max(gaps) < timedelta(seconds=1.2)  # whoever waits for each answer asks again after 1.5 s


def _quietly(serve: Serve, connection: Any) -> None:
    with connection:
        connection.settimeout(5)
        try:
            serve(connection)
        except OSError:
            return


@pytest.mark.parametrize("failures", [0.0, 0.5, 1.0])
def test_a_prometheus_that_is_away_is_no_evidence_however_much_is_tolerated(
    failures: float, background: Threads, eventually: Eventually
) -> None:
    with server(answers("HTTP/1.1 502 Bad Gateway\nContent-Length: 0\n\n")) as port:
        settings = {"url": f"http://{HOST}:{port}/", "query": "up"}
        probe, summary, _ = asked(
            background, eventually, "prometheus", settings, {"atLeast": 1}, tolerate=Tolerance(failures=failures)
        )
    assert (summary.samples, summary.missing) == (0, "the answer is none of Prometheus: HTTP 502")
    assert unknown(probe, summary)
    assert not broken(probe, summary)


def test_a_number_reaches_the_tolerance_that_bounds_it(background: Threads, eventually: Eventually) -> None:
    with server(answers(*(ok(f'{{"queue": {queue}}}') for queue in (3, 900, 4)))) as port:
        settings = {"url": f"http://{HOST}:{port}/"}
        expect = {"json": [{"field": "queue", "atMost": 1000}]}
        probe, summary, _ = asked(
            background, eventually, "http", settings, expect, tolerate=Tolerance(failures=1.0, at_most=500)
        )
    assert (summary.lowest, summary.highest, summary.failures) == (3, 900, 0)
    assert broken(probe, summary)
