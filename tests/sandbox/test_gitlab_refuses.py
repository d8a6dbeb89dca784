"""What the embedded GitLab does not do, it refuses plainly, and docs/sandbox.md lists it."""

from pathlib import Path

import pytest
import requests
from gitlab_world import ROOT, Project

from gate.sandbox.gitlab import GitLab
from gate.sandbox.gitlab.routes.elsewhere import NOT_HERE
from gate.sandbox.gitlab.trouble import Trouble

DOCUMENT = Path(__file__).parents[2] / "docs" / "sandbox.md"


def ask(gitlab: GitLab, method: str, path: str) -> requests.Response:
    return requests.request(method, gitlab.url + path, headers={"PRIVATE-TOKEN": ROOT}, timeout=30)


@pytest.mark.parametrize(("rule", "what"), NOT_HERE.items())
def test_what_is_not_there_is_refused_by_name(gitlab: GitLab, project: Project, rule: str, what: str) -> None:
    path = rule.replace("<key>", str(project.id)).replace("<int:iid>", "1").replace("<int:number>", "1")
    answer = ask(gitlab, "POST", path)
    assert answer.status_code == 501
    assert what in answer.json()["message"]


@pytest.mark.parametrize("path", ["/api/v4/nowhere", "/api/v4/projects/1/wiki", "/shop/checkout", "/"])
def test_an_address_that_nobody_knows_is_not_found(gitlab: GitLab, path: str) -> None:
    answer = ask(gitlab, "GET", path)
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/api/v4/version"), ("PUT", "/api/v4/projects/1/pipeline")])
def test_a_known_address_does_not_take_every_method(gitlab: GitLab, method: str, path: str) -> None:
    answer = ask(gitlab, method, path)
    assert (answer.status_code, answer.json()) == (405, {"error": "405 Not Allowed"})


def test_the_document_lists_what_is_refused_and_what_can_be_ordered() -> None:
    text = DOCUMENT.read_text()
    refused = next(line for line in text.splitlines() if line.startswith("| 501, with the name of the thing"))
    listed = refused.split("|")[2].strip().split(", ")
    assert sorted(listed) == sorted(set(NOT_HERE.values()))
    ordered = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert set(Trouble) <= set(ordered)
