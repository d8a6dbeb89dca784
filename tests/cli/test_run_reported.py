"""`chaos-gate run --report`: GitLab is told how it ended, by the person, as nothing but a run by hand."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gate.cli import cli
from gate.cli.via_gitlab import Where, answer_of
from gate.cluster.gates import Gates
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.errors import GateError
from gate.gitlab.client import GitLab as Transport
from gate.model import Commit, GateStatus, Judgement, Reason, Run, Verdict, WorkloadKind, WorkloadName
from gate.web.answer import State
from gate.wire.by_hand_report import Asked
from gate.wire.ties import read_run
from tests import grounds
from tests.builders import deployment
from tests.cli.test_run_by_hand import WORKFLOW
from tests.gitlab.ground import PATH, World, served
from tests.grounds import Ground
from tests.sandbox.gitlab_world import DEVELOPER, REPORTER
from tests.waiting import pauses

PATIENCE = 120.0
WEB = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web")
STATUS = "by-hand/shop/deployment/web/short"
PASSED = Judgement(verdict=Verdict.PASSED)
BROKEN = Judgement(verdict=Verdict.FAILED, reason=Reason.PROBE_FAILED, message="somebody is there: nobody was")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with served() as made:
        yield made


@dataclass
class Shop:
    """A workload that runs, its commit and pipeline, and whoever judges the runs that are made."""

    ground: Ground
    world: World
    file: Path
    sha: str
    pipeline: int

    def annotated(self, **changed: str | None) -> None:
        """Say where it comes from, and wait for its controller, to which a new annotation is a new generation."""
        said = {"project": PATH, "commit": self.sha, "pipeline": str(self.pipeline), **changed}
        annotations = {f"chaosgate.dev/{name}": value for name, value in said.items()}
        told = self.ground.api.patch("deployments", "shop", "web", {"metadata": {"annotations": annotations}})
        deadline, pause = time.monotonic() + PATIENCE, pauses()
        while (self.web().get("status") or {}).get("observedGeneration", 0) < told["metadata"]["generation"]:
            assert time.monotonic() < deadline, "the controller has not seen it"
            time.sleep(next(pause))

    def web(self) -> Any:
        return self.ground.api.get("deployments", "shop", "web")

    def run(self, token: str, *words: str) -> Result:
        environment = {
            "KUBECONFIG": str(self.ground.kubeconfig),
            "CHAOS_GATE_GITLAB_URL": self.world.server.url,
            "CHAOS_GATE_GITLAB_TOKEN": token,
        }
        asked = ["run", str(self.file), "--workload", "shop/web", "--report", *words]
        return CliRunner(env=environment).invoke(cli, asked, catch_exceptions=True)

    def runs(self) -> list[Run]:
        names = [each["metadata"]["name"] for each in self.ground.api.list("chaosruns", "shop")[0]]
        return [run for name in names if (run := read_run(self.ground.api, "shop", name)) is not None]

    def ended(self, judgement: Judgement, token: str) -> Result:
        """The command, with a gate that has its verdict as soon as the run is made."""
        with ThreadPoolExecutor(max_workers=1) as pool:
            said = pool.submit(self.run, token)
            deadline, pause = time.monotonic() + PATIENCE, pauses()
            while not (made := self.runs()) and not said.done():
                assert time.monotonic() < deadline, "no run was made"
                time.sleep(next(pause))
            for run in made:
                Runs(self.ground.api).save_verdict(run, judgement, 100)
            return said.result(timeout=PATIENCE)

    def rows(self) -> list[Any]:
        project = self.world.project
        found = project.client.get(f"{project.path}/repository/commits/{self.sha}/statuses", pipeline_id=self.pipeline)
        return [row for row in found if row["name"] == STATUS]


@pytest.fixture
def shop(world: World, tmp_path: Path, eventually) -> Iterator[Shop]:
    project = world.project
    pipeline = project.client.post(f"{project.path}/pipeline", ref="main")["id"]
    file = tmp_path / "short.yaml"
    file.write_text(WORKFLOW)
    with grounds.sandbox(tmp_path) as (ground, _):
        ground.ask("POST", "/api/v1/namespaces", {"metadata": {"name": "shop"}})
        ground.api.create("deployments", "shop", deployment("web", "shop"))
        made = Shop(ground, world, file, world.sha, pipeline)
        made.annotated()
        eventually(lambda: made.web()["status"].get("readyReplicas") == 1)
        yield made


@pytest.fixture(scope="module")
def person(world: World) -> str:
    """A developer's token."""
    return world.project.member("somebody", DEVELOPER)


