"""The control API, asked over HTTP while the proxies run."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.errors import Permanent
from gate.proxy.behaviours import BEHAVIOURS
from gate.proxy.control.exchange import Question
from gate.proxy.control.paths import PATHS, answered, openapi
from gate.proxy.control.server import MOST_BODY, MOST_CLIENTS, Control
from gate.proxy.control.toxiproxy import TOXICS
from gate.proxy.spec import Address
from tests.proxy.conftest import Ground, everything, exactly

Eventually = Callable[[Callable[[], object]], None]
LOOPBACK = Address(host="127.0.0.1", port=0)


class Client:
    """Asks, and expects a status."""

    def __init__(self, control: Control, token: str | None = None) -> None:
        self.url = f"http://{control.address}"
        self._session = requests.Session()
        self._session.trust_env = False
        if token:
            self._session.headers["Authorization"] = f"Bearer {token}"

    def ask(self, method: str, path: str, body: object = None, *, status: int = 200, **more: Any) -> Any:
        answer = self._session.request(method, self.url + path, json=body, timeout=30, **more)
        assert answer.status_code == status, answer.text
        is_json = answer.headers.get("Content-Type") == "application/json"
        return answer.json() if is_json else answer.text

    def close(self) -> None:
        self._session.close()


def control_of(ground: Ground, token: str | None = None) -> Client:
    control = ground.loop.call(lambda: Control(ground.board, LOOPBACK, token))
    ground.loop.wait(control.start())
    client = Client(control, token)
    ground.closing += [lambda: ground.loop.wait(control.close()), client.close]
    return client


@pytest.fixture
def client(ground: Ground) -> Iterator[Client]:
    return control_of(ground)


def inventory(ground: Ground, **more: object) -> dict[str, object]:
    return {"listen": "127.0.0.1:0", "upstream": f"127.0.0.1:{ground.upstream().port}", **more}


def port(shown: dict[str, Any]) -> int:
    return int(shown["listen"].rpartition(":")[2])


# ---------------------------------------------------------------------------------------------------------- own paths


def test_a_proxy_and_its_behaviour_are_made_changed_and_removed(ground: Ground, client: Client) -> None:
    made = client.ask("PUT", "/v1/proxies/inventory", inventory(ground, mix="100:blackout"), status=201)
    assert everything(ground.connect(port(made))) == b""
    client.ask("PUT", "/v1/proxies/inventory/mix", "100:reset")
    with pytest.raises(ConnectionError):
        everything(ground.connect(port(made)))
    client.ask("DELETE", "/v1/proxies/inventory/mix")
    other = ground.connect(port(made))
    other.sendall(b"hello")
    assert exactly(other, 5) == b"hello"
    shown = client.ask("GET", "/v1/proxies/inventory")
    assert shown["counters"]["affected"] == {"blackout": 1, "reset": 1}
    assert shown["counters"]["down"] == 5
    client.ask("DELETE", "/v1/proxies/inventory", status=204)
    with pytest.raises(ConnectionRefusedError):
        ground.connect(port(made))


def test_a_mix_and_faults_beside_it_at_the_same_time(ground: Ground, client: Client) -> None:
    client.ask("PUT", "/v1/proxies/inventory", inventory(ground, mix="5:error,10:delay"), status=201)
    shown = client.ask("PUT", "/v1/proxies/inventory/faults/all", {"slow": {"rate": 5}})
    assert [each["percent"] for each in shown["mix"]] == ["5%", "10%"]
    assert shown["faults"] == [{"name": "all", "percent": "100%", "slow": {"rate": 5}}]
    assert client.ask("DELETE", "/v1/proxies/inventory/faults/all")["faults"] == []
    client.ask("DELETE", "/v1/proxies/inventory/faults/all", status=404)


def test_what_was_explained_is_what_happens(ground: Ground, client: Client) -> None:
    made = client.ask("PUT", "/v1/proxies/inventory", inventory(ground, mix="40:blackout"), status=201)
    foretold = client.ask("GET", "/v1/proxies/inventory/explain?count=20")
    for _ in range(20):
        one = ground.connect(port(made))
        one.sendall(b"x")
        exactly(one, 1)
    told = client.ask("GET", "/v1/decisions?proxy=inventory")["decisions"]
    assert {each["identity"]: each["faults"] for each in told if each["faults"]} == foretold
    assert 0 < len(foretold) < 20
    assert client.ask("GET", "/v1/decisions?after=19")["decisions"] == told[19:]


def test_a_lease_is_renewed_and_one_of_nobody_is_not(ground: Ground, client: Client) -> None:
    lease = {"owner": "run-1", "time": "1h"}
    mix = [{"percent": 1, "error": {}, "lease": lease}]
    client.ask("PUT", "/v1/proxies/inventory", inventory(ground, mix=mix), status=201)
    assert client.ask("POST", "/v1/leases/run-1")["generation"] == 1
    assert "nothing is in force" in client.ask("POST", "/v1/leases/run-2", status=404)["error"]


def test_heal_takes_everything_back(ground: Ground, client: Client) -> None:
    client.ask("PUT", "/v1/proxies/a", inventory(ground, mix="100:hang"), status=201)
    client.ask("PUT", "/v1/proxies/b", inventory(ground, mix="100:refuse"), status=201)
    client.ask("POST", "/v1/heal")
    for shown in client.ask("GET", "/v1/proxies")["proxies"].values():
        one = ground.connect(port(shown))
        one.sendall(b"hello")
        assert exactly(one, 5) == b"hello"


def test_metrics_are_in_the_words_of_prometheus(ground: Ground, client: Client) -> None:
    made = client.ask("PUT", "/v1/proxies/inventory", inventory(ground, mix="100:blackout"), status=201)
    everything(ground.connect(port(made)))
    text = client.ask("GET", "/metrics")
    assert 'chaos_gate_proxy_affected_total{proxy="inventory",fault="blackout"} 1' in text
    assert 'chaos_gate_proxy_ended_total{proxy="inventory",how="fault"} 1' in text
    assert "chaos_gate_proxy_generation 1" in text


def test_the_openapi_document_names_every_path_once(client: Client) -> None:
    document = client.ask("GET", "/openapi.json")
    assert document == json.loads(json.dumps(openapi()))
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len(operations) == len(PATHS) == len({each["operationId"] for each in operations})
    assert all(each["summary"].endswith(".") for each in operations)


def test_it_answers_while_all_links_hang(ground: Ground, client: Client, eventually: Eventually) -> None:
    made = client.ask("PUT", "/v1/proxies/inventory", inventory(ground, mix="100:hang"), status=201)
    for _ in range(200):
        ground.connect(port(made))
    eventually(lambda: client.ask("GET", "/v1/proxies/inventory")["counters"]["live"] == 200)
    # How long it takes depends on what else the machine does; what the event loop spends on it does not.
    spent = ground.loop.call(time.thread_time)
    assert client.ask("DELETE", "/v1/proxies/inventory/mix")["counters"]["live"] == 200
    assert ground.loop.call(time.thread_time) - spent < 0.5


# -------------------------------------------------------------------------------------------------------------- who may


def test_who_shows_no_token_learns_nothing_but_that_it_lives(ground: Ground) -> None:
    allowed = control_of(ground, "not-a-secret")
    allowed.ask("GET", "/v1/proxies")
    stranger = control_of(ground)
    stranger.url = allowed.url
    assert "show the token" in stranger.ask("GET", "/v1/proxies", status=401)["error"]
    stranger.ask("GET", "/proxies", status=401, headers={"Authorization": "Bearer not-a-secre"})
    stranger.ask("GET", "/v1/health")


def test_who_shows_no_token_is_refused_before_the_body_is_there(ground: Ground) -> None:
    control = control_of(ground, token="a-secret")
    host, _, port = control.url.removeprefix("http://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as client:
        client.sendall(b"PUT /v1/proxies/a HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.1 401"


def test_strangers_who_hold_all_connections_do_not_keep_out_who_may_ask(ground: Ground) -> None:
    control = control_of(ground, token="a-secret")
    host, _, port = control.url.removeprefix("http://").rpartition(":")
    with ExitStack() as held:
        strangers = [
            held.enter_context(socket.create_connection((host, int(port)), timeout=30)) for _ in range(MOST_CLIENTS)
        ]
        control.ask("GET", "/v1/proxies")
        with suppress(ConnectionResetError):
            assert strangers[0].recv(1) == b""


def test_beyond_loopback_it_needs_a_token(ground: Ground) -> None:
    with pytest.raises(Permanent, match=r"control 0\.0\.0\.0:0: is not on loopback, so it needs a token"):
        Control(ground.board, Address(host="0.0.0.0", port=0), None)


def test_a_browser_may_not_ask(client: Client) -> None:
    client.ask("POST", "/v1/heal", status=403, headers={"Origin": "http://elsewhere.example"})


# ------------------------------------------------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("GET", "/nothing", None, 404, "/nothing: there is no such path; see /openapi.json"),
        ("PATCH", "/v1/proxies", None, 405, "/v1/proxies: PATCH is not one of GET"),
        ("GET", "/v1/proxies/stock", None, 404, "proxy stock: there is none"),
        ("PUT", "/v1/proxies/stock", [], 400, "body: [] is not an object"),
        ("PUT", "/v1/proxies/stock", {"listen": "127.0.0.1:0"}, 400, "body.upstream: is missing"),
        ("PUT", "/v1/proxies/stock/mix", "60:error,50:delay", 400, "they may be 100% at most"),
        ("PUT", "/behavior", {"name": "delay"}, 400, "there are 0 proxies; choose one with ?proxy=NAME"),
        ("GET", "/v1/decisions?after=-1", None, 400, "after: '-1' is not a whole number"),
    ],
)
def test_a_mistake_is_one_line(client: Client, method: str, path: str, body: object, status: int, message: str) -> None:
    assert message in client.ask(method, path, body, status=status)["error"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /v1/health\r\n\r\n", 400),
        (b"GET /v1/health HTTP/2.0\r\n\r\n", 505),
        (b"GET /v1/health HTTP/1.1\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", 431),
        (b"PUT /v1/proxies/a HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY + 1), 413),
        (b"PUT /v1/proxies/a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"PUT /v1/proxies/a HTTP/1.1\r\nContent-Length: 3\r\n\r\n{{{", 400),
        (b"PUT /v1/proxies/a HTTP/1.1\r\nContent-Length: 20000\r\n\r\n" + b"[" * 20_000, 400),
    ],
)
def test_what_is_no_question_is_refused(ground: Ground, client: Client, sent: bytes, status: int) -> None:
    one = ground.connect(int(client.url.rpartition(":")[2]))
    one.sendall(sent)
    assert one.recv(12) == b"HTTP/1.1 %d" % status
    client.ask("GET", "/v1/health")


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**12)
    | st.floats()
    | st.sampled_from(["", "5s", "5:error", "a", "127.0.0.1:0"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [*BEHAVIOURS, *TOXICS, "type", "attributes", "toxicity", "stream", "mix", "percent", "name", "upstream"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=40)
@given(
    path=st.sampled_from(PATHS),
    body=JSON,
    query=st.dictionaries(st.sampled_from(["count", "after", "proxy"]), st.text(max_size=4)),
)
def test_whatever_is_asked_gets_an_answer(ground: Ground, path: Any, body: object, query: dict[str, str]) -> None:
    words = {"proxy": "a", "fault": "f", "toxic": "t", "owner": "o"}
    asked = Question(words=words, query=query, body=json.dumps(body).encode())
    if "a" not in ground.board.snapshot.proxies:
        ground.put(1, name="a", enabled=False)
    reply = ground.loop.call(lambda: answered(ground.board, path, asked))
    assert reply.status in {200, 201, 204, 400, 404, 409}
    json.loads(reply.payload() or b"{}") if reply.kind == "application/json" else reply.payload()


# ------------------------------------------------------------------------------------- Toxiproxy's clients, and Vaurien


def toxiproxy(ground: Ground, client: Client, **toxic: object) -> tuple[socket.socket, int]:
    """A proxy made as Toxiproxy's clients make it, and a connection through it that works; then the toxic."""
    made = client.ask("POST", "/proxies", {"name": "redis", **inventory(ground)}, status=201)
    assert made["toxics"] == []
    assert made["enabled"] is True
    one = ground.connect(port(made))
    one.sendall(b"x")
    assert exactly(one, 1) == b"x"
    if toxic:
        client.ask("POST", "/proxies/redis/toxics", toxic)
    return one, port(made)


