"""What people and GitLab get wrong has one outcome each, and one line that says what to do about it."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gate.errors import Permanent
from gate.gitlab.client import GitLab
from gate.gitlab.reporter import Reporter
from gate.model import Announcement, Commit, StatusState
from tests.gitlab.ground import MANUAL, World
from tests.sandbox.gitlab_world import DEVELOPER, REPORTER, Project
from tests.tracking import test_decide

OPERATORS = Path(__file__).parents[2] / "docs" / "operators.md"


@pytest.fixture
def project(world: World, request: pytest.FixtureRequest) -> Project:
    name = request.node.name.partition("[")[0].removeprefix("test_")[:60].replace("_", "-")
    return Project(world.project.client, f"bad/{name}")


@pytest.fixture
def wanted(project: Project) -> Announcement:
    """The project's commit, with a pipeline that waits, has a verdict."""
    sha = project.commit({".gitlab-ci.yml": MANUAL})
    (pipeline,) = project.pipelines(sha=sha)
    path = project.path.removeprefix("/projects/").replace("%2F", "/")
    commit = Commit(project=path, sha=sha, pipeline=pipeline["id"])
    return Announcement(
        name="chaos/staging/web", commit=commit, version="v", state=StatusState.FAILED, description="ProbeFailed"
    )


@pytest.fixture
def told(world: World, project: Project) -> Iterator[Callable[..., str]]:
    """Has a bot with a role tell GitLab something; gives the remedy that a person reads, empty if it was taken."""
    clients: list[GitLab] = []
    tokens: dict[str, str] = {}

    def tell(announcement: Announcement, *, level: int = DEVELOPER) -> str:
        name = f"bot-{project.id}-{level}"
        token = tokens.get(name) or tokens.setdefault(name, project.member(name, level))
        client = GitLab(world.server.url, lambda: token)
        clients.append(client)
        try:
            Reporter(client).report(announcement)
        except Permanent as error:
            return str(error)
        return ""

    yield tell
    for client in clients:
        client.close()


def shown(project: Project, wanted: Announcement) -> list[str]:
    return [row["status"] for row in project.statuses(wanted.commit.sha, name=wanted.name)]


def test_what_is_right_is_taken(project: Project, wanted: Announcement, told) -> None:
    assert told(wanted) == ""
    assert shown(project, wanted) == ["failed"]


def test_a_project_that_is_not_there(wanted: Announcement, told) -> None:
    why = told(replace(wanted, commit=replace(wanted.commit, project="bad/nowhere")))
    assert "404" in why
    assert "make the user a member of the project" in why


def test_a_commit_that_is_gone_by_a_force_push(wanted: Announcement, told) -> None:
    why = told(replace(wanted, commit=replace(wanted.commit, sha="f" * 40)))
    assert "as after a force push; deploy one that is there" in why


def test_a_pipeline_that_was_deleted(project: Project, wanted: Announcement, told) -> None:
    gone = project.client.ask("DELETE", f"{project.path}/pipelines/{wanted.commit.pipeline}")
    assert gone.status_code == 204
    assert "the pipeline was deleted" in told(wanted)
    assert project.pipelines(sha=wanted.commit.sha) == []


def test_a_pipeline_of_another_commit(project: Project, wanted: Announcement, told) -> None:
    other = project.commit({"other": "text"})
    why = told(replace(wanted, commit=replace(wanted.commit, sha=other)))
    assert "is not of this commit; deploy from a pipeline of the commit" in why


def test_a_status_name_that_is_too_long_is_not_even_sent(project: Project, wanted: Announcement, told) -> None:
    why = told(replace(wanted, name=f"chaos/staging/{'x' * 242}"))
    assert "has 256 characters, GitLab takes 1 to 255; shorten the name of the subscription" in why
    assert shown(project, wanted) == []