@pytest.mark.parametrize(
    ("judgement", "state", "said", "code"),
    [
        (PASSED, "success", "passed short", 0),
        (BROKEN, "failed", "ProbeFailed: somebody is there: nobody was", 1),
    ],
)
def test_the_pipeline_that_has_deployed_it_hears_how_it_ended_from_the_person(
    shop: Shop, person: str, judgement: Judgement, state: str, said: str, code: int
) -> None:
    ended = shop.ended(judgement, person)
    assert (ended.exit_code, f"GitLab: {STATUS} of {PATH}, pipeline {shop.pipeline}, is {state}" in ended.output) == (
        code,
        True,
    ), ended.output
    (row,) = shop.rows()
    assert (row["status"], row["author"]["username"]) == (state, "somebody")
    assert row["description"] == f"by hand, {shop.ground.api.user()}: {said}"


def test_what_gitlab_refuses_in_the_end_is_said_and_the_verdict_stays(shop: Shop, world: World) -> None:
    reader = world.project.member(f"reader-{shop.pipeline}", REPORTER)
    ended = shop.ended(PASSED, reader)
    assert ended.exit_code == 0, ended.output
    assert "PASSED" in ended.output
    assert "GitLab was not told: GitLab answered 403" in ended.output
    assert shop.rows() == []


def test_what_would_keep_gitlab_from_being_told_is_said_before_anything_is_made(shop: Shop, person: str) -> None:
    def refused(token: str = person, *words: str) -> str:
        ended = shop.run(token, *words)
        assert ended.exit_code != 0, ended.output
        assert shop.runs() == []
        assert isinstance(ended.exception, GateError | SystemExit), ended.exception
        return f"{ended.output}{ended.exception}"

    assert "--report needs --gitlab-token" in refused("")
    assert "leave --detach out" in refused(person, "--detach")
    assert "401" in refused("glpat-nobodys")
    shop.annotated(commit="b" * 40)
    assert f"pipeline {shop.pipeline} of {PATH} is one of commit {shop.sha[:8]}, not bbbbbbbb" in refused()
    shop.annotated(pipeline="999999")
    assert "404" in refused()
    shop.annotated(project=None, commit=None, pipeline=None)
    assert "nothing says which commit Deployment shop/web comes from" in refused()


def test_where_a_gate_knows_another_commit_or_version_gitlab_is_not_told(shop: Shop, person: str) -> None:
    rollout = Workloads(shop.ground.api).rollout(WEB)
    assert rollout is not None
    assert rollout.version is not None
    gates = Gates(shop.ground.api)
    commit = Commit(project=PATH, sha=shop.sha, pipeline=shop.pipeline)
    right = GateStatus(version=rollout.version.key, commit=commit, subscriptions=("checkout",))
    made = gates.create(rollout.workload)
    wrong = (
        (replace(right, commit=replace(commit, sha="b" * 40)), "it knows another commit or version"),
        (replace(right, version="another"), "it knows another commit or version"),
        (replace(right, commit=None, commit_problem="the annotations are of a deploy before"), "of a deploy before"),
    )
    for status, why in wrong:
        made = gates.save(made, status)
        ended = shop.run(person)
        assert isinstance(ended.exception, GateError), ended.output
        assert "its gate does not say that" in str(ended.exception)
        assert why in str(ended.exception)
        assert shop.runs() == []
    gates.save(made, right)
    assert shop.ended(PASSED, person).exit_code == 0


def test_who_waits_for_the_gate_takes_it_for_nothing_whoever_has_written_it(shop: Shop, world: World) -> None:
    ended = shop.ended(PASSED, world.token)
    assert ended.exit_code == 0, ended.output
    gitlab = Transport(world.server.url, lambda: world.token)
    try:
        rows = gitlab.external(PATH, shop.sha, pipeline=shop.pipeline)
    finally:
        gitlab.close()
    assert [row.name for row in rows] == [STATUS]
    asked = Where(project=PATH, sha=shop.sha, pipeline=shop.pipeline, bot=str(world.bot))
    assert answer_of(asked, rows).state is State.UNSEEN


def test_the_token_is_not_shown() -> None:
    assert "glpat-secret" not in repr(Asked(url="https://gitlab.example.org", token="glpat-secret"))
