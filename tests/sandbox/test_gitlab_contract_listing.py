"""Lists of commit statuses, and what they add up to: the cases of the contract, by their ids (G.. and P..)."""

from collections.abc import Callable
from typing import Any

import pytest
from gitlab_world import GUEST, Client, Project

from gate.sandbox.gitlab import GitLab

Eventually = Callable[[Callable[[], Any]], Any]

HELD = "build: {script: 'true', when: manual, allow_failure: false}\n"


@pytest.fixture
def sha(project: Project) -> str:
    """A commit without a pipeline."""
    return project.commit()


def names(rows: list[Any]) -> list[str]:
    return [row["name"] for row in rows]


def test_g01_the_list_has_what_is_visible_in_all_pipelines_with_the_jobs_and_the_headers_of_a_page(
    project: Project,
) -> None:
    sha = project.commit({".gitlab-ci.yml": HELD})
    first = project.pipelines(sha=sha)[0]["id"]
    second = project.client.post(f"{project.path}/pipeline", ref="main")["id"]
    for state in ("failed", "success"):
        project.say(sha, state, name="chaos", pipeline_id=first)
    project.say(sha, "running", name="chaos", pipeline_id=second)
    answer = project.client.ask("GET", f"{project.path}/repository/commits/{sha}/statuses")
    seen = [(row["pipeline_id"], row["name"], row["status"]) for row in answer.json()]
    assert sorted(seen) == sorted(
        [
            (first, "build", "manual"),
            (first, "chaos", "success"),
            (second, "build", "manual"),
            (second, "chaos", "running"),
        ]
    )
    pages = {name: answer.headers[f"x-{name}"] for name in ("page", "per-page", "total", "total-pages")}
    assert pages == {"page": "1", "per-page": "20", "total": "4", "total-pages": "1"}


def test_g02_all_has_what_was_retried_too_in_the_order_of_ids(project: Project, sha: str) -> None:
    for state in ("failed", "canceled", "success"):
        project.say(sha, state, name="chaos")
    rows = project.statuses(sha, all=1)
    assert [row["status"] for row in rows] == ["failed", "canceled", "success"]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


def test_g03_the_list_is_narrowed_by_ref_stage_name_and_pipeline(project: Project) -> None:
    sha = project.commit({".gitlab-ci.yml": HELD})
    pipeline = project.say(sha, "success", name="chaos").json()["pipeline_id"]
    assert names(project.statuses(sha, stage="external")) == ["chaos"]
    assert names(project.statuses(sha, name="build")) == ["build"]
    assert names(project.statuses(sha, ref="main")) == ["build", "chaos"]
    assert project.statuses(sha, ref="topic") == []
    assert project.statuses(sha, pipeline_id=pipeline + 1) == []


def test_g04_the_list_is_sorted_by_id_or_pipeline_either_way(project: Project) -> None:
    sha = project.commit({".gitlab-ci.yml": HELD})
    second = project.client.post(f"{project.path}/pipeline", ref="main")["id"]
    first = min(each["id"] for each in project.pipelines(sha=sha))
    for pipeline, name in ((second, "a"), (first, "b")):
        project.say(sha, "success", name=name, pipeline_id=pipeline)
    external = {"stage": "external"}
    assert names(project.statuses(sha, **external)) == ["a", "b"]
    assert names(project.statuses(sha, sort="desc", **external)) == ["b", "a"]
    assert names(project.statuses(sha, order_by="pipeline_id", **external)) == ["b", "a"]
    assert names(project.statuses(sha, order_by="pipeline_id", sort="desc", **external)) == ["a", "b"]


def test_g05_the_list_cannot_be_ordered_by_just_anything(project: Project, sha: str) -> None:
    answer = project.client.ask("GET", f"{project.path}/repository/commits/{sha}/statuses", params={"order_by": "name"})
    assert (answer.status_code, answer.json()) == (400, {"error": "order_by does not have a valid value"})


