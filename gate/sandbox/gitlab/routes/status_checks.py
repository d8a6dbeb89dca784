"""External status checks: services that are asked about a merge request, and what they answer."""

from typing import Any

from gate.sandbox.gitlab import merging
from gate.sandbox.gitlab.answers import Refusal, found, refused, unauthorized
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import CheckResponse, MergeRequest, Project, Role, StatusCheck
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.routes.merge_requests import ONE, merge_request

ANSWERS = ("passed", "failed", "pending")


class StatusChecks:
    """The routes of status checks."""

    def __init__(self, asked: Asked, progress: Progress) -> None:
        self._asked, self._progress = asked, progress

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        checks = f"{PROJECT}/external_status_checks"
        return (
            Route(checks, "GET", self._list),
            Route(checks, "POST", self._create),
            Route(f"{checks}/<int:number>", "PUT", self._change),
            Route(f"{checks}/<int:number>", "DELETE", self._delete),
            Route(f"{ONE}/status_checks", "GET", self._of_merge_request),
            Route(f"{ONE}/status_check_responses", "POST", self._respond),
            Route(f"{ONE}/status_checks/<int:number>/retry", "POST", self._retry),
        )

    def _admin(self, key: str) -> Project:
        """The project, for somebody who may change its settings; GitLab answers 401, not 403, to others."""
        project, user = self._asked.seen(key)
        if project.role(user) < Role.MAINTAINER:
            raise unauthorized()
        return project

    def _list(self, key: str) -> Answer:
        project = self._admin(key)
        return self._asked.page([_shape(project, each) for each in project.status_checks])

    def _create(self, key: str) -> Answer:
        project = self._admin(key)
        name, url = self._asked.wanted("name", "external_url")
        if any(each.name == name for each in project.status_checks):
            raise refused(400, {"name": ["has already been taken"]})
        made = StatusCheck(
            id=self._asked.state.next_id("status check"),
            name=name,
            external_url=url,
            secret=str(self._asked.given().get("shared_secret") or ""),
            branches=self._branches(project),
        )
        project.status_checks.append(made)
        return _shape(project, made), 201

    def _change(self, key: str, number: int) -> Answer:
        project = self._admin(key)
        each, given = _check(project, number), self._asked.given()
        each.name = str(given.get("name", each.name))
        each.external_url = str(given.get("external_url", each.external_url))
        each.secret = str(given.get("shared_secret", each.secret))
        if "protected_branch_ids" in given:
            each.branches = self._branches(project)
        return _shape(project, each)

    def _delete(self, key: str, number: int) -> Answer:
        project = self._admin(key)
        project.status_checks.remove(_check(project, number))
        return "", 204

    def _branches(self, project: Project) -> list[int]:
        numbers = [int(each) for each in self._asked.listed("protected_branch_ids")]
        if set(numbers) - {each.id for each in project.protected_branches}:
            raise Refusal(404, {"message": "404 Protected Branch Not Found"})
        return numbers

    def _of_merge_request(self, key: str, iid: int) -> Answer:
        project, _ = self._asked.seen(key)
        each = merge_request(project, iid)
        return self._asked.page(
            [
                {
                    "id": check.id,
                    "name": check.name,
                    "external_url": check.external_url,
                    "status": self._status(each, check),
                }
                for check in merging.checks_of(project, each)
            ]
        )

    def _respond(self, key: str, iid: int) -> Answer:
        project, user = self._asked.seen(key)
        each = merge_request(project, iid)
        sha, _ = self._asked.wanted("sha", "external_status_check_id")
        status = self._asked.chosen("status", ANSWERS)
        if project.role(user) < Role.DEVELOPER:
            raise refused(404, "404 Not Found")
        check = _check(project, self._asked.whole("external_status_check_id"))
        if sha != each.sha:
            raise refused(409, f"SHA does not match HEAD of source branch: {each.sha}")
        state = self._asked.state
        each.checks[check.id] = CheckResponse(sha=sha, status=status, at=state.clock().timestamp())
        return {
            "id": state.next_id("status check response"),
            "merge_request": {"id": each.id, "iid": each.iid, "project_id": project.id, "title": each.title},
            "external_status_check": _shape(project, check),
            "status": status,
        }, 201

    def _retry(self, key: str, iid: int, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.DEVELOPER)
        each = merge_request(project, iid)
        check = _check(project, number)
        if self._status(each, check) != "failed":
            raise refused(422, "External status check must be failed")
        each.checks.pop(check.id, None)
        self._progress.check_again(project, each, check.id)
        return {"message": "202 Accepted"}, 202

    def _status(self, each: MergeRequest, check: StatusCheck) -> str:
        now = self._asked.state.clock().timestamp()
        return merging.check_status(each.checks.get(check.id), each.sha, now)


def _check(project: Project, number: int) -> StatusCheck:
    return found(next((each for each in project.status_checks if each.id == number), None))


def _shape(project: Project, each: StatusCheck) -> dict[str, Any]:
    branches = [branch for branch in project.protected_branches if branch.id in each.branches]
    return {
        "id": each.id,
        "name": each.name,
        "project_id": project.id,
        "external_url": each.external_url,
        "hmac": bool(each.secret),
        "protected_branches": [{"id": branch.id, "project_id": project.id, "name": branch.name} for branch in branches],
    }
