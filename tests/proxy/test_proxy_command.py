"""`chaos-gate proxy` as a process, and its page."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gate.cli import cli
from gate.errors import GateError, Permanent
from gate.proxy.behaviours import BEHAVIOURS
from gate.proxy.control.paths import PATHS
from gate.proxy.forms import fields
from gate.proxy.process import config
from tests.proxy.conftest import Ground, exactly

Eventually = Callable[[Callable[[], object]], None]
PAGE = (Path(__file__).parents[2] / "docs" / "proxy.md").read_text()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the command; whatever was started has ended afterwards."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        log = (tmp_path / "log").open("w")
        command = [sys.executable, "-m", "gate.cli", "proxy", *arguments]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
        log.close()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait(30)
        if process.stdout:
            process.stdout.close()


def test_it_serves_reloads_on_sighup_refuses_a_broken_file_and_ends_on_sigterm_under_load(
    ground: Ground, tmp_path: Path, run: Callable[..., subprocess.Popen[str]], eventually: Eventually
) -> None:
    file = tmp_path / "proxies.json"
    one: dict[str, object] = {"name": "inventory", "listen": "127.0.0.1:0"}
    one["upstream"] = f"127.0.0.1:{ground.upstream().port}"
    file.write_text(json.dumps({"seed": "7", "control": "127.0.0.1:0", "proxies": [one]}))
    process = run("--config", str(file))
    assert process.stdout
    assert re.match(r"control +http://127\.0\.0\.1:\d+   seed 7", process.stdout.readline())
    port = int(re.findall(r"127\.0\.0\.1:(\d+) -> ", process.stdout.readline())[0])
    client = ground.connect(port)
    client.sendall(b"hello")
    assert exactly(client, 5) == b"hello"

    def log() -> str:
        return (tmp_path / "log").read_text()

    file.write_text("proxies: [{name: inventory")
    process.send_signal(signal.SIGHUP)
    eventually(lambda: "reload=refused" in log())
    client.sendall(b"hello")
    assert exactly(client, 5) == b"hello"

    file.write_text(json.dumps({"proxies": [{**one, "mix": "100:reset"}]}))
    process.send_signal(signal.SIGHUP)
    with pytest.raises(ConnectionResetError):
        exactly(client, 1)
    file.write_text(json.dumps({"proxies": [one]}))
    process.send_signal(signal.SIGHUP)
    eventually(lambda: log().count("reload=done") == 2)
    loaded = [ground.connect(port) for _ in range(50)]
    for each in loaded:
        each.sendall(b"x" * 10_000)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    assert "Traceback" not in log()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("proxies: [", "is not YAML"),
        ("[]", "[] is not an object"),
        ("proxies: {}", "proxies: {} is not a list"),
        ("proxis: []", '"proxis" is not one of seed, control, proxies; did you mean proxies?'),
        ("proxies: [{name: a}]", "proxies[0].listen: is missing"),
        ("control: 8474", "control: 8474 is not an address"),
        ("proxies: [&a {name: a, listen: ':1', upstream: 'b:2'}, *a]", 'two are called "a"'),
        ("\0", "is not YAML"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_that_names_it(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "proxies.yaml").write_text(text)
    with pytest.raises(Permanent) as error:
        config(tmp_path / "proxies.yaml")
    assert message in str(error.value)
    assert "proxies.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_control_address_that_is_taken_ends_it_with_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        answer = CliRunner().invoke(cli, ["proxy", "--control", address])
    assert isinstance(answer.exception, GateError)
    assert str(answer.exception) == f"listen {address}: is taken; choose another port"


def test_explain_needs_a_seed(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("proxies: [{name: a, listen: ':1', upstream: 'b:2'}]")
    answer = CliRunner().invoke(cli, ["proxy", "explain", "--config", str(tmp_path / "p.yaml"), "--proxy", "a"])
    assert "says no seed, so nobody can tell" in str(answer.exception)
    command = ["proxy", "explain", "--config", str(tmp_path / "p.yaml"), "--proxy", "b", "--seed", "1"]
    assert "proxy b: there is none; there are a" in str(CliRunner().invoke(cli, command).exception)


# ---------------------------------------------------------------------------------------------------------- the page


def test_the_example_of_the_page_says_what_explain_says(tmp_path: Path) -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    sample, rules = (block for block in blocks if "proxies:\n" in block)
    (tmp_path / "rules.yaml").write_text(rules)
    assert len(config(tmp_path / "rules.yaml").proxies[0].rules) == 2
    (tmp_path / "proxies.yaml").write_text(sample)
    command, told = re.findall(r"^\$ chaos-gate (proxy explain [^\n]*)\n(.*?)^\$", PAGE, re.MULTILINE | re.DOTALL)[0]
    answer = CliRunner().invoke(cli, command.replace("proxies.yaml", str(tmp_path / "proxies.yaml")).split())
    assert answer.output == told
    as_json = CliRunner().invoke(
        cli, [*command.replace("proxies.yaml", str(tmp_path / "proxies.yaml")).split(), "--output", "json"]
    )
    assert json.loads(as_json.output)["asked"] == 12


@pytest.mark.parametrize("kind", BEHAVIOURS)
def test_the_page_says_of_each_behaviour_what_it_says_itself(kind: str) -> None:
    (row,) = re.findall(rf"^\| `{kind}` \| (.*) \|$", PAGE, re.MULTILINE)
    form = BEHAVIOURS[kind]
    assert " ".join((form.__doc__ or "").split()) in row
    assert set(re.findall(r"`(\w+)`", row.rpartition("|")[2])) == set(fields(form))


def test_the_page_names_only_paths_that_are_there() -> None:
    known = {(path.method, path.path) for path in PATHS}
    named = set(re.findall(r"`(GET|PUT|POST|DELETE) (/[^`?]+)`", PAGE))
    assert len(named) > 8
    assert named <= known
