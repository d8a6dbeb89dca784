"""Deployments: those of jobs and those recorded from outside, and the approval of what waits for it."""

from typing import Any

import flask

from gate.sandbox.gitlab import shapes
from gate.sandbox.gitlab.answers import found, invalid, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Approval, ApprovalRule, Deployment, Project, Role, User
from gate.sandbox.gitlab.permissions import lets_through, may_deploy
from gate.sandbox.gitlab.routes.repository import full_id
from gate.sandbox.gitlab.running.deploying import Deploying, is_approved, rules_of
from gate.sandbox.gitlab.running.runner import Runner

STATUSES = ("running", "success", "failed", "canceled")
"""What a deployment from outside may be in."""
ALL = (*STATUSES, "created", "blocked", "skipped")
NOT_YOURS = (
    "You cannot approve your own deployment. This setting can be adjusted in the protected environment settings."
)
NOT_ALLOWED = "You don't have permission to approve this deployment. Contact the project or group owner for help."
NO_SUCH_RULE = (
    "There are no approval rules for the given `represent_as` parameter. "
    "Use a valid User/Group/Role name to specify the approval rule."
)


class Deployments:
    """The routes of deployments."""

    def __init__(self, asked: Asked, deploying: Deploying, runner: Runner) -> None:
        self._asked, self._deploying, self._runner = asked, deploying, runner

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        one = f"{PROJECT}/deployments/<int:number>"
        return (
            Route(f"{PROJECT}/deployments", "GET", self._list, job_token=True),
            Route(f"{PROJECT}/deployments", "POST", self._create, job_token=True),
            Route(one, "GET", self._get, job_token=True),
            Route(one, "PUT", self._change, job_token=True),
            Route(one, "DELETE", self._delete, job_token=True),
            Route(f"{one}/approval", "POST", self._decide, job_token=True),
        )

    def _list(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        asked = flask.request.args
        if asked.get("status") not in {None, *ALL}:
            raise invalid("status")
        order, descending = self._asked.order("id", "iid", "created_at", "updated_at", "ref", descending=False)
        fitting = [
            each
            for each in project.deployments
            if asked.get("environment") in {None, each.environment} and asked.get("status") in {None, each.status}
        ]
        ranked = order if order in {"ref", "updated_at"} else "created_at"
        fitting.sort(key=lambda each: (getattr(each, ranked), each.id), reverse=descending)
        state, url = self._asked.state, self._asked.url
        return self._asked.page([shapes.deployment(each, project, state, url) for each in fitting])

    def _create(self, key: str) -> Answer:
        project, user = self._asked.seen(key, Role.DEVELOPER)
        environment, sha, ref = self._asked.wanted("environment", "sha", "ref")
        status = self._asked.chosen("status", STATUSES)
        self._check_access(project, user, environment)
        made = self._deploying.open(
            project, environment=environment, sha=full_id(project, sha), ref=ref, status=status, user=user
        )
        made.tag = self._asked.flag("tag")
        return self._whole(project, made), 201

    def _get(self, key: str, number: int) -> Answer:
        project, _, record = self._seen(key, number, Role.REPORTER)
        return self._whole(project, record)

    def _change(self, key: str, number: int) -> Answer:
        project, user, record = self._seen(key, number, Role.DEVELOPER)
        status = self._asked.chosen("status", STATUSES)
        self._check_access(project, user, record.environment)
        if record.job is not None:
            raise refused(403, "403 Forbidden")
        self._deploying.change(project, record, status)
        return self._whole(project, record)

    def _delete(self, key: str, number: int) -> Answer:
        project, user, record = self._seen(key, number, Role.REPORTER)
        if project.role(user) < Role.MAINTAINER:
            raise refused(403, "403 Forbidden")
        if record.status == "running":
            raise refused(400, "400 Cannot destroy running deployment")
        good = [
            each for each in project.deployments if each.environment == record.environment and each.status == "success"
        ]
        if good and good[-1] is record:
            raise refused(400, "400 Deployment currently deployed to environment")
        project.deployments.remove(record)
        return {"message": "204 Deployment destroyed"}, 204

    def _decide(self, key: str, number: int) -> Answer:
        """Approve or reject. An approved job is let go, not started: somebody still has to play it."""
        project, user, record = self._seen(key, number, Role.REPORTER)
        status = str(self._asked.given().get("status") or "")
        rule = self._rule(project, user, record, status)
        comment = self._asked.given().get("comment")
        made = Approval(
            user=user.id,
            status=status,
            comment=str(comment) if comment else None,
            created_at=self._asked.state.now(),
            rule=rule.access.id,
        )
        record.approvals = [each for each in record.approvals if (each.user, each.rule) != (user.id, made.rule)]
        record.approvals.append(made)
        row = project.row(record.job or 0)
        pipeline = project.pipeline(row.pipeline) if row else None
        if status == "rejected" and row is not None and pipeline is not None:
            self._runner.reject(project, pipeline, row)
        elif is_approved(project, record):
            self._deploying.change(project, record, "created")
        state, url = self._asked.state, self._asked.url
        return shapes.approval(made.user, made.status, made.comment, made.created_at, state, url), 201

    def _rule(self, project: Project, user: User, record: Deployment, status: str) -> ApprovalRule:
        """The rule that the decision counts for; the checks in GitLab's order. Raises `Refusal`."""
        rules = rules_of(project, record.environment)
        checks = (
            (status in {"approved", "rejected"}, "Unrecognized approval status."),
            (project.protection(record.environment) is not None, "This environment is not protected."),
            (record.user != user.id or status == "rejected", NOT_YOURS),
            (bool(rules), "Deployment approvals is not configured for this environment."),
            (record.status == "blocked", "This deployment is not waiting for approvals."),
        )
        for holds, complaint in checks:
            if not holds:
                raise refused(400, complaint)
        groups = self._asked.state.groups
        mine = [each for each in rules if user.admin or lets_through(each.access, project, user, groups)]
        if not mine:
            raise refused(400, NOT_ALLOWED)
        wanted = self._asked.given().get("represented_as")
        named = [each for each in mine if wanted in {None, "", self._name(each)}]
        if not named:
            raise refused(400, NO_SUCH_RULE)
        return named[0]

    def _name(self, rule: ApprovalRule) -> str:
        """What a rule is called: a user's or group's name, or a role's."""
        state, access = self._asked.state, rule.access
        if access.user is not None:
            return state.users[access.user].username
        if access.group is not None:
            return next((each.name for each in state.groups if each.id == access.group), "")
        return shapes.LEVELS.get(access.role or Role.NOBODY, "")

    def _check_access(self, project: Project, user: User, environment: str) -> None:
        if not may_deploy(project, user, environment, self._asked.state.groups):
            raise refused(403, "403 Forbidden")

    def _seen(self, key: str, number: int, least: Role) -> tuple[Project, User, Deployment]:
        project, user = self._asked.seen(key, least)
        record = next((each for each in project.deployments if each.id == number), None)
        return project, user, found(record, "Deployment")

    def _whole(self, project: Project, record: Deployment) -> dict[str, Any]:
        return shapes.whole_deployment(record, project, self._asked.state, self._asked.url)
