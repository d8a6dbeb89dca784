"""Tokens of the embedded GitLab: whose they are, what they are good for, and until when."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from gitlab_world import DEVELOPER, MAINTAINER, ROOT, Client, Project

from gate.sandbox.gitlab import GitLab
from tests.clocks import HandClock

REVOKED = {
    "error": "invalid_token",
    "error_description": "Token was revoked. You have to re-authorize from the user.",
}
EXPIRED = {
    "error": "invalid_token",
    "error_description": "Token is expired. You can either do re-authorization or token refresh.",
}


def asked(url: str, token: str, method: str, path: str, **what: Any) -> Any:
    client = Client(url, token)
    answer = client.ask(method, path, **what)
    client.close()
    return answer


def bot(project: Project, **more: Any) -> Any:
    """A project access token."""
    given = {"name": "gate", "scopes": ["api"], "access_level": DEVELOPER, **more}
    return project.client.post(f"{project.path}/access_tokens", **given)


def test_a_project_access_token_is_a_bot_with_a_role_in_that_project(project: Project) -> None:
    url = project.client.url
    token = bot(project)
    me = asked(url, token["token"], "GET", "/user").json()
    assert (me["id"], me["bot"], me["username"].startswith(f"project_{project.id}_bot")) == (
        token["user_id"],
        True,
        True,
    )
    assert asked(url, token["token"], "GET", project.path).status_code == 200
    elsewhere = Project(project.client, f"{project.path.rpartition('%2F')[2]}-other/p")
    assert asked(url, token["token"], "GET", elsewhere.path).status_code == 404
    settings = asked(url, token["token"], "POST", f"{project.path}/protected_branches", json={"name": "main"})
    assert settings.status_code == 403


def test_two_tokens_of_a_project_are_two_bots_and_a_rotated_one_stays_the_same(project: Project) -> None:
    first, second = bot(project), bot(project)
    assert first["user_id"] != second["user_id"]
    path = f"{project.path}/access_tokens/{first['id']}/rotate"
    rotated = project.client.ask("POST", path).json()
    assert (rotated["user_id"], rotated["access_level"]) == (first["user_id"], DEVELOPER)
    assert rotated["token"] != first["token"]


def test_a_row_that_was_posted_before_a_rotation_is_finished_after_it(project: Project) -> None:
    sha, token = project.commit(), bot(project)
    url, status = project.client.url, f"{project.path}/statuses/{sha}"
    row = asked(url, token["token"], "POST", status, json={"state": "running"}).json()["id"]
    rotated = asked(url, token["token"], "POST", "/personal_access_tokens/self/rotate").json()["token"]
    assert asked(url, rotated, "POST", status, json={"state": "success"}).json()["id"] == row
    another = bot(project)["token"]
    assert asked(url, another, "POST", status, json={"state": "success"}).json()["id"] != row


def test_using_a_rotated_token_again_revokes_all_that_came_of_it(project: Project) -> None:
    url, token = project.client.url, bot(project)["token"]
    new = asked(url, token, "POST", f"{project.path}/access_tokens/self/rotate").json()["token"]
    assert asked(url, new, "GET", "/user").status_code == 200
    again = asked(url, token, "GET", "/user")
    assert (again.status_code, again.json()) == (401, REVOKED)
    assert asked(url, new, "GET", "/user").json() == REVOKED


def test_a_revoked_token_is_good_no_more_and_its_bot_is_no_member(project: Project) -> None:
    token = bot(project)
    assert project.client.ask("DELETE", f"{project.path}/access_tokens/{token['id']}").status_code == 204
    assert asked(project.client.url, token["token"], "GET", "/user").json() == REVOKED
    members = project.client.get(f"{project.path}/members")
    assert token["user_id"] not in {each["id"] for each in members}
    (listed,) = project.client.get(f"{project.path}/access_tokens")
    assert (listed["revoked"], listed["active"], "token" in listed) == (True, False, False)


def test_a_token_that_may_only_read_is_refused_when_it_writes(project: Project) -> None:
    sha, token = project.commit(), bot(project, scopes=["read_api"])["token"]
    assert asked(project.client.url, token, "GET", project.path).status_code == 200
    answer = asked(project.client.url, token, "POST", f"{project.path}/statuses/{sha}", json={"state": "success"})
    assert (answer.status_code, answer.json()["error"]) == (403, "insufficient_scope")


def test_a_token_for_rotation_only_is_good_for_that_alone(project: Project) -> None:
    url, token = project.client.url, bot(project, scopes=["self_rotate"])["token"]
    assert asked(url, token, "GET", "/user").status_code == 403
    assert asked(url, token, "POST", f"{project.path}/access_tokens/self/rotate").status_code == 200


@pytest.fixture
def ageing() -> Iterator[tuple[HandClock, Project]]:
    """A project on a GitLab with a clock of the test's own."""
    clock = HandClock(wall=datetime(2026, 3, 1, 12, tzinfo=UTC))
    with GitLab(root_token=ROOT, clock=clock.now) as running:
        client = Client(running.url)
        yield clock, Project(client)
        client.close()


