"""Merge requests of the embedded GitLab: their pipelines, what stands in the way of merging, external status checks."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from gitlab_world import GUEST, ROOT, Client, Project
from hook_receiver import Receiver, receiving

from gate.sandbox.gitlab import GitLab
from gate.sandbox.gitlab.webhooks import signing
from tests.clocks import HandClock

Eventually = Callable[[Callable[[], Any]], Any]
Asked = tuple[str, str]
"""The path of a merge request, and the head of its source branch."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as running:
        yield running


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def project(clock: HandClock) -> Iterator[Project]:
    """A project on a GitLab with a clock of the test's own."""
    with GitLab(root_token=ROOT, clock=clock.now) as running:
        client = Client(running.url)
        yield Project(client)
        client.close()


def push(project: Project, files: dict[str, str], **more: str) -> str:
    actions = [{"action": "create", "file_path": path, "content": text} for path, text in files.items()]
    body = {"branch": "topic", "commit_message": "Change", "actions": actions, **more}
    return str(project.client.post(f"{project.path}/repository/commits", **body)["id"])


@pytest.fixture
def asked(project: Project) -> Asked:
    """A merge request of `topic` into `main`."""
    project.commit()
    sha = push(project, {"new": "x"}, start_branch="main")
    made = project.client.post(
        f"{project.path}/merge_requests", source_branch="topic", target_branch="main", title="New"
    )
    return f"{project.path}/merge_requests/{made['iid']}", sha


def set_(project: Project, **settings: bool) -> None:
    assert project.client.ask("PUT", project.path, json=settings).status_code == 200


def obstacle(project: Project, asked: Asked) -> str:
    return str(project.client.get(asked[0])["detailed_merge_status"])


def merge(project: Project, asked: Asked, **given: str) -> int:
    return project.client.ask("PUT", f"{asked[0]}/merge", json=given).status_code


def check(project: Project, receiver: Receiver, **more: Any) -> int:
    made = project.client.post(
        f"{project.path}/external_status_checks", name="chaos gate", external_url=receiver.url, **more
    )
    return int(made["id"])


def respond(project: Project, asked: Asked, number: int, status: str, sha: str = "") -> tuple[int, Any]:
    body = {"sha": sha or asked[1], "external_status_check_id": number, "status": status}
    answer = project.client.ask("POST", f"{asked[0]}/status_check_responses", json=body)
    return answer.status_code, answer.json()


def statuses(project: Project, asked: Asked) -> list[str]:
    return [each["status"] for each in project.client.get(f"{asked[0]}/status_checks")]


def test_nothing_stands_in_the_way_of_merging_unless_the_project_says_so(project: Project, asked: Asked) -> None:
    assert obstacle(project, asked) == "mergeable"
    assert merge(project, asked, sha="0" * 40) == 409
    assert merge(project, asked, sha=asked[1]) == 200
    merged = project.client.get(asked[0])
    assert (merged["state"], bool(merged["merge_commit_sha"])) == ("merged", True)
    main = project.client.get(f"{project.path}/repository/branches/main")
    assert main["commit"]["id"] == merged["merge_commit_sha"]
    assert merge(project, asked) == 405


def test_where_pipelines_must_succeed_the_head_pipeline_decides(
    project: Project, asked: Asked, eventually: Eventually
) -> None:
    set_(project, only_allow_merge_if_pipeline_succeeds=True)
    assert (obstacle(project, asked), merge(project, asked)) == ("ci_must_pass", 405)
    project.say(asked[1], "running", name="chaos")
    eventually(lambda: obstacle(project, asked) == "ci_still_running")
    project.say(asked[1], "success", name="chaos")
    eventually(lambda: obstacle(project, asked) == "mergeable")


def test_skipped_pipelines_count_only_where_the_project_says_so(
    project: Project, asked: Asked, eventually: Eventually
) -> None:
    set_(project, only_allow_merge_if_pipeline_succeeds=True)
    project.say(asked[1], "skipped", name="chaos")
    eventually(lambda: (project.client.get(asked[0])["head_pipeline"] or {}).get("status") == "skipped")
    assert obstacle(project, asked) == "ci_must_pass"
    set_(project, allow_merge_on_skipped_pipeline=True)
    assert obstacle(project, asked) == "mergeable"


def test_a_push_to_the_source_branch_moves_the_head_and_leaves_the_old_pipeline_behind(
    project: Project, asked: Asked, eventually: Eventually
) -> None:
    project.say(asked[1], "success", name="chaos")
    eventually(lambda: project.client.get(asked[0])["head_pipeline"])
    newer = push(project, {"newer": "x"})
    now = project.client.get(asked[0])
    assert (now["sha"], now["head_pipeline"]) == (newer, None)


def test_branches_that_conflict_cannot_be_merged(project: Project, asked: Asked) -> None:
    project.commit({"new": "another"})
    assert (obstacle(project, asked), merge(project, asked)) == ("conflict", 405)