def test_a_status_name_that_a_job_has_is_said_before_anything_is_posted(
    project: Project, wanted: Announcement, told
) -> None:
    before = project.statuses(wanted.commit.sha, all="true")
    for state in (StatusState.PENDING, StatusState.FAILED):
        why = told(replace(wanted, name="later", state=state))
        assert "has the name of the status later, which was not posted; rename the job or the subscription" in why
    assert project.statuses(wanted.commit.sha, all="true") == before
    assert [row["status"] for row in before] == ["manual"]


def test_a_token_without_rights(wanted: Announcement, told) -> None:
    assert "it needs the role Developer" in told(wanted, level=REPORTER)


def test_a_protected_branch_and_a_developer(project: Project, wanted: Announcement, told) -> None:
    project.client.ask("POST", f"{project.path}/protected_branches", json={"name": "main"})
    assert "on a protected branch Maintainer" in told(wanted)


def test_a_project_with_pipelines_switched_off(project: Project, wanted: Announcement, told) -> None:
    project.client.ask("PUT", project.path, json={"builds_access_level": "disabled"})
    assert "the project needs CI/CD switched on" in told(wanted)


def test_a_job_that_was_erased_changes_nothing(project: Project, wanted: Announcement, told) -> None:
    job = project.jobs(wanted.commit.pipeline or 0)["later"]["id"]
    project.client.ask("POST", f"{project.path}/jobs/{job}/erase")
    assert told(wanted) == ""
    assert shown(project, wanted) == ["failed"]


def test_an_environment_that_was_renamed_changes_nothing_for_a_pipeline_that_is_named(
    project: Project, wanted: Announcement, told
) -> None:
    made = project.client.post(f"{project.path}/environments", name="staging")
    project.client.ask("DELETE", f"{project.path}/environments/{made['id']}")
    assert told(wanted) == ""


def test_a_pipeline_that_is_full(project: Project, wanted: Announcement, told) -> None:
    root = project.client
    before = root.get("/application/plan_limits")["ci_pipeline_size"]
    root.ask("PUT", "/application/plan_limits", json={"plan_name": "default", "ci_pipeline_size": 1})
    try:
        why = told(wanted)
    finally:
        root.ask("PUT", "/application/plan_limits", json={"plan_name": "default", "ci_pipeline_size": before})
    assert "422" in why
    assert "the pipeline is full; raise the limit of jobs in it" in why


TRIED = {
    "project, or the bot is no member": [test_a_project_that_is_not_there],
    "commit gone, as after a force push": [test_a_commit_that_is_gone_by_a_force_push],
    "pipeline deleted, a child, or of another commit": [
        test_a_pipeline_that_was_deleted,
        test_a_pipeline_of_another_commit,
    ],
    "status name over 255 characters": [
        test_a_status_name_that_is_too_long_is_not_even_sent,
        test_decide.test_a_status_whose_name_would_be_too_long_is_not_announced_and_the_gate_says_so,
    ],
    "a job has the name of the status": [test_a_status_name_that_a_job_has_is_said_before_anything_is_posted],
    "bot without rights; CI/CD switched off": [
        test_a_token_without_rights,
        test_a_protected_branch_and_a_developer,
        test_a_project_with_pipelines_switched_off,
    ],
    "pipeline full": [test_a_pipeline_that_is_full],
    "a commit of a fork": [test_decide.test_a_commit_of_a_fork_is_judged_and_it_is_said_why_gitlab_is_told_nothing],
    "job erased, environment renamed": [
        test_a_job_that_was_erased_changes_nothing,
        test_an_environment_that_was_renamed_changes_nothing_for_a_pipeline_that_is_named,
    ],
}
"""What the operators' page says can be wrong -> what shows that it ends as it is said there."""


def test_whatever_the_operators_page_says_can_be_wrong_is_tried() -> None:
    (table,) = re.findall(r"^\| wrong \| outcome .*?(?=\n\n)", OPERATORS.read_text(), re.MULTILINE | re.DOTALL)
    assert [row.split(" | ")[0].removeprefix("| ") for row in table.splitlines()[2:]] == list(TRIED)