def test_toxiproxy_latency_holds_a_connection_that_is_open_until_it_is_removed(ground: Ground, client: Client) -> None:
    one, _ = toxiproxy(ground, client, type="latency", attributes={"latency": 60, "jitter": 0})
    assert client.ask("GET", "/proxies/redis/toxics") == [
        {
            "attributes": {"latency": 60, "jitter": 0},
            "name": "latency_downstream",
            "type": "latency",
            "stream": "downstream",
            "toxicity": 1.0,
        }
    ]
    begun = time.monotonic()
    one.sendall(b"hello")
    assert exactly(one, 5) == b"hello"
    assert time.monotonic() - begun >= 0.06
    client.ask("POST", "/proxies/redis/toxics/latency_downstream", {"attributes": {"latency": 3_600_000}})
    one.sendall(b"again")
    client.ask("DELETE", "/proxies/redis/toxics/latency_downstream", status=204)
    assert exactly(one, 5) == b"again"


@pytest.mark.parametrize(
    ("kind", "attributes", "seen"),
    [
        ("bandwidth", {"rate": 1000}, b"hello"),
        ("slow_close", {"delay": 20}, b"hello"),
        ("slicer", {"average_size": 2, "size_variation": 1, "delay": 10}, b"hello"),
        ("limit_data", {"bytes": 3}, b"hel"),
        ("timeout", {"timeout": 20}, b""),
    ],
)
def test_each_toxic_has_its_effect(
    ground: Ground, client: Client, kind: str, attributes: dict[str, int], seen: bytes
) -> None:
    one, _ = toxiproxy(ground, client, type=kind, attributes=attributes)
    one.sendall(b"hello")
    if kind != "timeout":
        one.shutdown(socket.SHUT_WR)
    assert everything(one) == seen


