"""What really blocks in the embedded GitLab: protected environments, approvals, and jobs that wait for somebody."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from gitlab_world import DEVELOPER, MAINTAINER, Client, Project

Eventually = Callable[[Callable[[], Any]], Any]
Somebody = Callable[[int], tuple[int, Client]]

SHIP = "ship: {script: 'true', environment: production, when: manual, allow_failure: false}\n"
AUTOMATIC = "ship: {script: 'true', environment: production}\n"


@pytest.fixture
def somebody(project: Project) -> Iterator[Somebody]:
    """Makes a member with this role: id and client."""
    made: list[Client] = []

    def member(level: int) -> tuple[int, Client]:
        made.append(Client(project.client.url, project.member(f"user-{project.id}-{len(made)}", level)))
        return made[-1].get("/user")["id"], made[-1]

    yield member
    for client in made:
        client.close()


def protect(project: Project, *, deploy: list[dict[str, int]], rules: list[dict[str, int]] | None = None) -> Any:
    given = {"name": "production", "deploy_access_levels": deploy, "approval_rules": rules or []}
    return project.client.post(f"{project.path}/protected_environments", **given)


def job(project: Project, pipeline: int | None = None) -> Any:
    return project.jobs(pipeline or project.pipelines()[0]["id"])["ship"]


def play(project: Project, client: Client, number: int) -> tuple[int, Any]:
    answer = client.ask("POST", f"{project.path}/jobs/{number}/play")
    return answer.status_code, answer.json()


def waiting(project: Project) -> Any:
    """The deployment that waits for approval."""
    query = {"environment": "production", "status": "blocked", "order_by": "id", "sort": "desc"}
    (found,) = project.client.get(f"{project.path}/deployments", **query)
    return found


def decide(project: Project, client: Client, deployment: int, status: str, **more: str) -> tuple[int, Any]:
    path = f"{project.path}/deployments/{deployment}/approval"
    answer = client.ask("POST", path, json={"status": status, **more})
    return answer.status_code, answer.json()


def test_only_whom_the_environment_names_plays_its_job(
    project: Project, somebody: Somebody, eventually: Eventually
) -> None:
    bot, gate = somebody(DEVELOPER)
    _, maintainer = somebody(MAINTAINER)
    protect(project, deploy=[{"user_id": bot}])
    project.commit({".gitlab-ci.yml": SHIP})
    number = job(project)["id"]
    assert play(project, maintainer, number) == (403, {"message": "403 Forbidden"})
    status, played = play(project, gate, number)
    assert (status, played["user"]["id"]) == (200, bot)
    eventually(lambda: job(project)["status"] == "success")


def test_a_job_that_starts_by_itself_fails_where_its_user_may_not_deploy(
    project: Project, somebody: Somebody, eventually: Eventually
) -> None:
    bot, _ = somebody(DEVELOPER)
    _, developer = somebody(DEVELOPER)
    protect(project, deploy=[{"user_id": bot}])
    project.client = developer
    project.commit({".gitlab-ci.yml": AUTOMATIC})
    failed = eventually(lambda: job(project)["status"] == "failed" and job(project))
    assert failed["failure_reason"] == "protected_environment_failure"


def test_a_deployment_waits_for_its_approval_and_then_for_somebody_to_play_it(
    project: Project, somebody: Somebody, eventually: Eventually
) -> None:
    bot, gate = somebody(MAINTAINER)
    protect(project, deploy=[{"access_level": 30}], rules=[{"user_id": bot, "required_approvals": 1}])
    project.commit({".gitlab-ci.yml": SHIP})
    number, record = job(project)["id"], waiting(project)
    assert record["deployable"]["id"] == number
    assert play(project, project.client, number) == (400, {"message": "400 Bad request - Unplayable Job"})
    status, given = decide(project, gate, record["id"], "approved", comment="PASSED")
    assert (status, given["status"], given["comment"]) == (201, "approved", "PASSED")
    shown = project.client.get(f"{project.path}/deployments/{record['id']}")
    (rule,) = shown["approval_summary"]["rules"]
    assert [each["user"]["id"] for each in rule["deployment_approvals"]] == [bot]
    assert job(project)["status"] == "manual"
    assert play(project, project.client, number)[0] == 200
    eventually(lambda: job(project)["status"] == "success")
    assert project.client.get(f"{project.path}/deployments/{record['id']}")["status"] == "success"


def test_a_job_that_would_start_by_itself_is_held_for_approval_too(
    project: Project, somebody: Somebody, eventually: Eventually
) -> None:
    bot, _ = somebody(MAINTAINER)
    protect(project, deploy=[{"access_level": 30}], rules=[{"user_id": bot}])
    project.commit({".gitlab-ci.yml": AUTOMATIC})
    eventually(lambda: job(project)["status"] == "manual")
    assert waiting(project)["status"] == "blocked"


def test_a_rejected_deployment_drops_its_job(project: Project, somebody: Somebody) -> None:
    bot, gate = somebody(MAINTAINER)
    protect(project, deploy=[{"access_level": 30}], rules=[{"user_id": bot}])
    project.commit({".gitlab-ci.yml": SHIP})
    assert decide(project, gate, waiting(project)["id"], "rejected")[0] == 201
    assert (job(project)["status"], job(project)["failure_reason"]) == ("failed", "deployment_rejected")


def test_a_rule_wants_as_many_approvals_as_it_says(project: Project, somebody: Somebody) -> None:
    (_, one), (_, two) = somebody(MAINTAINER), somebody(MAINTAINER)
    protect(project, deploy=[{"access_level": 30}], rules=[{"access_level": 40, "required_approvals": 2}])
    project.commit({".gitlab-ci.yml": SHIP})
    record = waiting(project)["id"]
    path = f"{project.path}/deployments/{record}"
    assert project.client.get(path)["pending_approval_count"] == 2
    for _ in range(2):
        assert decide(project, one, record, "approved")[0] == 201
    assert (project.client.get(path)["status"], project.client.get(path)["pending_approval_count"]) == ("blocked", 1)
    assert decide(project, two, record, "approved")[0] == 201
    assert project.client.get(path)["status"] == "created"


def test_an_approval_is_refused_for_the_first_reason_that_there_is(project: Project, somebody: Somebody) -> None:
    (bot, gate), (_, developer) = somebody(MAINTAINER), somebody(DEVELOPER)
    project.commit({".gitlab-ci.yml": SHIP})
    (record,) = project.client.get(f"{project.path}/deployments")

    def refusal(client: Client, status: str = "approved", **more: str) -> str:
        code, body = decide(project, client, record["id"], status, **more)
        assert code == 400
        return str(body["message"])

    assert refusal(gate, "maybe") == "Unrecognized approval status."
    assert refusal(gate) == "This environment is not protected."
    protect(project, deploy=[{"access_level": 30}])
    assert refusal(project.client).startswith("You cannot approve your own deployment.")
    assert refusal(gate) == "Deployment approvals is not configured for this environment."
    rules = {"approval_rules": [{"user_id": bot}]}
    assert project.client.ask("PUT", f"{project.path}/protected_environments/production", json=rules).status_code == 200
    assert refusal(gate) == "This deployment is not waiting for approvals."
    project.client.ask("POST", f"{project.path}/pipeline", json={"ref": "main"})
    record = waiting(project)
    assert refusal(developer).startswith("You don't have permission to approve this deployment.")
    assert refusal(gate, represented_as="nobody").startswith("There are no approval rules for the given")


def test_what_is_older_than_the_newest_deployment_cannot_be_played(project: Project, eventually: Eventually) -> None:
    project.commit({".gitlab-ci.yml": SHIP})
    old = project.pipelines()[0]["id"]
    new = project.client.post(f"{project.path}/pipeline", ref="main")["id"]
    assert play(project, project.client, job(project, new)["id"])[0] == 200
    eventually(lambda: job(project, new)["status"] == "success")
    assert play(project, project.client, job(project, old)["id"]) == (403, {"message": "403 Forbidden"})
    assert project.client.ask("PUT", project.path, json={"ci_forward_deployment_enabled": False}).status_code == 200
    assert play(project, project.client, job(project, old)["id"])[0] == 200


def test_a_job_of_a_protected_branch_is_not_played_by_developers(project: Project, somebody: Somebody) -> None:
    _, developer = somebody(DEVELOPER)
    project.commit({".gitlab-ci.yml": SHIP})
    project.client.post(f"{project.path}/protected_branches", name="ma*")
    assert play(project, developer, job(project)["id"]) == (403, {"message": "403 Forbidden"})


def test_a_job_whose_turn_has_not_come_cannot_be_played(project: Project) -> None:
    project.commit(
        {
            ".gitlab-ci.yml": """
            stages: [one, two]
            first: {stage: one, script: 'true', when: manual, allow_failure: false}
            ship: {stage: two, script: 'true', when: manual, allow_failure: false}
            """
        }
    )
    assert play(project, project.client, job(project)["id"])[0] == 400


def test_a_job_is_played_with_variables(project: Project, eventually: Eventually) -> None:
    project.commit({".gitlab-ci.yml": "ship: {script: 'test \"$VERDICT\" = PASSED', when: manual}\n"})
    variables = {"job_variables_attributes": [{"key": "VERDICT", "value": "PASSED"}]}
    path = f"{project.path}/jobs/{job(project)['id']}/play"
    assert project.client.ask("POST", path, json=variables).status_code == 200
    eventually(lambda: job(project)["status"] == "success")


def test_records_from_outside_need_the_right_to_deploy_and_block_nothing(project: Project, somebody: Somebody) -> None:
    bot, gate = somebody(DEVELOPER)
    _, maintainer = somebody(MAINTAINER)
    sha = project.commit()
    protect(project, deploy=[{"user_id": bot}])
    body = {"environment": "production", "sha": sha, "ref": "main", "tag": False, "status": "running"}
    assert maintainer.ask("POST", f"{project.path}/deployments", json=body).status_code == 403
    made = gate.ask("POST", f"{project.path}/deployments", json=body)
    assert (made.status_code, made.json()["status"], made.json()["deployable"]) == (201, "running", None)
    path = f"{project.path}/deployments/{made.json()['id']}"
    assert project.client.ask("DELETE", path).json() == {"message": "400 Cannot destroy running deployment"}
    assert gate.ask("PUT", path, json={"status": "success"}).json()["status"] == "success"
    current = {"message": "400 Deployment currently deployed to environment"}
    assert project.client.ask("DELETE", path).json() == current
