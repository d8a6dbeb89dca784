"""The client of a plan can only look: nothing else reaches the server, whichever method is called."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import urllib3
from kubernetes.client import Configuration

from gate.cluster.api import Api
from gate.cluster.looking import Looking
from gate.errors import Permanent

CHANGES: dict[str, Callable[[Api], Any]] = {
    "create": lambda api: api.create("pods", "shop", {}),
    "patch": lambda api: api.patch("pods", "shop", "one", {}),
    "replace": lambda api: api.replace("pods", "shop", "one", {}),
    "delete": lambda api: api.delete("pods", "shop", "one", uid="u"),
    "evict": lambda api: api.evict("shop", "one", uid="u"),
    "execute": lambda api: api.execute("shop", "one", "main", ["true"]),
    "user": lambda api: api.user(),
}


class Server:
    """Answers whatever it is asked, and remembers how."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def request(self, method: str, url: str, body: bytes | None = None, **_: Any) -> urllib3.BaseHTTPResponse:
        self.asked.append(method)
        answer = b'{"metadata": {"name": "one", "resourceVersion": "1", "uid": "u"}}'
        return urllib3.HTTPResponse(BytesIO(answer), status=200, preload_content=True)


@pytest.fixture
def server() -> Server:
    return Server()


@pytest.fixture(params=["as it is", "hurried", "fenced"])
def looking(server: Server, request: pytest.FixtureRequest) -> Api:
    """Also what is made of it."""
    api = Looking(Configuration(host="http://127.0.0.1:1"), server)
    made = {"as it is": lambda: api, "hurried": lambda: api.hurried(1.0), "fenced": lambda: api.fenced(lambda: None)}
    return made[request.param]()


@pytest.mark.parametrize("change", CHANGES)
def test_nothing_that_changes_anything_reaches_the_server(looking: Api, server: Server, change: str) -> None:
    with pytest.raises(Permanent, match="nothing is changed here"):
        CHANGES[change](looking)
    assert server.asked == []


def test_it_reads_as_any_other(looking: Api, server: Server) -> None:
    found = looking.get("pods", "shop", "one")
    assert (found or {})["metadata"]["name"] == "one"
    assert server.asked == ["GET"]


def test_a_command_that_only_looks_is_not_run_either(looking: Api, server: Server) -> None:
    assert looking.execute("shop", "one", "main", ["id"], changing=False) == ""
    assert server.asked == []