def test_toxiproxy_reset_peer_and_down(ground: Ground, client: Client) -> None:
    one, at = toxiproxy(ground, client, type="reset_peer", attributes={"timeout": 10})
    with pytest.raises(ConnectionResetError):
        everything(one)
    client.ask("POST", "/proxies/redis", {"enabled": False})
    with pytest.raises(ConnectionRefusedError):
        ground.connect(at)
    client.ask("POST", "/reset", status=204)
    assert client.ask("GET", "/proxies/redis") == client.ask("GET", "/proxies")["redis"]
    again = ground.connect(at)
    again.sendall(b"hello")
    assert exactly(again, 5) == b"hello"


def test_toxicity_is_of_connections_and_nothing_redraws_it(ground: Ground, client: Client) -> None:
    _, at = toxiproxy(ground, client)
    clients = [ground.connect(at) for _ in range(16)]
    for one in clients:
        one.sendall(b"x")
        exactly(one, 1)
    client.ask("POST", "/proxies/redis/toxics", {"type": "reset_peer", "toxicity": 0.5})
    client.ask("POST", "/proxies/redis/toxics", {"type": "latency", "toxicity": 0, "attributes": {"latency": 9}})
    client.ask("PATCH", "/proxies/redis/toxics/reset_peer_downstream", {"toxicity": 0.5})
    client.ask("POST", "/proxies/redis/toxics", {"type": "timeout", "toxicity": 0.0})
    assert 0 < ground.live("redis").counters.live < 16
    assert ground.live("redis").counters.affected.keys() == {"reset_peer_downstream"}