def test_g06_a_commit_without_a_pipeline_has_no_statuses(project: Project, sha: str) -> None:
    assert project.statuses(sha) == []


def test_g07_an_unknown_commit_is_not_found(project: Project, sha: str) -> None:
    answer = project.client.ask("GET", f"{project.path}/repository/commits/{'2' * 40}/statuses")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Commit Not Found"})


def test_g08_a_guest_of_a_private_project_may_not_look(project: Project, sha: str) -> None:
    guest = Client(project.client.url, project.member(f"guest-{project.id}", GUEST))
    answer = guest.ask("GET", f"{project.path}/repository/commits/{sha}/statuses")
    guest.close()
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})


def test_g09_a_short_sha_is_found_and_has_no_statuses(project: Project, sha: str) -> None:
    project.say(sha, "success")
    assert project.statuses(sha[:8]) == []


def test_g10_a_page_has_twenty_and_links_to_the_next(project: Project, sha: str) -> None:
    for number in range(21):
        project.say(sha, "success", name=f"n{number:02}")
    first = project.client.ask("GET", f"{project.path}/repository/commits/{sha}/statuses", params={"stage": "external"})
    assert len(first.json()) == 20
    following = first.links["next"]["url"].removeprefix(f"{project.client.url}/api/v4")
    assert names(project.client.ask("GET", following).json()) == ["n20"]


@pytest.mark.parametrize(
    ("rows", "pipeline"),
    [
        pytest.param(("success", "running"), "running", id="P01"),
        pytest.param(("success", "pending"), "running", id="P02"),
        pytest.param(("success", "failed"), "failed", id="P03"),
        pytest.param(("success", "skipped"), "success", id="P06"),
        pytest.param(("success", "canceled"), "canceled", id="P07"),
        pytest.param(("skipped",), "skipped", id="P08"),
    ],
)
def test_p01_p02_p03_p06_p07_p08_a_pipeline_shows_what_its_rows_add_up_to(
    project: Project, sha: str, rows: tuple[str, ...], pipeline: str, eventually: Eventually
) -> None:
    for number, state in enumerate(rows):
        made = project.say(sha, state, name=f"n{number}").json()["pipeline_id"]
    eventually(lambda: project.pipeline(made)["status"] == pipeline)


def test_p04_p05_a_job_that_waits_for_somebody_hides_a_failed_status_but_not_a_running_one(
    project: Project, eventually: Eventually
) -> None:
    sha = project.commit({".gitlab-ci.yml": HELD})
    pipeline = project.say(sha, "running", name="chaos").json()["pipeline_id"]
    eventually(lambda: project.pipeline(pipeline)["status"] == "running")
    project.say(sha, "failed", name="chaos")
    eventually(lambda: project.pipeline(pipeline)["status"] == "manual")


@pytest.mark.parametrize("state", ["pending", "failed"])
def test_p09_no_job_waits_for_an_external_status(project: Project, state: str, eventually: Eventually) -> None:
    sha = project.commit(
        {
            ".gitlab-ci.yml": """
            stages: [one, two]
            first: {stage: one, script: 'true', when: manual, allow_failure: false}
            second: {stage: two, script: 'true'}
            """
        }
    )
    pipeline = project.say(sha, state, name="chaos").json()["pipeline_id"]
    job = project.jobs(pipeline)["first"]["id"]
    assert project.client.ask("POST", f"{project.path}/jobs/{job}/play").status_code == 200
    eventually(lambda: project.jobs(pipeline)["second"]["status"] == "success")


def test_p10_a_pipeline_lags_behind_its_rows(project: Project, sha: str, gitlab: GitLab) -> None:
    pipeline = project.say(sha, "running", name="chaos").json()["pipeline_id"]
    assert gitlab.background.settled()
    with gitlab.background.held():
        project.say(sha, "success", name="chaos")
        assert project.statuses(sha)[0]["status"] == "success"
        assert project.pipeline(pipeline)["status"] == "running"
    assert gitlab.background.settled()
    assert project.pipeline(pipeline)["status"] == "success"
