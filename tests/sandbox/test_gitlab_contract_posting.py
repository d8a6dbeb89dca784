"""Posting commit statuses to the embedded GitLab: each case of the contract, by its id (C..)."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from gitlab_reference import needs_contract, transitions
from gitlab_world import DEVELOPER, GUEST, MAINTAINER, REPORTER, ROOT, Client, Project

from gate.sandbox.gitlab import GitLab
from gate.sandbox.gitlab.locks import rows_of, statuses_of

Eventually = Callable[[Callable[[], Any]], Any]

STATES = ("pending", "running", "success", "failed", "canceled", "skipped")
NO_SUCH_PIPELINE = {"message": "404 Pipeline for pipeline_id, sha and ref Not Found"}
HELD = "build: {script: 'true', when: manual, allow_failure: false}\n"
"""A pipeline that stays: its only job waits for somebody."""
FOR_MERGE_REQUESTS = """
check: {script: 'true', when: manual, rules: [{if: $CI_PIPELINE_SOURCE == "merge_request_event", when: manual}]}
"""


@pytest.fixture
def sha(project: Project) -> str:
    """A commit without a pipeline."""
    return project.commit()


@pytest.fixture
def held(project: Project) -> tuple[str, int]:
    """A commit with a pipeline, whose job is called `build`."""
    sha = project.commit({".gitlab-ci.yml": HELD})
    return sha, project.pipelines(sha=sha)[0]["id"]


@pytest.fixture
def someone(project: Project) -> Iterator[Callable[[int], Client]]:
    """Makes a member with this role, and gives the member's client."""
    made: list[Client] = []

    def member(level: int) -> Client:
        made.append(Client(project.client.url, project.member(f"member-{project.id}-{len(made)}", level)))
        return made[-1]

    yield member
    for client in made:
        client.close()


