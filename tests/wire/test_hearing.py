"""Webhooks of the embedded GitLab come to the gate, which looks at once, and believes nothing without the secret."""

import base64
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from gate.errors import Temporary
from gate.web.app import create_app
from gate.web.server import LARGEST_BODY, Server
from gate.web.views import Readiness
from gate.wire.hearing import Hearing
from tests.gitlab.ground import MANUAL, PATH, World, served

TOKEN, SIGNING = secrets.token_hex(16), f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
PATIENCE = 60.0


@dataclass
class Gate:
    """A gate's ears, behind a real server."""

    fetched: threading.Event = field(default_factory=threading.Event)
    looked: list[str] = field(default_factory=list)
    trouble: Exception | None = None

    def __post_init__(self) -> None:
        self.hearing = Hearing(
            self.secrets,
            is_catalogue=lambda project, ref: (project, ref) == (PATH, "refs/heads/main"),
            fetch=self.fetched.set,
            look=self.looked.append,
            now=lambda: datetime.now(UTC),
        )

    def secrets(self) -> str:
        if self.trouble:
            raise self.trouble
        return f"{TOKEN}\n\n{SIGNING}\n"

    def readiness(self) -> Readiness:
        return Readiness(ready=True)

    def counts(self, about: str, outcome: str) -> int:
        return self.hearing.counts.get((about, outcome), 0)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with served() as world:
        yield world


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def address(gate: Gate) -> Iterator[str]:
    with Server(create_app(gate, hearer=gate.hearing), threads=4, largest=LARGEST_BODY) as server:
        yield f"{server.address}/webhooks/gitlab"


@pytest.fixture
def hook(world: World, address: str) -> Iterator[Callable[..., str]]:
    """Makes a hook; gives its path."""
    made: list[str] = []

    def make(**how: object) -> str:
        hooks = f"{world.project.path}/hooks"
        every = {"push_events": True, "pipeline_events": True, "deployment_events": True, "job_events": True}
        made.append(f"{hooks}/{world.project.client.post(hooks, url=address, **every, **how)['id']}")
        return made[-1]

    yield make
    for path in made:
        world.project.client.ask("DELETE", path)


def eventually(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, "it never comes"
        threading.Event().wait(0.02)


@pytest.mark.parametrize("how", [{"token": TOKEN}, {"signing_token": SIGNING}], ids=["token", "signature"])
def test_a_push_has_the_catalogue_fetched_and_a_pipeline_has_gitlab_looked_at(
    world: World, gate: Gate, hook: Callable[..., str], how: dict[str, str]
) -> None:
    path = hook(**how)
    world.project.commit({".gitlab-ci.yml": f"{MANUAL}# {sorted(how)}\n"}, action="update")
    assert gate.fetched.wait(PATIENCE)
    eventually(lambda: gate.counts("pipeline", "acted"))
    assert set(gate.looked) == {PATH}
    assert gate.counts("other", "refused") == 0

    def pushes() -> list[dict[str, Any]]:
        """What GitLab says of them, which it writes down when it has had the answers."""
        return [each for each in world.project.client.get(f"{path}/events") if each["trigger"] == "Push Hook"]

    eventually(lambda: len(pushes()) == 1)
    (first,) = pushes()
    assert first["response_status"] == "202"
    gate.fetched.clear()
    world.project.client.post(f"{path}/events/{first['id']}/resend")
    eventually(lambda: gate.counts("push", "repeated") == 1)
    assert not gate.fetched.is_set()


def test_another_branch_and_what_nobody_looks_at_are_taken_and_ignored(
    world: World, gate: Gate, hook: Callable[..., str]
) -> None:
    path = hook(token=TOKEN)
    world.project.client.post(f"{world.project.path}/repository/branches", branch="elsewhere", ref="main")
    world.project.commit({"elsewhere": "x"}, branch="elsewhere")
    eventually(lambda: gate.counts("push", "ignored"))
    eventually(lambda: world.project.client.get(f"{path}/events"))
    assert not gate.fetched.is_set()


@pytest.mark.parametrize(
    "how", [{}, {"token": "guessed"}, {"token": "guessed", "signing_token": SIGNING[:-6] + "AAAAA="}]
)
def test_without_the_secret_nothing_happens(
    world: World, gate: Gate, hook: Callable[..., str], how: dict[str, str]
) -> None:
    path = hook(**how)
    answer = world.project.client.ask("POST", f"{path}/test/push_events")
    assert answer.status_code == 422
    assert gate.counts("other", "refused") == 1
    assert not gate.fetched.is_set()
    assert gate.looked == []


def test_a_status_check_has_the_merge_requests_looked_at(world: World, gate: Gate, address: str) -> None:
    project = world.project
    body = {"name": "chaos", "external_url": address, "shared_secret": TOKEN}
    check = project.client.post(f"{project.path}/external_status_checks", **body)
    try:
        project.client.post(f"{project.path}/repository/branches", branch="promotes", ref="main")
        project.commit({"promotes": "x"}, branch="promotes")
        asked = {"source_branch": "promotes", "target_branch": "main", "title": "Promote"}
        project.client.post(f"{project.path}/merge_requests", **asked)
        eventually(lambda: gate.counts("status_check", "acted"))
    finally:
        project.client.ask("DELETE", f"{project.path}/external_status_checks/{check['id']}")
    assert set(gate.looked) == {PATH}


def test_what_is_too_large_is_refused(gate: Gate, address: str) -> None:
    large = requests.post(address, data=b" " * (LARGEST_BODY + 1), headers={"X-Gitlab-Token": TOKEN}, timeout=30)
    assert large.status_code == 413
    whole = requests.post(address, data=b" " * (1024 * 1024), headers={"X-Gitlab-Token": TOKEN}, timeout=30)
    assert (whole.status_code, gate.counts("other", "ignored")) == (202, 1)


@pytest.mark.parametrize("shown", ["X-Gitlab-Token: guessed\r\n", ""], ids=["a wrong token", "none"])
def test_without_the_secret_the_body_is_not_even_waited_for(gate: Gate, address: str, shown: str) -> None:
    where = urlsplit(address)
    asked = f"POST {where.path} HTTP/1.1\r\nHost: gate\r\nContent-Length: {LARGEST_BODY}\r\n{shown}\r\n"
    with socket.create_connection((where.hostname, where.port), timeout=PATIENCE) as sender:
        sender.sendall(asked.encode())
        assert sender.recv(4096).startswith(b"HTTP/1.1 403 ")
    assert gate.counts("other", "refused") == 1


def test_while_the_secrets_cannot_be_read_nothing_is_taken(gate: Gate, address: str) -> None:
    gate.trouble = Temporary("the secret cannot be read")
    assert requests.post(address, data=b"{}", headers={"X-Gitlab-Token": TOKEN}, timeout=30).status_code == 503


def test_without_secrets_there_is_no_such_page(gate: Gate) -> None:
    with Server(create_app(gate), threads=4) as server:
        assert requests.post(f"{server.address}/webhooks/gitlab", data=b"{}", timeout=30).status_code == 404
