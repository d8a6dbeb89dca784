"""The CI component as gitlab-ci-local parses and runs it: a program that is not ours, which reads what GitLab reads.

It is installed from npm once, into a cache outside the checkout; without npm, or if that cannot be reached, this is
skipped and says so. `rsync` is what it copies a repository with: where there is none, git does that.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from gate.web.answer import Answer
from gate.web.answer_json import to_json
from gate.web.server import Server
from tests.cli.test_wait import FAILED, OPEN, FakeGate

pytestmark = pytest.mark.thorough

VERSION = "4.61.1"
"""The newest ones want a newer Node than many machines have."""
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "chaos-gate" / f"gitlab-ci-local-{VERSION}"
TEMPLATE = Path(__file__).parents[2] / "templates" / "chaos-gate.yml"
PATIENCE = 180.0
COPY = '#!/bin/sh\nfor last; do :; done\nmkdir -p "$last" && git archive HEAD | tar -x -C "$last"\n'


def installed() -> Path:
    """The program. Skips the test where it cannot be had."""
    program = CACHE / "node_modules" / ".bin" / "gitlab-ci-local"
    if program.exists():
        return program
    if not shutil.which("npm"):
        pytest.skip("there is no npm on this machine to install gitlab-ci-local with")
    CACHE.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE.parent) as folder:
        quiet = ("--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error")
        command = ("npm", "install", "--prefix", folder, *quiet, f"gitlab-ci-local@{VERSION}")
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)
        except (subprocess.SubprocessError, OSError) as error:
            pytest.skip(f"gitlab-ci-local could not be installed from npm: {error}")
        if not CACHE.exists():  # somebody else was not faster
            (Path(folder) / "whole").mkdir()
            shutil.move(Path(folder) / "node_modules", Path(folder) / "whole" / "node_modules")
            (Path(folder) / "whole").rename(CACHE)
    return program


@dataclass
class Repository:
    """A project with the component between two stages, and the gate that it asks."""

    folder: Path
    gate: FakeGate
    environment: dict[str, str]
    program: Path

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = (str(self.program), *arguments)
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def git(self, *arguments: str) -> str:
        names = ("-c", "user.name=dev", "-c", "user.email=dev@example.org")
        done = subprocess.run(
            ("git", *names, *arguments), cwd=self.folder, capture_output=True, text=True, timeout=60, check=True
        )
        return done.stdout.strip()


@pytest.fixture
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Repository]:
    """Its gate has one answer, the test's parameter."""
    answer = request.param
    assert isinstance(answer, Answer)
    program, tools, folder = installed(), tmp_path / "tools", tmp_path / "project"
    for each in (tools, folder, tmp_path / "home"):
        each.mkdir()
    if not shutil.which("rsync"):
        (tools / "rsync").write_text(COPY)
        (tools / "rsync").chmod(0o755)
    path = os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {"PATH": path, "HOME": str(tmp_path / "home")}
    gate = FakeGate([(to_json(answer), 200)])
    with Server(gate.app(), threads=2) as server:
        made = Repository(folder=folder, gate=gate, environment=environment, program=program)
        inputs = {"service": "shop/checkout", "url": server.address, "timeout": "60s"}
        pipeline = {
            "stages": ["verify", "production"],
            "include": [{"local": "templates/chaos-gate.yml", "inputs": inputs}],
            "deploy": {"stage": "production", "script": ["echo it is in production"]},
        }
        (folder / "templates").mkdir()
        shutil.copy(TEMPLATE, folder / "templates")
        (folder / ".gitlab-ci.yml").write_text(yaml.safe_dump(pipeline))
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("remote", "add", "origin", "git@gitlab.example.org:shop/checkout.git")
        made.git("add", "--all")
        made.git("commit", "--quiet", "--message=begin")
        yield made


@pytest.mark.parametrize(
    ("repository", "passes"), [(OPEN, True), (FAILED, False)], indirect=["repository"], ids=["open", "failed"]
)
def test_the_component_lets_production_begin_or_not(repository: Repository, passes: bool) -> None:
    ended = repository.run("--force-shell-executor")
    said = ended.stdout + ended.stderr
    assert (ended.returncode == 0) is passes, said
    assert ("> it is in production" in said) is passes, said
    asked = repository.gate.questions[0]
    assert (asked["namespace"], asked["name"], asked["sha"]) == (
        "shop",
        "checkout",
        repository.git("rev-parse", "HEAD"),
    )
    for report in ("junit.xml", "links.json", "metrics.txt"):
        assert (repository.folder / f"chaos-gate-{report}").stat().st_size, said
    assert ("reproduce  chaos-gate run" in said) is not passes


@pytest.mark.parametrize("repository", [OPEN], indirect=True)
def test_what_it_makes_of_the_component_is_one_job_with_its_inputs(repository: Repository) -> None:
    shown = repository.run("--preview")
    assert shown.returncode == 0, shown.stderr
    jobs = yaml.safe_load(shown.stdout.partition("---\n")[2] or shown.stdout)
    (job,) = [job for name, job in jobs.items() if name == "chaos gate: shop/checkout"]
    assert job["environment"] == {"name": "staging", "action": "verify"}
    assert job["id_tokens"] == {"CHAOS_GATE_ID_TOKEN": {"aud": "chaos-gate"}}
    assert "$[[" not in shown.stdout