def refusal(answer: requests.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


def cannot(event: str, current: str) -> dict[str, str]:
    return {
        "message": f"Cannot transition status via :{event} from :{current} "
        f'(Reason(s): Status cannot transition via "{event}")'
    }


def ids(rows: list[Any]) -> list[int]:
    return [row["id"] for row in rows]


def branch(project: Project, files: dict[str, str], name: str = "topic") -> str:
    """A commit on a branch of its own that begins at main."""
    actions = [{"action": "create", "file_path": path, "content": text} for path, text in files.items()]
    body = {"branch": name, "start_branch": "main", "commit_message": "Change", "actions": actions}
    return str(project.client.post(f"{project.path}/repository/commits", **body)["id"])


def merge_request(project: Project, source: str = "topic") -> str:
    """A merge request into main; returns its path."""
    made = project.client.post(
        f"{project.path}/merge_requests", source_branch=source, target_branch="main", title="Change"
    )
    return f"{project.path}/merge_requests/{made['iid']}"


@pytest.mark.parametrize("state", STATES)
def test_c01_a_status_for_a_commit_without_a_pipeline_makes_an_external_one(
    project: Project, sha: str, state: str, eventually: Eventually
) -> None:
    answer = project.say(sha, state)
    row = answer.json()
    (pipeline,) = project.pipelines(sha=sha)
    assert answer.status_code == 201
    assert (row["name"], row["ref"], row["pipeline_id"]) == ("default", "main", pipeline["id"])
    assert (row["target_url"], row["description"]) == (None, None)
    assert (pipeline["source"], pipeline["iid"]) == ("external", 1)
    eventually(lambda: project.pipeline(pipeline["id"])["status"] == state)


def test_c02_a_status_joins_the_pipeline_that_is_there(project: Project, held: tuple[str, int]) -> None:
    sha, pipeline = held
    assert project.say(sha, "pending").json()["pipeline_id"] == pipeline
    assert ids(project.pipelines(sha=sha)) == [pipeline]
    assert [row["name"] for row in project.statuses(sha, stage="external")] == ["default"]


def test_c03_a_status_joins_the_merge_request_pipeline_where_that_is_the_only_one(project: Project) -> None:
    project.commit()
    sha = branch(project, {".gitlab-ci.yml": FOR_MERGE_REQUESTS})
    pipeline = project.client.post(f"{merge_request(project)}/pipelines")
    row = project.say(sha, "running", name="chaos").json()
    assert (row["pipeline_id"], row["ref"]) == (pipeline["id"], "refs/merge-requests/1/head")


def test_c04_all_statuses_of_a_pipeline_are_in_one_stage(project: Project, sha: str) -> None:
    pipelines = {project.say(sha, "pending", name=name).json()["pipeline_id"] for name in ("a", "b")}
    assert len(pipelines) == 1
    assert [row["name"] for row in project.statuses(sha, stage="external")] == ["a", "b"]


@pytest.mark.parametrize("state", STATES[1:])
def test_c05_a_pending_status_becomes_any_other_as_the_same_row(project: Project, sha: str, state: str) -> None:
    before = project.say(sha, "pending").json()["id"]
    after = project.say(sha, state)
    assert (after.status_code, after.json()["id"], after.json()["status"]) == (201, before, state)
    assert ids(project.statuses(sha, all=1)) == [before]


@pytest.mark.parametrize(
    ("current", "posted", "event"),
    [
        pytest.param("pending", "pending", "enqueue", id="C06"),
        pytest.param("running", "running", "run", id="C07"),
        pytest.param("running", "pending", "enqueue", id="C08"),
        pytest.param("running", "skipped", "skip", id="C09"),
    ],
)
def test_c06_c07_c08_c09_what_a_live_row_does_not_take_leaves_it_as_it_was(
    project: Project, sha: str, current: str, posted: str, event: str
) -> None:
    before = project.say(sha, current, description="first", coverage=10.5).json()
    assert refusal(project.say(sha, posted, description="second", coverage=20)) == (400, cannot(event, current))
    assert project.statuses(sha, all=1) == [before]


def test_c10_what_is_sent_comes_back(project: Project, sha: str) -> None:
    sent = {"description": "d", "coverage": 80.5, "target_url": "https://example.org/run", "ref": "main"}
    answer = project.say(sha, "success", context="chaos/x", **sent)
    assert answer.status_code == 201
    assert {key: answer.json()[key] for key in sent} == sent
    assert answer.json()["name"] == "chaos/x"


def test_c11_the_name_wins_over_the_context_and_there_is_one_for_neither(project: Project, sha: str) -> None:
    assert project.say(sha, "success", name="a", context="b").json()["name"] == "a"
    assert project.say(sha, "success").json()["name"] == "default"


def test_c12_an_update_keeps_what_it_leaves_out(project: Project, sha: str) -> None:
    project.say(sha, "pending", description="d", target_url="https://example.org/run")
    row = project.say(sha, "running").json()
    assert (row["description"], row["target_url"]) == ("d", "https://example.org/run")


def test_c13_the_pipeline_that_is_named_is_the_only_one_that_changes(project: Project, held: tuple[str, int]) -> None:
    sha, first = held
    second = project.client.post(f"{project.path}/pipeline", ref="main")["id"]
    assert project.say(sha, "failed", name="chaos", pipeline_id=first).json()["pipeline_id"] == first
    assert project.statuses(sha, name="chaos", pipeline_id=second) == []
    assert project.say(sha, "failed", name="chaos").json()["pipeline_id"] == second


def test_c15_a_pipeline_of_another_commit_is_not_found(project: Project, held: tuple[str, int]) -> None:
    other = project.commit({"more": "x"})
    assert refusal(project.say(other, "pending", pipeline_id=held[1])) == (404, NO_SUCH_PIPELINE)


def test_c16_a_pipeline_that_is_not_there_is_not_found(project: Project, held: tuple[str, int]) -> None:
    assert refusal(project.say(held[0], "pending", pipeline_id=999_999)) == (404, NO_SUCH_PIPELINE)


def test_c17_a_pipeline_of_another_ref_is_not_found(project: Project, held: tuple[str, int]) -> None:
    sha, pipeline = held
    assert refusal(project.say(sha, "pending", pipeline_id=pipeline, ref="topic")) == (404, NO_SUCH_PIPELINE)


def test_c18_a_success_after_a_failure_is_a_new_row_that_hides_the_old_one(
    project: Project, sha: str, eventually: Eventually
) -> None:
    failed, good = (project.say(sha, state, name="chaos").json() for state in ("failed", "success"))
    assert ids(project.statuses(sha)) == [good["id"]]
    assert ids(project.statuses(sha, all=1)) == [failed["id"], good["id"]]
    eventually(lambda: project.pipeline(good["pipeline_id"])["status"] == "success")


def test_c19_a_state_that_there_is_not_is_an_error_and_no_message(project: Project, sha: str) -> None:
    assert refusal(project.say(sha, "invalid")) == (400, {"error": "state does not have a valid value"})


def test_c20_a_missing_state_is_an_error_and_no_message(project: Project, sha: str) -> None:
    answer = project.client.ask("POST", f"{project.path}/statuses/{sha}", json={})
    assert answer.status_code == 400
    assert list(answer.json()) == ["error"]
    assert answer.json()["error"].startswith("state is missing")


def test_c21_on_a_protected_branch_a_developer_is_refused_and_leaves_an_empty_pipeline(
    project: Project, sha: str, someone: Callable[[int], Client]
) -> None:
    project.client.post(f"{project.path}/protected_branches", name="main")
    answer = project.say(sha, "pending", client=someone(DEVELOPER))
    assert refusal(answer) == (403, {"message": "403 Forbidden"})
    assert [each["source"] for each in project.pipelines(sha=sha)] == ["external"]
    assert project.statuses(sha) == []


def test_c22_on_a_protected_branch_a_maintainer_is_heard(
    project: Project, sha: str, someone: Callable[[int], Client]
) -> None:
    project.client.post(f"{project.path}/protected_branches", name="main")
    assert project.say(sha, "pending", client=someone(MAINTAINER)).status_code == 201


def test_c23_an_unknown_commit_is_not_found_and_nothing_is_made(project: Project, sha: str) -> None:
    assert refusal(project.say("f" * 40, "pending")) == (404, {"message": "404 Commit Not Found"})
    assert project.pipelines() == []


def test_c24_a_bad_target_is_refused_and_leaves_the_pipeline(project: Project, sha: str) -> None:
    blocked = {"message": {"target_url": ["is blocked: Only allowed schemes are http, https"]}}
    assert refusal(project.say(sha, "pending", target_url="git://example.org/x")) == (400, blocked)
    assert [each["source"] for each in project.pipelines(sha=sha)] == ["external"]


def test_c25_the_name_of_a_job_is_taken(project: Project, held: tuple[str, int]) -> None:
    taken = {"message": {"name": ["has already been taken"]}}
    assert refusal(project.say(held[0], "success", name="build")) == (400, taken)


@pytest.mark.parametrize("field", ["name", "description", "target_url"])
def test_c26_what_is_too_long_is_refused(project: Project, sha: str, field: str) -> None:
    answer = project.say(sha, "pending", **{field: "https://example.org/".ljust(256, "x")})
    assert refusal(answer) == (400, {"message": {field: ["is too long (maximum is 255 characters)"]}})


@pytest.mark.parametrize("level", [REPORTER, GUEST])
def test_c27_whoever_is_no_developer_is_refused(
    project: Project, sha: str, level: int, someone: Callable[[int], Client]
) -> None:
    answer = project.say(sha, "pending", client=someone(level))
    assert refusal(answer) == (403, {"message": "403 Forbidden"})
    assert project.pipelines() == []


def test_c28_without_a_token_nobody_is_heard(project: Project, sha: str) -> None:
    nobody = Client(project.client.url, None)
    answer = project.say(sha, "pending", client=nobody)
    nobody.close()
    assert refusal(answer) == (401, {"message": "401 Unauthorized"})


@pytest.fixture
def narrow() -> Iterator[tuple[GitLab, Project, list[float]]]:
    """A GitLab of the test's own: pipelines take two rows, and who waits for a lock notes how long and goes on."""
    waits: list[float] = []
    with GitLab(root_token=ROOT, sleep=waits.append) as running:
        client = Client(running.url)
        answer = client.ask("PUT", "/application/plan_limits", json={"plan_name": "default", "ci_pipeline_size": 2})
        assert answer.status_code == 200
        yield running, Project(client), waits
        client.close()


def test_c29_c30_c31_a_full_pipeline_takes_no_more_but_still_updates_what_is_live(
    narrow: tuple[GitLab, Project, list[float]],
) -> None:
    _, project, _ = narrow
    sha = project.commit()
    full = project.say(sha, "success", name="a").json()["pipeline_id"]
    live = project.say(sha, "running", name="b").json()["id"]
    limit = {"message": "The number of jobs has exceeded the limit"}
    assert refusal(project.say(sha, "pending", name="c", pipeline_id=full)) == (422, limit)
    updated = project.say(sha, "success", name="b", pipeline_id=full)
    assert (updated.status_code, updated.json()["id"]) == (201, live)
    other = project.say(sha, "pending", name="c")
    assert (other.status_code, other.json()["pipeline_id"] != full) == (201, True)
    assert [each["source"] for each in project.pipelines(sha=sha)] == ["external", "external"]


def test_c32_whoever_waits_two_seconds_for_the_commit_is_told_of_a_conflict(
    narrow: tuple[GitLab, Project, list[float]],
) -> None:
    gitlab, project, waits = narrow
    sha = project.commit()
    with gitlab.locks.hold(statuses_of(project.id, sha)):
        answer = project.say(sha, "pending")
        # The lock's name has the SHA as it was typed: another spelling does not wait for it.
        assert project.say(sha[:12], "pending", name="other").status_code == 201
    assert refusal(answer) == (409, {"message": "409 Conflict: Resource lock"})
    assert waits == [0.1] * 20
    assert project.say(sha, "pending").status_code == 201


def test_c33_whoever_waits_ten_seconds_for_the_pipeline_is_told_so_as_a_bad_request(
    narrow: tuple[GitLab, Project, list[float]],
) -> None:
    gitlab, project, waits = narrow
    sha = project.commit()
    pipeline = project.say(sha, "running").json()["pipeline_id"]
    with gitlab.locks.hold(rows_of(pipeline)):
        answer = project.say(sha, "success")
    assert refusal(answer) == (400, {"message": "Failed to obtain a lock"})
    assert waits == [0.5] * 20
    assert project.say(sha, "success").status_code == 201


def test_c34_c35_a_second_user_hides_the_first_ones_row_and_then_both_are_hidden(
    project: Project, sha: str, someone: Callable[[int], Client]
) -> None:
    one, two = someone(DEVELOPER), someone(DEVELOPER)
    first = project.say(sha, "running", name="chaos", client=one).json()["id"]
    second = project.say(sha, "running", name="chaos", client=two).json()["id"]
    assert ids(project.statuses(sha)) == [second]
    assert project.say(sha, "success", name="chaos", client=one).json()["id"] == first
    assert project.statuses(sha) == []
    assert ids(project.statuses(sha, all=1)) == [first, second]


def test_c36_a_merge_request_without_a_pipeline_gets_the_one_of_the_status(
    project: Project, eventually: Eventually
) -> None:
    project.commit()
    sha = branch(project, {"more": "x"})
    asked = merge_request(project)
    assert project.client.get(asked)["head_pipeline"] is None
    pipeline = project.say(sha, "success", name="chaos").json()["pipeline_id"]
    head = eventually(lambda: project.client.get(asked)["head_pipeline"])
    assert (head["id"], head["source"]) == (pipeline, "external")


def test_c37_a_merge_request_judged_by_its_merge_does_not_see_the_status_of_the_branch(
    project: Project, gitlab: GitLab
) -> None:
    project.commit()
    assert project.client.ask("PUT", project.path, json={"merge_pipelines_enabled": True}).status_code == 200
    sha = branch(project, {".gitlab-ci.yml": FOR_MERGE_REQUESTS})
    asked = merge_request(project)
    merged = project.client.post(f"{asked}/pipelines")
    assert (merged["ref"], merged["sha"] != sha) == ("refs/merge-requests/1/merge", True)
    row = project.say(sha, "success", name="chaos", ref="topic").json()
    assert row["pipeline_id"] != merged["id"]
    assert gitlab.background.settled()
    assert project.client.get(asked)["head_pipeline"]["id"] == merged["id"]
    wrong = project.say(sha, "success", name="chaos", pipeline_id=merged["id"])
    assert refusal(wrong) == (404, NO_SUCH_PIPELINE)


def test_c38_a_merge_request_judged_by_its_branch_sees_the_status(project: Project, gitlab: GitLab) -> None:
    project.commit()
    sha = branch(project, {".gitlab-ci.yml": HELD})
    asked = merge_request(project)
    pipeline = project.pipelines(sha=sha)[0]["id"]
    assert project.say(sha, "failed", name="chaos").json()["pipeline_id"] == pipeline
    assert gitlab.background.settled()
    assert project.client.get(asked)["head_pipeline"]["id"] == pipeline


def test_c39_a_child_pipeline_is_not_found(project: Project, eventually: Eventually) -> None:
    sha = project.commit(
        {".gitlab-ci.yml": "start: {trigger: {include: child.yml}}\n", "child.yml": HELD.replace("build", "inner")}
    )
    parent = project.pipelines(sha=sha)[0]["id"]
    bridges = f"{project.path}/pipelines/{parent}/bridges"
    child = eventually(lambda: project.client.get(bridges)[0]["downstream_pipeline"])["id"]
    assert refusal(project.say(sha, "pending", pipeline_id=child)) == (404, NO_SUCH_PIPELINE)
    assert project.say(sha, "pending").json()["pipeline_id"] == parent


def test_c40_a_pipeline_that_is_over_is_opened_again(project: Project, sha: str, eventually: Eventually) -> None:
    pipeline = project.say(sha, "success", name="a").json()["pipeline_id"]
    eventually(lambda: project.pipeline(pipeline)["status"] == "success")
    assert project.say(sha, "running", name="b").json()["pipeline_id"] == pipeline
    eventually(lambda: project.pipeline(pipeline)["status"] == "running")


def test_c14_a_pipeline_that_is_named_is_found_behind_a_hundred_newer_ones(project: Project) -> None:
    """The newer ones are on another branch at the same commit; without its id only the newest hundred are looked at."""
    sha = project.commit()
    old = project.say(sha, "success", ref="main").json()["pipeline_id"]
    project.client.post(f"{project.path}/repository/branches", branch="topic", ref="main")
    state = project.client.ask("PUT", "/application/plan_limits", json={"plan_name": "default", "ci_pipeline_size": 1})
    assert state.status_code == 200
    try:
        for number in range(100):
            project.say(sha, "success", ref="topic", name=f"n{number}")
    finally:
        project.client.ask("PUT", "/application/plan_limits", json={"plan_name": "default", "ci_pipeline_size": 0})
    assert project.say(sha, "success", name="named", pipeline_id=old).json()["pipeline_id"] == old
    assert project.say(sha, "success", name="unnamed", ref="main").json()["pipeline_id"] != old


def test_a_project_without_pipelines_takes_no_statuses(project: Project, sha: str) -> None:
    assert project.client.ask("PUT", project.path, json={"builds_access_level": "disabled"}).status_code == 200
    assert refusal(project.say(sha, "pending")) == (403, {"message": "403 Forbidden"})


def test_a_pipeline_that_was_deleted_takes_no_statuses(project: Project, held: tuple[str, int]) -> None:
    sha, pipeline = held
    assert project.client.ask("DELETE", f"{project.path}/pipelines/{pipeline}").status_code == 204
    assert refusal(project.say(sha, "pending", pipeline_id=pipeline)) == (404, NO_SUCH_PIPELINE)


@needs_contract
@pytest.mark.parametrize("pair", transitions(), ids=lambda pair: f"{pair['current']} to {pair['post_state']}")
def test_a_posted_state_meets_the_row_as_the_contract_says(project: Project, sha: str, pair: dict[str, Any]) -> None:
    before = None
    if pair["current"] != "(none)":
        before = project.say(sha, pair["current"], name="chaos").json()
    answer = project.say(sha, pair["post_state"], name="chaos")
    assert answer.status_code == pair["status"]
    if "body" in pair:
        assert answer.json() == pair["body"]
        return
    assert answer.json()["status"] == pair["resulting_status"]
    assert (before is not None and answer.json()["id"] == before["id"]) == (pair["row"] != "new")
    assert ids(project.statuses(sha, name="chaos")) == [answer.json()["id"]]


@needs_contract
def test_the_contract_has_every_pair_of_states() -> None:
    assert len({(pair["current"], pair["post_state"]) for pair in transitions()}) == 42
