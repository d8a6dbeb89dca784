"""A pipeline that deploys a second time: the verdict of the first deployment is not shown as that of the second."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from gate.cli.via_gitlab import ShownByGitLab, Where
from gate.gitlab.client import GitLab as Client
from gate.gitlab.reporter import Reporter
from gate.model import Announcement, Commit, StatusState, Verdict
from tests.sandbox.gitlab_world import Project
from tests.waiting import pauses

NAME = "chaos/staging/web"
CONFIG = """
deploy: {environment: staging, script: ["true"]}
later: {stage: deploy, when: manual, script: ["true"]}
"""
PATIENCE = 60.0


@dataclass
class Deployed:
    """A pipeline with a job that deploys to staging, and the gate's bot."""

    project: Project
    client: Client
    commit: Commit

    def again(self) -> Commit:
        """The job that deploys is retried; the commit as the new job annotates it."""
        self.project.client.ask("POST", f"{self.project.path}/jobs/{self.commit.job}/retry")
        return self.began()

    def began(self) -> Commit:
        deadline, pause = time.monotonic() + PATIENCE, pauses()
        while (job := self.project.jobs(self.commit.pipeline or 0)["deploy"])["status"] != "success":
            assert time.monotonic() < deadline, job
            time.sleep(next(pause))
        self.commit = replace(self.commit, job=job["id"])
        return self.commit

    def says(self, state: StatusState) -> None:
        said = Announcement(name=NAME, commit=self.commit, version="v", state=state, description="passed loss")
        Reporter(self.client).report(said)

    def waits(self) -> Verdict | None:
        """What a job hears that asks GitLab."""
        commit, bot = self.commit, str(self.client.user())
        where = Where(
            project=commit.project,
            sha=commit.sha,
            pipeline=commit.pipeline or 0,
            bot=bot,
            environment="staging",
            statuses=(NAME,),
        )
        return ShownByGitLab(self.client, where, sleep=lambda _: None).ask(after="", timeout=20).verdict

    def rows(self, **query: object) -> list[str]:
        return [row["status"] for row in self.project.statuses(self.commit.sha, name=NAME, **query)]


@pytest.fixture
def deployed(project: Project) -> Iterator[Deployed]:
    sha = project.commit({".gitlab-ci.yml": CONFIG})
    (pipeline,) = project.pipelines(sha=sha)
    token = project.member(f"bot-{project.id}")
    client = Client(project.client.url, lambda: token)
    path = project.path.removeprefix("/projects/").replace("%2F", "/")
    made = Deployed(project, client, Commit(project=path, sha=sha, pipeline=pipeline["id"]))
    made.began()
    yield made
    client.close()


@pytest.mark.parametrize("verdict", [StatusState.SUCCESS, StatusState.FAILED])
def test_the_same_verdict_of_the_second_deployment_is_a_row_of_its_own_and_only_one(
    deployed: Deployed, verdict: StatusState
) -> None:
    deployed.says(verdict)
    first = deployed.waits()
    assert first is not None
    deployed.again()
    assert deployed.waits() is None
    deployed.says(StatusState.RUNNING)
    assert deployed.waits() is None
    for _ in range(3):
        deployed.says(verdict)
    assert deployed.waits() is first
    assert deployed.rows() == [verdict]
    assert deployed.rows(all="true") == [verdict] * 2


def test_a_row_that_was_not_finished_before_the_second_deployment_is_covered_when_it_is(deployed: Deployed) -> None:
    deployed.says(StatusState.RUNNING)
    deployed.again()
    deployed.says(StatusState.SUCCESS)
    assert deployed.waits() is Verdict.PASSED
    assert deployed.rows() == ["success"]


def test_a_job_that_nobody_can_see_keeps_no_verdict_from_being_shown(deployed: Deployed) -> None:
    deployed.commit = replace(deployed.commit, job=10**9)
    deployed.says(StatusState.RUNNING)
    deployed.says(StatusState.SUCCESS)
    assert deployed.rows() == ["success"]


def test_what_another_job_brings_is_told_anew_though_nothing_else_differs(deployed: Deployed) -> None:
    said = Announcement(
        name=NAME, commit=deployed.commit, version="v", state=StatusState.SUCCESS, description="passed loss"
    )
    other = replace(said, commit=replace(said.commit, job=10**9))
    assert other.mark != said.mark
    assert other.key == said.key
