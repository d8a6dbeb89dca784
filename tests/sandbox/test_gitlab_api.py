"""The embedded GitLab's API at its edges: roles, wrong values, lists."""

from typing import Any

import pytest
from gitlab_world import DEVELOPER, ROOT, Client, Project

from gate.sandbox.gitlab import GitLab


@pytest.mark.parametrize(
    ("where", "body"),
    [
        ("members", {"user_id": 1, "access_level": 40}),
        ("variables", {"key": "A", "value": "b"}),
        ("protected_branches", {"name": "main"}),
        ("triggers", {"description": "x"}),
    ],
)
def test_the_settings_of_a_project_are_not_for_developers(project: Project, where: str, body: dict[str, Any]) -> None:
    developer = Client(project.client.url, project.member(f"dev-{project.id}", DEVELOPER))
    answer = developer.ask("POST", f"{project.path}/{where}", json=body)
    developer.close()
    assert answer.status_code == 403
    assert project.client.ask("POST", f"{project.path}/{where}", json=body).status_code == 201


@pytest.mark.parametrize(
    ("method", "path", "body", "says"),
    [
        ("POST", "members", {"user_id": 999, "access_level": 30}, "404 User Not Found"),
        ("POST", "members", {"user_id": 1, "access_level": 31}, "access_level"),
        ("POST", "variables", {"key": "A"}, "value is missing"),
        ("POST", "pipeline", {"ref": "nowhere"}, "Reference not found"),
        ("POST", "trigger/pipeline", {"token": "wrong", "ref": "main"}, "404 Not Found"),
        (
            "POST",
            "repository/commits",
            {"branch": "x", "commit_message": "m", "actions": [{"action": "chmod"}]},
            "action",
        ),
        ("POST", "deployments", {"environment": "e", "sha": "main", "ref": "main", "status": "odd"}, "status"),
        ("GET", "pipelines?order_by=colour", None, "order_by"),
        ("GET", "deployments?sort=up", None, "sort"),
        ("GET", "pipelines?page=x", None, "page is invalid"),
        ("GET", "pipelines/999", None, "404 Pipeline Not Found"),
        ("GET", "jobs/999/trace", None, "404 Job Not Found"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(
    project: Project, method: str, path: str, body: dict[str, Any] | None, says: str
) -> None:
    project.commit()
    answer = project.client.ask(method, f"{project.path}/{path}", json=body)
    assert answer.status_code in {400, 404}
    assert says in answer.text


def test_a_project_is_found_by_id_and_by_path_and_a_name_is_taken_once(project: Project) -> None:
    by_id, by_path = project.client.get(f"/projects/{project.id}"), project.client.get(project.path)
    assert by_id == by_path
    namespace, _, name = by_id["path_with_namespace"].rpartition("/")
    again = project.client.ask("POST", "/projects", json={"path": name, "name": name, "namespace_path": namespace})
    assert (again.status_code, again.json()) == (400, {"message": {"path": ["has already been taken"]}})


def test_deployments_made_from_outside_are_listed_by_environment_newest_first(project: Project) -> None:
    sha = project.commit()
    for environment in ("staging", "production", "staging"):
        body = {"environment": environment, "sha": sha, "ref": "main", "tag": False, "status": "success"}
        project.client.post(f"{project.path}/deployments", **body)
    listed = project.client.get(f"{project.path}/deployments", environment="staging", order_by="id", sort="desc")
    assert [(each["environment"]["name"], each["iid"]) for each in listed] == [("staging", 3), ("staging", 1)]
    assert [each["name"] for each in project.client.get(f"{project.path}/environments")] == ["production", "staging"]


def test_every_page_links_to_its_neighbours_by_the_path_that_was_asked(project: Project) -> None:
    sha = project.commit()
    for number in range(3):
        project.say(sha, "success", name=f"n{number}")
    path = f"{project.path}/repository/commits/{sha}/statuses"
    middle = project.client.ask("GET", path, params={"per_page": 1, "page": 2, "sort": "desc"})
    assert [row["name"] for row in middle.json()] == ["n1"]
    names = {}
    for rel in ("first", "prev", "next", "last"):
        link = middle.links[rel]["url"].removeprefix(f"{project.client.url}/api/v4")
        names[rel] = [row["name"] for row in project.client.ask("GET", link).json()]
    assert names == {"first": ["n2"], "prev": ["n2"], "next": ["n0"], "last": ["n0"]}


def test_gitlab_listens_on_loopback_only() -> None:
    with pytest.raises(ValueError, match="loopback"):
        GitLab(address="0.0.0.0", root_token=ROOT)


def test_a_stranger_does_not_even_see_the_project(project: Project) -> None:
    root = project.client
    stranger = root.post("/users", username=f"stranger-{project.id}", name="S", email="s@example.org")
    token = root.post(f"/users/{stranger['id']}/personal_access_tokens", name="x", scopes=["api"])["token"]
    client = Client(root.url, token)
    answer = project.say(project.commit(), "running", client=client)
    client.close()
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_a_bearer_token_is_as_good_as_a_private_one(project: Project) -> None:
    nobody = Client(project.client.url, None)
    answer = nobody.ask("GET", "/user", headers={"Authorization": f"Bearer {ROOT}"})
    nobody.close()
    assert answer.json()["username"] == "root"