def test_a_token_ends_on_its_day_and_tells_when_that_is(ageing: tuple[HandClock, Project]) -> None:
    clock, project = ageing
    url, token = project.client.url, bot(project, expires_at="2026-03-04")["token"]
    me = asked(url, token, "GET", "/personal_access_tokens/self").json()
    assert (me["expires_at"], me["active"], me["scopes"]) == ("2026-03-04", True, ["api"])
    clock.advance(timedelta(days=2))
    assert asked(url, token, "GET", "/user").status_code == 200
    clock.advance(timedelta(days=1))
    answer = asked(url, token, "GET", "/user")
    assert (answer.status_code, answer.json()) == (401, EXPIRED)


def test_a_rotated_token_is_good_for_a_week_unless_more_is_asked(ageing: tuple[HandClock, Project]) -> None:
    _, project = ageing
    url, first = project.client.url, bot(project)
    assert first["expires_at"] == "2027-03-01"
    second = asked(url, first["token"], "POST", "/personal_access_tokens/self/rotate").json()
    assert second["expires_at"] == "2026-03-08"
    path, end = "/personal_access_tokens/self/rotate", {"expires_at": "2026-12-24"}
    assert asked(url, second["token"], "POST", path, json=end).json()["expires_at"] == "2026-12-24"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"scopes": []}, "scopes is missing"),
        ({"scopes": ["everything"]}, "can only contain available scopes"),
        ({"expires_at": "2001-01-01"}, "can't be in the past"),
        ({"expires_at": "soon"}, "expires_at is invalid"),
        ({"access_level": 31}, "access_level does not have a valid value"),
    ],
)
def test_a_token_that_cannot_be_is_refused(project: Project, given: dict[str, Any], says: str) -> None:
    body = {"name": "x", "scopes": ["api"], **given}
    answer = project.client.ask("POST", f"{project.path}/access_tokens", json=body)
    assert answer.status_code == 400
    assert says in answer.text


def test_nobody_makes_a_token_that_may_do_more_than_they_may(project: Project) -> None:
    maintainer = project.member(f"maintainer-{project.id}", MAINTAINER)
    body = {"name": "x", "scopes": ["api"], "access_level": 50}
    answer = asked(project.client.url, maintainer, "POST", f"{project.path}/access_tokens", json=body)
    assert answer.status_code == 400


def test_the_members_of_a_group_are_members_of_its_projects(project: Project) -> None:
    root, name = project.client, f"group{project.id}"
    group = root.post("/groups", name=name, path=name)
    inside = root.post("/projects", name="p", path="p", namespace_id=group["id"])
    user = root.post("/users", username=f"{name}-jane", name="Jane", email=f"{name}@example.org")
    secret = root.post(f"/users/{user['id']}/personal_access_tokens", name="x", scopes=["api"])["token"]
    assert asked(root.url, secret, "GET", f"/projects/{inside['id']}").status_code == 404
    root.post(f"/groups/{group['id']}/members", user_id=user["id"], access_level=DEVELOPER)
    assert asked(root.url, secret, "GET", f"/projects/{inside['id']}").json()["namespace"]["kind"] == "group"
