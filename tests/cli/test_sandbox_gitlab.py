"""`chaos-gate sandbox --only gitlab`: an empty GitLab that a script fills by the calls it would make to a real one."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import pytest
import requests

TOKEN = "seeded-by-a-test"


@contextmanager
def running(*options: str) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "gate.cli", "sandbox", "--only", "gitlab", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def address(process: "subprocess.Popen[str]") -> str:
    """Where it says that it listens."""
    assert process.stdout is not None
    return next(line for line in process.stdout if line.startswith("GitLab")).split()[1]


class Rest:
    """What a script does: the paths of a real GitLab, and one token."""

    def __init__(self, base: str, token: str) -> None:
        self.server, self._session = base, requests.Session()
        self._session.trust_env = False
        self._session.headers["PRIVATE-TOKEN"] = token

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def ask(self, method: str, path: str, /, **body: Any) -> Any:
        answer = self._session.request(method, f"{self.server}/api/v4{path}", json=body or None, timeout=30)
        assert answer.status_code < 300, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None


def test_a_script_for_gitlab_fills_it_and_nothing_is_left_of_it(
    eventually: Callable[[Callable[[], object]], None],
) -> None:
    with running("--port", "0", "--root-token", TOKEN) as process, Rest(address(process), TOKEN) as rest:
        group = rest.ask("POST", "/groups", name="Shop", path="shop")
        project = rest.ask("POST", "/projects", name="checkout", path="checkout", namespace_id=group["id"])
        assert project["path_with_namespace"] == "shop/checkout"
        here = "/projects/shop%2Fcheckout"
        jane = rest.ask("POST", "/users", username="jane", name="Jane", email="jane@example.org", password="x")
        rest.ask("POST", f"{here}/members", user_id=jane["id"], access_level=30)
        bot = rest.ask("POST", f"{here}/access_tokens", name="gate", scopes=["api"], access_level=40)
        rest.ask("POST", f"{here}/environments", name="production", tier="production")
        rest.ask(
            *("POST", f"{here}/protected_environments"),
            name="production",
            deploy_access_levels=[{"user_id": bot["user_id"]}],
        )
        rest.ask("POST", f"{here}/hooks", url="http://127.0.0.1:9/", pipeline_events=True, push_events=False)
        file = "ship: {script: 'true', environment: production, when: manual, allow_failure: false}\n"
        actions = [{"action": "create", "file_path": ".gitlab-ci.yml", "content": file}]
        commit = rest.ask("POST", f"{here}/repository/commits", branch="main", commit_message="Begin", actions=actions)
        rest.ask("POST", f"{here}/repository/branches", branch="topic", ref="main")
        rest.ask("POST", f"{here}/protected_branches", name="main", push_access_level=40, merge_access_level=40)
        pipeline = rest.ask("POST", f"{here}/pipeline", ref="main")
        asked = rest.ask(
            "POST", f"{here}/merge_requests", source_branch="topic", target_branch="main", title="Nothing new"
        )
        assert (pipeline["sha"], asked["iid"]) == (commit["id"], 1)
        (job,) = rest.ask("GET", f"{here}/pipelines/{pipeline['id']}/jobs?scope[]=manual")
        with Rest(rest.server, bot["token"]) as gate:
            gate.ask("POST", f"{here}/jobs/{job['id']}/play")
        eventually(lambda: rest.ask("GET", f"{here}/jobs/{job['id']}")["status"] == "success")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode == 0


def test_a_port_that_is_taken_is_said_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        with running("--port", port) as process:
            said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert port in said
    assert "--port" in said


@pytest.mark.parametrize("options", [("--port", "80"), ("--root-token", "x")])
def test_the_whole_sandbox_takes_no_port_and_no_token(options: tuple[str, str]) -> None:
    command = [sys.executable, "-m", "gate.cli", "sandbox", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "--only gitlab" in done.stderr