def test_toxiproxy_says_its_mistakes_as_its_clients_expect(ground: Ground, client: Client) -> None:
    toxiproxy(ground, client, type="latency")
    again = {"name": "redis", **inventory(ground)}
    assert client.ask("POST", "/proxies", again, status=409)["error"] == "proxy already exists"
    assert client.ask("GET", "/proxies/none", status=404) == {
        "error": "proxy not found",
        "title": "proxy not found",
        "status": 404,
    }
    paths = "/proxies/redis/toxics"
    assert client.ask("POST", paths, {"type": "latency"}, status=409)["error"] == "toxic already exists"
    assert client.ask("POST", paths, {"type": "colour"}, status=400)["error"] == "invalid toxic type"
    assert "stream" in client.ask("POST", paths, {"type": "latency", "stream": "up"}, status=400)["error"]
    assert client.ask("DELETE", f"{paths}/none", status=404)["error"] == "toxic not found"
    assert client.ask("POST", "/proxies", {"name": "x"}, status=400)["error"] == "missing required field: upstream"
    assert client.ask("GET", "/version")["version"].startswith("2.")


def test_populate_makes_replaces_and_leaves_what_is_the_same(ground: Ground, client: Client) -> None:
    upstream = f"127.0.0.1:{ground.upstream().port}"
    wanted = [{"name": "a", "listen": "127.0.0.1:0", "upstream": upstream}]
    made = client.ask("POST", "/populate", wanted, status=201)["proxies"]
    client.ask("POST", "/proxies/a/toxics", {"type": "latency"})
    again = [{**wanted[0], "listen": made[0]["listen"]}, {**wanted[0], "name": "b"}]
    populated = client.ask("POST", "/populate", again, status=201)["proxies"]
    assert [(each["name"], len(each["toxics"])) for each in populated] == [("a", 1), ("b", 0)]


def test_vauriens_remote_control_wins_over_the_mix_it_began_with(ground: Ground, client: Client) -> None:
    made = client.ask("PUT", "/v1/proxies/inventory", inventory(ground, mix="5:error,10:delay"), status=201)
    assert client.ask("GET", "/behavior") == {"behavior": "5:error,10:delay"}
    assert client.ask("GET", "/behaviors") == {"behaviors": [*BEHAVIOURS]}
    client.ask("PUT", "/behavior", {"name": "blackout"})
    assert client.ask("GET", "/behavior?proxy=inventory") == {"behavior": "blackout"}
    assert everything(ground.connect(port(made))) == b""
    client.ask("PUT", "/behavior", {"name": "dummy"})
    assert client.ask("GET", "/behavior") == {"behavior": "dummy"}