def test_a_status_check_is_asked_with_its_signature_and_blocks_until_it_passes(
    project: Project, receiver: Receiver, eventually: Eventually
) -> None:
    project.commit()
    number = check(project, receiver, shared_secret="s3cr3t")
    set_(project, only_allow_merge_if_all_status_checks_passed=True)
    sha = push(project, {"new": "x"}, start_branch="main")
    made = project.client.post(f"{project.path}/merge_requests", source_branch="topic", target_branch="main", title="N")
    asked = (f"{project.path}/merge_requests/{made['iid']}", sha)
    (told,) = eventually(lambda: receiver.received)
    assert told.headers["X-GitLab-Signature"] == signing.status_check("s3cr3t", told.body)["X-GitLab-Signature"]
    assert told.said["object_attributes"]["last_commit"]["id"] == sha
    assert told.said["external_approval_rule"] == {"id": number, "name": "chaos gate", "external_url": receiver.url}
    assert (statuses(project, asked), obstacle(project, asked)) == (["pending"], "status_checks_must_pass")
    assert respond(project, asked, number, "passed")[0] == 201
    assert (statuses(project, asked), obstacle(project, asked)) == (["passed"], "mergeable")
    assert "s3cr3t" not in project.client.ask("GET", f"{project.path}/external_status_checks").text


def test_what_is_pending_for_more_than_two_minutes_has_failed_unless_it_is_said_again(
    project: Project, asked: Asked, receiver: Receiver, clock: HandClock
) -> None:
    number = check(project, receiver)
    respond(project, asked, number, "pending")
    clock.advance(timedelta(seconds=110))
    respond(project, asked, number, "pending")
    clock.advance(timedelta(seconds=110))
    assert statuses(project, asked) == ["pending"]
    clock.advance(timedelta(seconds=11))
    assert statuses(project, asked) == ["failed"]
    assert respond(project, asked, number, "passed")[0] == 201
    assert statuses(project, asked) == ["passed"]


def test_an_answer_about_another_commit_is_a_conflict(project: Project, asked: Asked, receiver: Receiver) -> None:
    number = check(project, receiver)
    newer = push(project, {"newer": "x"})
    said = {"message": f"SHA does not match HEAD of source branch: {newer}"}
    assert respond(project, asked, number, "passed") == (409, said)
    assert statuses(project, asked) == ["pending"]


def test_a_check_is_asked_again_only_when_it_has_failed(
    project: Project, asked: Asked, receiver: Receiver, eventually: Eventually
) -> None:
    number = check(project, receiver)
    path = f"{asked[0]}/status_checks/{number}/retry"
    refused = project.client.ask("POST", path)
    assert (refused.status_code, refused.json()) == (422, {"message": "External status check must be failed"})
    respond(project, asked, number, "failed")
    assert project.client.ask("POST", path).status_code == 202
    eventually(lambda: receiver.received)
    assert statuses(project, asked) == ["pending"]


def test_a_check_for_some_branches_is_not_asked_about_others(
    project: Project, asked: Asked, receiver: Receiver
) -> None:
    release = project.client.post(f"{project.path}/protected_branches", name="release")["id"]
    check(project, receiver, protected_branch_ids=[release])
    assert statuses(project, asked) == []


def test_whoever_may_not_answer_does_not_find_the_check(project: Project, asked: Asked, receiver: Receiver) -> None:
    number = check(project, receiver)
    guest = Client(project.client.url, project.member("guest", GUEST))
    body = {"sha": asked[1], "external_status_check_id": number, "status": "passed"}
    assert guest.ask("POST", f"{asked[0]}/status_check_responses", json=body).status_code == 404
    assert guest.ask("GET", f"{project.path}/external_status_checks").status_code == 401
    guest.close()


def test_one_source_branch_has_one_open_merge_request_into_a_target(project: Project, asked: Asked) -> None:
    body = {"source_branch": "topic", "target_branch": "main", "title": "Again"}
    assert project.client.ask("POST", f"{project.path}/merge_requests", json=body).status_code == 409
    assert project.client.ask("PUT", asked[0], json={"state_event": "close"}).json()["state"] == "closed"
    assert project.client.ask("POST", f"{project.path}/merge_requests", json=body).status_code == 201


def test_a_commit_names_the_merge_requests_that_bring_it(project: Project, asked: Asked) -> None:
    def named(sha: str) -> list[int]:
        found = project.client.get(f"{project.path}/repository/commits/{sha}/merge_requests")
        return [each["iid"] for each in found]

    main = project.client.get(f"{project.path}/repository/branches/main")["commit"]["id"]
    newer = push(project, {"newer": "y"})
    assert (named(asked[1]), named(newer), named(main)) == ([1], [1], [])
    assert project.client.ask("GET", f"{project.path}/repository/commits/{'f' * 40}/merge_requests").status_code == 404
