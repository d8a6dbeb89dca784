"""Commit statuses of the embedded GitLab, over HTTP, beyond the contract that test_gitlab_server plays."""

from collections.abc import Callable
from typing import Any

import pytest
from gitlab_world import ROOT, Client, Project

Eventually = Callable[[Callable[[], Any]], Any]
STATES = ("pending", "running", "success", "failed", "canceled", "skipped")


@pytest.fixture
def sha(project: Project) -> str:
    return project.commit()


@pytest.mark.parametrize("state", STATES)
def test_a_status_on_a_commit_without_a_pipeline_opens_an_external_one(
    project: Project, sha: str, state: str, eventually: Eventually
) -> None:
    row = project.say(sha, state).json()
    (pipeline,) = project.pipelines(sha=sha)
    assert (row["name"], row["ref"], row["pipeline_id"]) == ("default", "main", pipeline["id"])
    assert (row["target_url"], row["description"], row["author"]["username"]) == (None, None, "root")
    assert pipeline["source"] == "external"
    eventually(lambda: project.pipeline(pipeline["id"])["status"] == state)


def test_what_is_sent_comes_back_and_an_update_keeps_what_it_leaves_out(project: Project, sha: str) -> None:
    sent = {"context": "chaos/x", "description": "d", "target_url": "https://example.org/x", "coverage": 80.5}
    first = project.say(sha, "running", ref="main", **sent).json()
    assert (first["name"], first["description"], first["target_url"]) == ("chaos/x", "d", "https://example.org/x")
    assert first["coverage"] == 80.5
    second = project.say(sha, "success", name="chaos/x", context="not this").json()
    assert (second["id"], second["description"], second["target_url"]) == (
        first["id"],
        "d",
        "https://example.org/x",
    )


@pytest.mark.parametrize(
    ("field", "value"), [("target_url", "ftp://x"), ("description", "x" * 256), ("name", "x" * 256)]
)
def test_a_field_that_does_not_fit_is_refused_by_name(project: Project, sha: str, field: str, value: str) -> None:
    answer = project.say(sha, "running", **{field: value})
    assert answer.status_code == 400
    assert list(answer.json()["message"]) == [field]
    assert project.statuses(sha) == []


def test_a_stranger_does_not_even_see_the_project(project: Project, sha: str) -> None:
    root = project.client
    stranger = root.post("/users", username=f"stranger-{project.id}", name="S", email="s@example.org")
    token = root.post(f"/users/{stranger['id']}/personal_access_tokens", name="x", scopes=["api"])["token"]
    client = Client(root.url, token)
    answer = project.say(sha, "running", client=client)
    client.close()
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_a_bearer_token_is_as_good_as_a_private_one(project: Project) -> None:
    nobody = Client(project.client.url, None)
    answer = nobody.ask("GET", "/user", headers={"Authorization": f"Bearer {ROOT}"})
    nobody.close()
    assert answer.json()["username"] == "root"


def test_the_list_of_statuses_is_empty_for_a_short_sha_and_not_found_for_an_unknown_one(
    project: Project, sha: str
) -> None:
    project.say(sha, "success")
    assert project.statuses(sha[:8]) == []
    answer = project.client.ask("GET", f"{project.path}/repository/commits/{'2' * 40}/statuses")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Commit Not Found"})


def test_the_list_cannot_be_ordered_by_just_anything(project: Project, sha: str) -> None:
    answer = project.client.ask("GET", f"{project.path}/repository/commits/{sha}/statuses", params={"order_by": "name"})
    assert answer.status_code == 400
    assert "order_by" in answer.json()["error"]
