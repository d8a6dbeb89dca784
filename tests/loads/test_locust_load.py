"""A locustfile of the author's is run by Locust, and what it has sent is compared with the rate that was asked for."""

import os
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gate.loads import locust
from gate.loads.locust import Settings
from gate.model import Undo
from gate.running import companions
from gate.running.ports import Surroundings
from gate.running.time import SystemClock
from tests.grounds import Ground

Eventually = Callable[[Callable[[], object]], None]
SCRIPT = """
import os
from pathlib import Path

from locust import HttpUser, task


class Shopper(HttpUser):
    @task
    def buy(self):
        Path(os.environ["SEEN"]).write_text(os.environ["CHAOS_GATE_RUN"] + " " + self.host)
"""
LOCUST = '''\
#!%s
"""Does with a locustfile what Locust does, as far as it matters here; each user sends ten requests in a second."""
import runpy, signal, sys, threading, types
from types import SimpleNamespace

class Hook:
    def __init__(self):
        self.heard = []
    def add_listener(self, handler):
        self.heard.append(handler)
        return handler
    def fire(self, **told):
        for each in self.heard:
            each(**told)

module = sys.modules["locust"] = types.ModuleType("locust")
module.events = SimpleNamespace(test_start=Hook(), quitting=Hook())
module.HttpUser = type("HttpUser", (), {})
module.task = lambda method: setattr(module, "todo", method) or method
words = dict(zip(sys.argv[1:], sys.argv[2:]))
over = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: over.set())
runpy.run_path(words["-f"])
total = SimpleNamespace(num_requests=0, num_failures=0)
around = SimpleNamespace(stats=SimpleNamespace(total=total))
module.events.test_start.fire(environment=around)
while not over.wait(0.1):
    module.todo(SimpleNamespace(host=words["--host"]))
    total.num_requests += int(words["--users"])
module.events.quitting.fire(environment=around)
'''


@dataclass
class Users:
    """A load that is about to be started on a machine with something that behaves like Locust."""

    around: Surroundings
    settings: dict[str, Any]
    seen: Path
    kept: list[Undo]


@pytest.fixture
def cluster(lasting_sandbox: Ground) -> Ground:
    """It is played on the sandbox alone."""
    return lasting_sandbox


@pytest.fixture
def users(cluster: Ground, namespace: str, tmp_path: Path) -> Users:
    program = tmp_path / "locust"
    program.write_text(LOCUST % sys.executable)
    program.chmod(0o755)
    seen, kept = tmp_path / "seen", list[Undo]()
    around = Surroundings(
        cluster=cluster.api,
        clock=SystemClock(),
        namespace=namespace,
        resolve=str,
        run="the-run",
        keep=kept.append,
        rest=lambda: SystemClock().wait(threading.Event(), 0.05) and None,
        deadline=datetime.now(UTC) + timedelta(minutes=5),
        what="load shoppers",
    )
    settings = {
        "image": "web:1",
        "script": SCRIPT,
        "url": "http://checkout.shop:8080",
        "users": 5,
        "rate": "10/s",
        "begins": "30s",
        "env": {"PATH": f"{tmp_path}:{os.defpath}", "TMPDIR": str(tmp_path), "SEEN": str(seen)},
    }
    return Users(around=around, settings=settings, seen=seen, kept=kept)


def test_the_script_is_run_for_the_run_against_the_address(users: Users, eventually: Eventually) -> None:
    load = locust.start(users.settings, users.around)
    eventually(users.seen.exists)
    eventually(users.seen.read_text)
    summary = load.stop()
    assert users.seen.read_text() == "the-run http://checkout.shop:8080"
    assert summary.problem == ""
    assert summary.sent % 5 == 0
    assert summary.sent > 0
    assert [companions.revert(undo, users.around.cluster) for undo in users.kept] == ["it is removed"]


def test_less_than_the_rate_that_was_asked_for_is_seen_in_its_summary(users: Users, eventually: Eventually) -> None:
    load = locust.start(users.settings | {"rate": "100000/s"}, users.around)
    eventually(users.seen.exists)
    summary = load.stop()
    assert 0 < summary.sent < 0.9 * summary.due


def test_a_script_that_breaks_ends_the_load_with_what_it_said(users: Users, eventually: Eventually) -> None:
    load = locust.start(users.settings | {"script": "raise KeyError('no such shop')"}, users.around)
    eventually(load.has_ended)
    problem = load.stop().problem
    assert problem.startswith("ended before the run did, with exit code 1")
    assert "no such shop" in problem


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"script": "import os\ndef"}, "line 2 of the script is not Python"),
        ({"script": ""}, "at least 1 character"),
        ({"users": 0}, "greater than or equal to 1"),
        ({"url": "checkout"}, "is not an address"),
        ({"rate": None}, "rate"),
        ({"file": "shoppers.py"}, "file"),
    ],
)
def test_what_cannot_be_sent_is_refused(change: dict[str, Any], why: str) -> None:
    good = {"image": "l", "script": SCRIPT, "url": "http://checkout.shop", "users": 1, "rate": "1/s"}
    with pytest.raises(ValidationError, match=why):
        Settings.model_validate(good | change)
