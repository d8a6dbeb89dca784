"""Where jobs have to say who they are, each hears of its own project only."""

from collections.abc import Callable

import pytest
import requests

from gate.cli.asking import AskedGate
from gate.errors import Denied, Permanent, Temporary
from gate.model import Verdict
from gate.web.answer import Unreadable
from gate.web.app import create_app
from gate.web.server import Server
from tests.web.conftest import Known
from tests.web.test_app import SUBSCRIPTION, gate

SHA = "a" * 40


class Told:
    """Takes the token for the name of the project."""

    def project(self, token: str) -> str:
        if token == "later":
            raise Temporary("the keys cannot be read")
        if not token:
            raise Denied("a job has to send a JWT")
        return token


@pytest.fixture
def asked(known: Known) -> Callable[..., requests.Response]:
    client = create_app(known, askers=Told()).test_client()
    known.all_gates, known.all_subscriptions = [gate(Verdict.PASSED, subscriptions=("checkout",))], [SUBSCRIPTION]

    def ask(token: str, **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client.get("/api/v1/wait", query_string=query, headers=headers)

    return ask


SERVICE = {"namespace": "shop", "name": "checkout"}


@pytest.mark.parametrize(
    ("token", "query", "status"),
    [
        ("shop/checkout", SERVICE, 200),
        ("Shop/Checkout", SERVICE, 200),
        ("shop/cart", SERVICE, 403),
        ("", SERVICE, 403),
        ("later", SERVICE, 503),
        ("shop/checkout", {"project": "shop/checkout", "sha": SHA}, 200),
        ("shop/cart", {"project": "shop/checkout", "sha": SHA}, 403),
        ("shop/cart", {"namespace": "shop", "name": "nobodys"}, 200),
    ],
)
def test_a_job_hears_of_its_own_project_only(asked, token: str, query: dict[str, str], status: int) -> None:
    answer = asked(token, **query)
    assert answer.status_code == status, answer.json
    if status == 403:
        assert "verdict" not in answer.json


def test_a_gate_whose_document_is_broken_is_nobodys(asked, known: Known) -> None:
    known.all_subscriptions = []
    assert asked("shop/checkout", **SERVICE).status_code == 403


def test_the_waiting_job_sends_its_token_and_reads_why_it_is_refused(known: Known) -> None:
    known.all_gates, known.all_subscriptions = [gate(Verdict.PASSED, subscriptions=("checkout",))], [SUBSCRIPTION]
    server = Server(create_app(known, askers=Told())).start()
    try:
        assert AskedGate(server.address, SERVICE, token="shop/checkout").ask(after="", timeout=0).verdict
        with pytest.raises(Permanent, match="a job may ask only for its own project"):
            AskedGate(server.address, SERVICE, token="shop/cart").ask(after="", timeout=0)
    finally:
        server.stop()


def test_nobody_is_sent_away_before_the_catalogue_was_read(asked, known: Known) -> None:
    known.all_subscriptions = None
    assert asked("shop/checkout", **SERVICE).status_code == 503


def test_a_job_waits_for_its_own_document_while_that_cannot_be_read(asked, known: Known) -> None:
    known.all_subscriptions = []
    known.all_unreadable = [Unreadable(why="x", workload=SUBSCRIPTION.workload, project="shop/checkout")]
    assert asked("shop/checkout", **SERVICE).status_code == 200
    assert asked("shop/cart", **SERVICE).status_code == 403


def test_what_is_no_token_is_neither_sent_nor_shown() -> None:
    with pytest.raises(Permanent, match="holds no JWT") as error:
        AskedGate("http://127.0.0.1:1", {}, token="gl\u20ac-hush").ask(after="", timeout=0.0)
    assert "hush" not in str(error.value)
