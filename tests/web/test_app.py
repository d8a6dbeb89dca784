"""The web room over a real server: what it shows, and how long it holds those who wait."""

import socket
import threading
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
import requests

from gate.errors import Permanent
from gate.model import (
    Commit,
    Gate,
    GateStatus,
    Load,
    Phase,
    Probe,
    Run,
    RunEntry,
    RunSpec,
    Subscription,
    Verdict,
    Workflow,
    WorkflowUse,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.web.answer import Question
from gate.web.answers import lot_of
from gate.web.app import create_app
from gate.web.changes import Changes
from gate.web.parking import Lot, Wait
from gate.web.server import LARGEST_BODY, SMALL_BODY, Server
from gate.web.views import Readiness, Token

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHA = "a" * 40
CHECKOUT = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout")
SUBSCRIPTION = Subscription(
    name="checkout",
    workload=CHECKOUT,
    environment="staging",
    workflows=(WorkflowUse(name="survives"),),
    settle=timedelta(0),
    deadline=timedelta(minutes=1),
    project="shop/checkout",
)
ASK = {"namespace": "shop", "name": "checkout", "sha": SHA}


def gate(verdict: Verdict | None, **status: object) -> Gate:
    phase = Phase.PENDING if verdict is None else Phase.OPEN if verdict is Verdict.PASSED else Phase.CLOSED
    runs = (RunEntry(name="r", workflow="survives", subscriptions=("checkout",)),)
    return Gate(
        namespace="shop",
        name="checkout",
        uid="g",
        workload=Workload(name=CHECKOUT, uid="w"),
        status=GateStatus(
            phase=phase, verdict=verdict, commit=Commit(project="shop/checkout", sha=SHA), runs=runs, **status
        ),
    )


def get(address: str, path: str, **query: str) -> requests.Response:
    return requests.get(f"{address}{path}", params=query, timeout=10)


def test_a_gate_that_lives_says_so(served) -> None:
    answer = get(served(), "/healthz")
    assert (answer.status_code, answer.text) == (200, "ok\n")


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
def test_readiness_comes_with_its_parts(known, served, ready: bool, status: int) -> None:
    known.state = Readiness(
        ready=ready,
        revision="abc",
        catalogue_age=timedelta(seconds=9),
        gitlab="away",
        tokens=(Token(address="https://g", ends=NOW, problem="ends soon"),),
        leads=False,
        leader="another",
        problems={"documents": "a.yaml:1: broken"},
        outside=("b.yaml:1: odd subscribes Deployment odd/odd",),
    )
    answer = get(served(), "/readyz")
    assert answer.status_code == status
    assert answer.json() == {
        "ready": ready,
        "catalogue": {"revision": "abc", "not_taken": [], "age_s": 9.0},
        "watch_lag_s": None,
        "gitlab": "away",
        "tokens": [{"address": "https://g", "ends": NOW.isoformat(), "problem": "ends soon", "taken": True}],
        "leads": False,
        "leader": "another",
        "problems": {"documents": "a.yaml:1: broken"},
        "outside": ["b.yaml:1: odd subscribes Deployment odd/odd"],
    }


def test_gates_are_listed_and_found_by_their_workload(known, served) -> None:
    known.all_gates = [gate(Verdict.PASSED, since=NOW)]
    address = served()
    listed = get(address, "/api/v1/gates").json()["items"]
    assert [(one["name"], one["phase"], one["since"]) for one in listed] == [("checkout", "Open", NOW.isoformat())]
    assert get(address, "/api/v1/gates/shop/deployment/checkout").json() == listed[0]


@pytest.mark.parametrize("path", ["/api/v1/gates/shop/Deployment/cart", "/nothing"])
def test_what_is_not_there_is_an_error_in_json(served, path: str) -> None:
    answer = get(served(), path)
    assert answer.status_code == 404
    assert answer.json()["error"]


def test_runs_are_listed_without_the_settings_of_their_probes_and_loads(known, served) -> None:
    secret = {"headers": {"Authorization": "very-secret"}}
    workflow = Workflow(
        name="survives",
        baseline=timedelta(0),
        steady_state=(Probe(name="p", kind="http", settings=secret),),
        load=(Load(name="l", kind="http", settings=secret),),
        steps=(),
    )
    spec = RunSpec(
        workload=Workload(name=CHECKOUT, uid="w"),
        version="v",
        images=(),
        workflow=workflow,
        subscriptions=(),
        revision="",
        seed="",
        deadline=NOW,
    )
    known.all_runs = [Run(namespace="shop", name="r", uid="u", created=NOW, spec=spec)]
    address = served()
    answer = get(address, "/api/v1/runs")
    assert [(one["name"], one["workflow"], one["phase"]) for one in answer.json()["items"]] == [
        ("r", "survives", "Pending")
    ]
    assert "very-secret" not in answer.text
    assert get(address, "/api/v1/runs", namespace="other").json() == {"items": []}


def test_a_first_question_is_answered_at_once(known, served) -> None:
    known.all_subscriptions, known.all_gates = [SUBSCRIPTION], [gate(Verdict.PASSED)]
    answer = get(served(), "/api/v1/wait", **ASK, timeout="30")
    assert (answer.json()["state"], answer.json()["verdict"]) == ("open", "PASSED")
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_question_is_held_until_the_answer_changes(known, served) -> None:
    known.all_subscriptions, known.all_gates = [SUBSCRIPTION], [gate(None)]
    address = served()
    first = get(address, "/api/v1/wait", **ASK).json()
    with ThreadPoolExecutor() as pool:
        held = [pool.submit(get, address, "/api/v1/wait", **ASK, after=first["etag"], timeout="30") for _ in range(3)]
        known.changes.ring()  # something else changed: not worth an answer
        assert not any(one.done() for one in held)
        known.all_gates = [gate(Verdict.FAILED)]
        known.changes.ring()
        assert {one.result(timeout=25).json()["verdict"] for one in held} == {"FAILED"}


def test_a_question_is_not_held_beyond_its_time(known, served) -> None:
    known.all_subscriptions = [SUBSCRIPTION]
    address = served()
    first = get(address, "/api/v1/wait", **ASK).json()
    begun = time.monotonic()
    assert get(address, "/api/v1/wait", **ASK, after=first["etag"], timeout="0.3").json() == first
    assert 0.3 <= time.monotonic() - begun < 9


def test_one_waiting_job_too_many_is_answered_at_once(known) -> None:
    known.all_subscriptions = [SUBSCRIPTION]
    with Server(create_app(known), lot=Lot(known.changed, lambda _: {}, most=0)) as server:
        first = get(server.address, "/api/v1/wait", **ASK).json()
        begun = time.monotonic()
        assert get(server.address, "/api/v1/wait", **ASK, after=first["etag"], timeout="30").json() == first
        assert time.monotonic() - begun < 25


def test_stopping_answers_all_who_wait(known, eventually) -> None:
    known.all_subscriptions = [SUBSCRIPTION]
    lot = lot_of(known)
    with ThreadPoolExecutor() as pool:
        with Server(create_app(known), threads=2, lot=lot) as server:
            first = get(server.address, "/api/v1/wait", **ASK).json()
            asks = ASK | {"after": first["etag"], "timeout": "30"}
            held = [pool.submit(requests.get, f"{server.address}/api/v1/wait", params=asks, timeout=60) for _ in "123"]
            eventually(lambda: len(lot) == len(held))
        assert [one.result(timeout=25).json() for one in held] == [first] * 3


def test_those_who_wait_hold_no_thread(known, eventually) -> None:
    known.all_subscriptions = [SUBSCRIPTION]
    lot = lot_of(known)
    with ThreadPoolExecutor(max_workers=8) as pool, Server(create_app(known), threads=2, lot=lot) as server:
        first = get(server.address, "/api/v1/wait", **ASK).json()
        asks = ASK | {"after": first["etag"], "timeout": "30"}
        held = [pool.submit(requests.get, f"{server.address}/api/v1/wait", params=asks, timeout=60) for _ in range(8)]
        eventually(lambda: len(lot) == len(held))
        assert get(server.address, "/healthz").text == "ok\n"
        known.all_gates = [gate(Verdict.FAILED)]
        known.changes.ring()
        assert {one.result(timeout=25).json()["verdict"] for one in held} == {"FAILED"}
        eventually(lambda: len(lot) == 0)


def test_each_question_is_looked_at_once_and_only_after_a_change() -> None:
    looked: list[int] = []
    changes, gone_on = Changes(), threading.Semaphore(0)

    class Parked:
        def go_on(self) -> None:
            gone_on.release()

    def look(questions: Collection[Question]) -> dict[Question, str]:
        looked.append(len(questions))
        return dict.fromkeys(questions, "new" if changes.changed(-1, 0) > 1 else "old")

    lot = Lot(changes.changed, look)
    thread = threading.Thread(target=lot.run)
    thread.start()
    try:
        for number in range(6):
            asked = Question(project=f"shop/{number % 2}")
            lot.park(Parked(), Wait(question=asked, known="old", since=0, until=time.monotonic() + 60))
        changes.ring()
        changes.ring()
        assert all(gone_on.acquire(timeout=25) for _ in range(6))
        assert set(looked) == {2}
        assert len(looked) <= 2
    finally:
        lot.close()
        changes.close()
        thread.join(25)


def test_a_question_that_cannot_be_looked_at_keeps_no_other_waiting_for_good(
    caplog: pytest.LogCaptureFixture,
) -> None:
    changes, gone_on = Changes(), threading.Semaphore(0)

    class Parked:
        def go_on(self) -> None:
            gone_on.release()

    def look(questions: Collection[Question]) -> dict[Question, str]:
        if Question(project="shop/odd") in questions:
            raise OverflowError("date value out of range")
        return dict.fromkeys(questions, "new")

    lot = Lot(changes.changed, look)
    thread = threading.Thread(target=lot.run)
    thread.start()
    try:
        now = time.monotonic()
        lot.park(Parked(), Wait(question=Question(project="shop/odd"), known="old", since=-1, until=now + 2))
        assert gone_on.acquire(timeout=25)
        lot.park(Parked(), Wait(question=Question(project="shop/app"), known="old", since=-1, until=now + 60))
        assert gone_on.acquire(timeout=25)
    finally:
        lot.close()
        changes.close()
        thread.join(25)
    assert "wait.unsure" in caplog.text


def test_before_the_catalogue_is_read_nobody_is_told_that_nobody_subscribed(known, served) -> None:
    known.all_subscriptions = None
    answer = get(served(), "/api/v1/wait", **ASK)
    assert answer.status_code == 503
    assert "catalogue" in answer.json()["error"]


def test_a_request_without_end_is_not_read(served) -> None:
    answer = requests.get(f"{served()}/healthz", headers={"X-Endless": "x" * 100_000}, timeout=10)
    assert answer.status_code == 413


def test_a_bad_question_is_refused_in_json(served) -> None:
    answer = get(served(), "/api/v1/wait", project="a/b")
    assert answer.status_code == 400
    assert "give sha as well" in answer.json()["error"]


def test_the_page_shows_what_goes_on_and_escapes_it(known, served) -> None:
    known.all_gates = [gate(None, message="<script>alert(1)</script>", since=datetime.now(UTC) - timedelta(minutes=5))]
    page = get(served(), "/").text
    assert "Deployment shop/checkout" in page
    assert "5 min" in page
    assert "&lt;script&gt;alert(1)" in page
    assert "<script" not in page
    assert "0123456789" in page


def test_the_link_of_a_commit_status_leads_to_its_gate_alone(known, served) -> None:
    other = replace(gate(None), name="cart", workload=Workload(name=replace(CHECKOUT, name="cart"), uid="c"))
    known.all_gates = [gate(Verdict.PASSED), other]
    address = served()
    answer = get(address, "/gates/shop/Deployment/checkout")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Deployment shop/checkout" in answer.text
    assert "Deployment shop/cart" not in answer.text
    assert get(address, "/gates/shop/Deployment/nothing").status_code == 404


def test_the_page_shows_what_is_subscribed_outside_and_nothing_where_all_is_inside(known, served) -> None:
    address = served()
    assert "outside" not in get(address, "/").text
    known.state = Readiness(ready=True, outside=("b.yaml:1: odd subscribes Deployment odd/odd",))
    page = get(address, "/").text
    assert "1 subscribed outside of this gate" in page
    assert "odd subscribes Deployment odd/odd" in page


def test_who_waits_for_another_gates_workload_is_told_so(known, served) -> None:
    known.all_subscriptions, known.foreign = [SUBSCRIPTION], "shop"
    found = get(served(), "/api/v1/wait", **ASK).json()
    assert (found["state"], found["verdict"]) == ("unseen", None)
    assert "does not judge in the namespace shop" in found["message"]


def test_an_address_that_is_taken_is_said(known, served) -> None:
    port = int(served().rsplit(":", 1)[1])
    with pytest.raises(Permanent, match=f"cannot listen on 127.0.0.1:{port}"):
        Server(create_app(known), port=port).start()


def test_a_bell_wakes_all_and_forgets_nothing() -> None:
    changes = Changes()
    assert changes.changed(-1, 0) == 0
    changes.ring()
    assert changes.changed(0, 60) == 1
    assert changes.changed(1, 0.01) == 1
    woken: list[int] = []
    threads = [threading.Thread(target=lambda: woken.append(changes.changed(1, 60))) for _ in range(3)]
    for thread in threads:
        thread.start()
    changes.ring()
    for thread in threads:
        thread.join(5)
    assert woken == [2, 2, 2]


@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_gate_that_keeps_no_evidence_says_how_it_would(served, method: str) -> None:
    answer = requests.request(method, f"{served()}/api/v1/evidence/shop/r.1a.1.jsonl.gz", data=b"x", timeout=30)
    assert answer.status_code == 404
    assert "set CHAOS_GATE_EVIDENCE_URL" in answer.json()["error"]


def test_a_small_body_that_nobody_wants_keeps_no_connection_from_its_next_question(known) -> None:
    with Server(create_app(known), largest=LARGEST_BODY) as server, requests.Session() as session:
        for _ in range(2):
            refused = session.put(f"{server.address}/nothing", data=bytes(SMALL_BODY), timeout=30)
            assert (refused.status_code, refused.headers.get("Connection")) == (404, None)
        assert session.get(f"{server.address}/healthz", timeout=30).text == "ok\n"


@pytest.mark.parametrize("length", [f"Content-Length: {LARGEST_BODY}", "Transfer-Encoding: chunked"])
def test_who_is_refused_and_sends_a_large_body_slowly_holds_no_thread(known, length: str) -> None:
    asked = f"PUT /nothing HTTP/1.1\r\nHost: gate\r\n{length}\r\n\r\n".encode()
    with Server(create_app(known), threads=1, largest=LARGEST_BODY) as server:
        where = urlsplit(server.address)
        with socket.create_connection((where.hostname, where.port), timeout=30) as slow:
            slow.sendall(asked)
            said = b"".join(iter(lambda: slow.recv(4096), b""))
        assert said.startswith(b"HTTP/1.1 404")
        assert b"Connection: close" in said
        assert requests.get(f"{server.address}/healthz", timeout=30).text == "ok\n"


def test_the_page_says_beside_a_verdict_that_it_is_withheld(known, served) -> None:
    known.all_gates = [gate(Verdict.PASSED)]
    address = served()
    assert "withheld" not in get(address, "/").text
    known.all_gates = [gate(Verdict.PASSED, replacing="1 of 3 replicas are updated")]
    page = get(address, "/").text
    assert "PASSED<br>withheld" in page
    assert "what was judged is being replaced: 1 of 3 replicas are updated" in page
