"""Who may read of everybody's gates: the gate's own loopback, whoever Kubernetes lets, and nobody else."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import requests
from requests.adapters import HTTPAdapter

from gate.errors import Denied, Unproven
from gate.web.app import create_app
from gate.web.server import Server
from gate.web.views import Readable
from tests.web.conftest import Known
from tests.web.test_app import ASK, SUBSCRIPTION, gate

GOOD = "a-token-of-somebody"
GUESTS = "a-token-of-somebody-without-rights"
EVERYBODYS = ["/", "/metrics", "/api/v1/gates", "/api/v1/runs"]
OF_THE_SHOP = [
    "/gates/shop/deployment/checkout",
    "/api/v1/gates/shop/Deployment/checkout",
    "/api/v1/runs?namespace=shop",
]


class ByAnotherAddress(HTTPAdapter):
    """Comes by an address that is not the gate's own loopback."""

    def init_poolmanager(self, *args: object, **more: object) -> None:
        super().init_poolmanager(*args, **more, source_address=("127.0.0.2", 0))


@dataclass
class Readers:
    """Let one token read, and remember what was asked for."""

    asked: list[tuple[Readable, str]] = field(default_factory=list)

    def insist(self, token: str, what: Readable, namespace: str) -> None:
        if token == GUESTS:
            raise Denied("the guest may not list these")
        if token != GOOD:
            raise Unproven("nobody knows that token")
        self.asked.append((what, namespace))


@pytest.fixture
def readers() -> Readers:
    return Readers()


@pytest.fixture
def ask(known: Known, readers: Readers) -> Iterator[Callable[..., requests.Response]]:
    """Asks from elsewhere."""
    known.all_gates, known.all_subscriptions = [gate(None)], [SUBSCRIPTION]
    with Server(create_app(known, readers=readers), threads=4) as server, requests.Session() as session:
        session.mount("http://", ByAnotherAddress())
        yield lambda path, **more: session.get(f"{server.address}{path}", timeout=30, **more)


@pytest.fixture
def local(known: Known, readers: Readers) -> Iterator[Callable[..., requests.Response]]:
    known.all_gates = [gate(None)]
    with Server(create_app(known, readers=readers), threads=4) as server, requests.Session() as session:
        yield lambda path, **more: session.get(f"{server.address}{path}", timeout=30, **more)


@pytest.mark.parametrize("path", [*EVERYBODYS, *OF_THE_SHOP])
def test_who_says_nothing_is_asked_who_he_is_and_who_may_not_is_refused(ask, path: str) -> None:
    nobody = ask(path)
    assert nobody.status_code == 401
    assert nobody.headers["WWW-Authenticate"].startswith("Basic ")
    assert "say who you are: a token of Kubernetes" in nobody.json()["error"]
    assert "checkout" not in nobody.text
    guest = ask(path, auth=("anybody", GUESTS))
    assert (guest.status_code, "WWW-Authenticate" in guest.headers) == (403, False)
    for old in ({"headers": {"Authorization": "Bearer wrong"}}, {"auth": ("anybody", "expired")}):
        unproven = ask(path, **old)
        assert unproven.status_code == 401
        assert unproven.headers["WWW-Authenticate"].startswith("Basic ")
        assert "nobody knows that token" in unproven.json()["error"]
    assert ask(path, headers={"Authorization": "Basic no-base64"}).status_code == 401


@pytest.mark.parametrize("path", [*EVERYBODYS, *OF_THE_SHOP])
def test_a_program_shows_a_token_and_a_person_gives_it_as_password(ask, readers: Readers, path: str) -> None:
    assert ask(path, headers={"Authorization": f"Bearer {GOOD}"}).status_code == 200
    assert ask(path, auth=("anybody", GOOD)).status_code == 200
    what = Readable.RUNS if "runs" in path else Readable.GATES
    assert set(readers.asked) == {(what, "shop" if path in OF_THE_SHOP else "")}


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_kubelet_is_not_asked(ask, path: str) -> None:
    assert ask(path).status_code == 200


def test_jobs_that_wait_are_not_asked_by_whom_others_are(ask) -> None:
    assert ask("/api/v1/wait", params=ASK).json()["state"] == "pending"


@pytest.mark.parametrize("path", [*EVERYBODYS, *OF_THE_SHOP])
def test_the_gates_own_loopback_may_read_but_nothing_that_a_proxy_passes_on(local, readers: Readers, path: str) -> None:
    assert local(path).status_code == 200
    for name in ("X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"):
        assert local(path, headers={name: "10.0.0.1"}).status_code == 401
    assert readers.asked == []
