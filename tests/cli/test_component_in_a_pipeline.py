"""The CI component, run by a pipeline as GitLab runs it: its exit code is what lets production begin, or not."""

import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.gitlab.job_tokens import JobTokens, Signer
from gate.model import Commit, Gate, Verdict
from gate.sandbox.gitlab import GitLab
from gate.web.answers import lot_of
from gate.web.app import create_app
from gate.web.server import Server
from tests.sandbox.gitlab_world import ROOT, Client, Project
from tests.web.conftest import Known
from tests.web.test_app import SUBSCRIPTION, gate

TEMPLATE = Path(__file__).parents[2] / "templates" / "chaos-gate.yml"
PATIENCE = 240.0
FINISHED = {"success", "failed", "canceled", "skipped"}


@dataclass
class Playing:
    """A GitLab, and a gate that wants to know who asks."""

    client: Client
    known: Known
    url: str

    def pipeline(self, path: str, **inputs: str) -> tuple[Project, str, int]:
        """A project whose pipeline has the component between staging and production."""
        project = Project(self.client, path)
        program = Path(sys.executable).parent
        job = {**filled({"service": "shop/checkout", "url": self.url, **inputs}), "stage": "verify"}
        job["variables"] = {**job["variables"], "PATH": f"{program}:/usr/local/bin:/usr/bin:/bin"}
        config = {
            "stages": ["verify", "production"],
            "chaos gate": job,
            "deploy": {"stage": "production", "script": ["exit 0"]},
        }
        sha = project.commit({".gitlab-ci.yml": yaml.safe_dump(config)})
        (pipeline,) = project.pipelines(sha=sha)
        return project, sha, pipeline["id"]

    def judges(self, verdict: Verdict, sha: str, pipeline: int) -> None:
        """The gate has its answer for that commit."""
        self.known.all_gates = [at(gate(verdict, subscriptions=("checkout",)), sha, pipeline)]
        self.known.changes.ring()


def at(judged: Gate, sha: str, pipeline: int) -> Gate:
    commit = Commit(project=SUBSCRIPTION.project, sha=sha, pipeline=pipeline)
    runs = tuple(replace(run, verdict=judged.status.verdict) for run in judged.status.runs)
    return replace(judged, status=replace(judged.status, commit=commit, runs=runs))


def filled(inputs: dict[str, str]) -> dict[str, Any]:
    """The component's job with its inputs, as GitLab fills them in."""
    header, _, body = TEMPLATE.read_text(encoding="utf-8").partition("\n---\n")
    given = {name: one.get("default") for name, one in yaml.safe_load(header)["spec"]["inputs"].items()} | inputs
    (job,) = yaml.safe_load(re.sub(r"\$\[\[ inputs\.([\w-]+) \]\]", lambda found: str(given[found[1]]), body)).values()
    return job


@pytest.fixture(scope="module")
def playing() -> Iterator[Playing]:
    known = Known(all_subscriptions=[SUBSCRIPTION])
    with GitLab(root_token=ROOT) as gitlab:
        askers = JobTokens([Signer(url=gitlab.url)], "chaos-gate", home=lambda _: gitlab.url)
        server = Server(create_app(known, askers=askers), threads=12, lot=lot_of(known)).start()
        client = Client(gitlab.url)
        try:
            yield Playing(client, known, server.address)
        finally:
            client.close()
            known.changes.close()
            server.stop()


@pytest.fixture
def ended() -> Callable[[Project, int], dict[str, str]]:
    """The jobs of a pipeline when all are over, or were never begun."""

    def wait(project: Project, pipeline: int) -> dict[str, str]:
        deadline = time.monotonic() + PATIENCE
        while project.pipeline(pipeline)["status"] not in FINISHED:
            assert time.monotonic() < deadline, {name: job["status"] for name, job in project.jobs(pipeline).items()}
            threading.Event().wait(0.1)
        return {name: job["status"] for name, job in project.jobs(pipeline).items()}

    return wait


def test_the_verdict_of_its_own_commit_lets_production_begin_or_not(playing: Playing, ended) -> None:
    playing.known.all_gates = []
    project, sha, pipeline = playing.pipeline("shop/checkout")
    playing.judges(Verdict.PASSED, sha, pipeline)
    assert ended(project, pipeline) == {"chaos gate": "success", "deploy": "success"}
    log = project.trace(project.jobs(pipeline)["chaos gate"]["id"])
    assert "PASSED" in log
    assert "eyJ" not in log  # no JWT
    again = playing.client.post(f"{project.path}/pipeline", ref="main")["id"]
    playing.judges(Verdict.FAILED, sha, again)
    assert ended(project, again) == {"chaos gate": "failed", "deploy": "skipped"}


def test_the_job_of_another_project_hears_nothing(playing: Playing, ended) -> None:
    project, sha, pipeline = playing.pipeline("shop/thief")
    playing.judges(Verdict.PASSED, sha, pipeline)
    assert ended(project, pipeline)["chaos gate"] == "failed"
    assert "a job may ask only for its own project" in project.trace(project.jobs(pipeline)["chaos gate"]["id"])
