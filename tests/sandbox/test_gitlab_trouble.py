"""The embedded GitLab misbehaves when it is told to, as often as it is told to, and as a real one would."""

import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from gitlab_world import DEVELOPER, Client, Project

from gate.sandbox.gitlab import GitLab
from gate.sandbox.gitlab.trouble import Trouble

ADDRESS = "/-/sandbox/troubles"
JSON, TEXT, HTML = "application/json", "text/plain", "text/html"


@pytest.fixture
def sha(project: Project) -> str:
    return project.commit()


@pytest.fixture(autouse=True)
def calm(gitlab: GitLab) -> Iterator[None]:
    """No trouble of one test comes to another."""
    yield
    gitlab.troubles.calm()


@pytest.mark.parametrize(
    ("trouble", "status", "kind", "said"),
    [
        (Trouble.LOCKED, 409, JSON, "409 Conflict: Resource lock"),
        (Trouble.LOCKED_NEWER, 409, JSON, "Failed to obtain a lock"),
        (Trouble.TOO_MANY, 429, TEXT, "Retry later"),
        (Trouble.TOO_MANY_SILENT, 429, TEXT, "Retry later"),
        (Trouble.BAD_GATEWAY, 502, HTML, "502 Bad Gateway"),
        (Trouble.READ_ONLY, 403, JSON, "You cannot perform write operations on a read-only instance"),
    ],
)
def test_an_answer_that_was_ordered_comes_in_place_of_the_work(
    gitlab: GitLab, project: Project, sha: str, trouble: Trouble, status: int, kind: str, said: str
) -> None:
    gitlab.troubles.order(trouble, times=2, path=f"/statuses/{sha}")
    for _ in range(2):
        answer = project.say(sha, "pending")
        assert (answer.status_code, answer.headers["Content-Type"].partition(";")[0]) == (status, kind)
        assert said in answer.text
        assert project.statuses(sha, all=1) == []
    assert project.say(sha, "pending").status_code == 201


def test_whoever_asks_too_often_is_told_when_to_come_again_or_not(gitlab: GitLab, project: Project, sha: str) -> None:
    for trouble in (Trouble.TOO_MANY, Trouble.TOO_MANY_SILENT):
        gitlab.troubles.order(trouble, path=f"/statuses/{sha}")
    assert project.say(sha, "pending").headers["Retry-After"] == "1"
    assert "Retry-After" not in project.say(sha, "pending").headers


@pytest.mark.parametrize(("trouble", "rows"), [(Trouble.CUT_BEFORE, 0), (Trouble.CUT_AFTER, 1)])
def test_a_connection_is_cut_before_or_after_the_row_was_written(
    gitlab: GitLab, project: Project, sha: str, trouble: Trouble, rows: int
) -> None:
    gitlab.troubles.order(trouble, path=f"/statuses/{sha}")
    with pytest.raises(requests.ConnectionError):
        project.say(sha, "success", name="chaos")
    assert len(project.statuses(sha)) == rows


def test_a_failure_after_the_row_was_written_leaves_the_row(gitlab: GitLab, project: Project, sha: str) -> None:
    gitlab.troubles.order(Trouble.FAILED_AFTER, path=f"/statuses/{sha}")
    assert project.say(sha, "success").status_code == 500
    assert len(project.statuses(sha)) == 1


@pytest.mark.parametrize(("trouble", "rows"), [(Trouble.SLOW_BEFORE, 0), (Trouble.SLOW_AFTER, 1)])
def test_a_slow_answer_takes_its_time_before_or_after_the_row_was_written(
    gitlab: GitLab, project: Project, sha: str, trouble: Trouble, rows: int, eventually: Any
) -> None:
    gitlab.troubles.order(trouble, path=f"/statuses/{sha}", delay=300)
    answered: list[int] = []
    other = Client(project.client.url)
    asking = threading.Thread(target=lambda: answered.append(project.say(sha, "success", client=other).status_code))
    asking.start()
    eventually(lambda: gitlab.troubles.left == 0 and len(project.statuses(sha)) == rows)
    assert answered == []
    gitlab.troubles.calm()
    asking.join(30)
    other.close()
    assert answered == [201]
    assert len(project.statuses(sha)) == 1


def test_trouble_is_ordered_over_http_by_administrators_only(project: Project, sha: str) -> None:
    root = project.client
    order = {"trouble": "bad gateway", "times": 1, "method": "GET", "path": f"/commits/{sha}"}
    developer = Client(root.url, project.member(f"dev-{project.id}", DEVELOPER))
    headers = {"PRIVATE-TOKEN": developer.token or ""}
    assert requests.post(root.url + ADDRESS, json=order, headers=headers, timeout=30).status_code == 403
    developer.close()
    headers = {"PRIVATE-TOKEN": root.token or ""}
    assert requests.post(root.url + ADDRESS, json=order, headers=headers, timeout=30).status_code == 201
    assert root.ask("GET", f"{project.path}/repository/commits/{sha}").status_code == 502
    wrong = requests.post(root.url + ADDRESS, json={"trouble": "flood"}, headers=headers, timeout=30)
    assert (wrong.status_code, wrong.json()) == (400, {"error": "trouble does not have a valid value"})
    assert requests.post(root.url + ADDRESS, json=order, headers=headers, timeout=30).status_code == 201
    assert requests.delete(root.url + ADDRESS, headers=headers, timeout=30).status_code == 204
    assert root.ask("GET", f"{project.path}/repository/commits/{sha}").status_code == 200
