"""Environments, and who may deploy to those that are protected."""

from typing import Any

import flask

from gate.sandbox.gitlab import shapes
from gate.sandbox.gitlab.answers import Refusal, found, missing, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.configuration.document import TIERS
from gate.sandbox.gitlab.model import Access, ApprovalRule, Environment, Project, ProtectedEnvironment, Role

LEVELS = (Role.DEVELOPER, Role.MAINTAINER)
"""The roles that a rule may be about."""


class Environments:
    """The routes of environments."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._state = asked, asked.state

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        one, protected = f"{PROJECT}/environments/<int:number>", f"{PROJECT}/protected_environments"
        return (
            Route(f"{PROJECT}/environments", "GET", self._list, job_token=True),
            Route(f"{PROJECT}/environments", "POST", self._create, job_token=True),
            Route(one, "GET", self._get, job_token=True),
            Route(one, "PUT", self._change, job_token=True),
            Route(one, "DELETE", self._delete, job_token=True),
            Route(f"{one}/stop", "POST", self._stop, job_token=True),
            Route(protected, "GET", self._protected),
            Route(protected, "POST", self._protect),
            Route(f"{protected}/<path:name>", "GET", self._protection),
            Route(f"{protected}/<path:name>", "PUT", self._change_protection),
            Route(f"{protected}/<path:name>", "DELETE", self._unprotect),
        )

    def _list(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        asked = flask.request.args
        fitting = [
            each
            for each in sorted(project.environments, key=lambda each: each.name)
            if asked.get("name") in {None, each.name}
            and asked.get("search", "") in each.name
            and asked.get("states") in {None, each.state}
        ]
        return self._asked.page([self._shape(project, each) for each in fitting])

    def _create(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.DEVELOPER)
        (name,) = self._asked.wanted("name")
        if project.environment(name):
            raise refused(400, {"name": ["has already been taken"]})
        tier = self._asked.chosen("tier", TIERS) if "tier" in self._asked.given() else ""
        made = self._state.environment(project, name, url=self._asked.given().get("external_url"), tier=tier)
        return self._shape(project, made), 201

    def _get(self, key: str, number: int) -> Answer:
        project, each = self._seen(key, number, Role.REPORTER)
        return self._shape(project, each)

    def _change(self, key: str, number: int) -> Answer:
        project, each = self._seen(key, number, Role.DEVELOPER)
        each.external_url = self._asked.given().get("external_url", each.external_url)
        each.tier = self._asked.chosen("tier", TIERS, each.tier)
        return self._shape(project, each)

    def _delete(self, key: str, number: int) -> Answer:
        project, each = self._seen(key, number, Role.DEVELOPER)
        if each.state != "stopped":
            raise refused(403, "403 Forbidden")
        project.environments.remove(each)
        return "", 204

    def _stop(self, key: str, number: int) -> Answer:
        project, each = self._seen(key, number, Role.DEVELOPER)
        each.state = "stopped"
        return self._shape(project, each)

    def _seen(self, key: str, number: int, least: Role) -> tuple[Project, Environment]:
        project, _ = self._asked.seen(key, least)
        return project, found(next((each for each in project.environments if each.id == number), None), "Environment")

    def _shape(self, project: Project, each: Environment) -> dict[str, Any]:
        return shapes.environment(each, project, self._state, self._asked.url)

    def _protected(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return self._asked.page([_protection(each) for each in project.protected_environments])

    def _protection(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return _protection(found(project.protection(name)))

    def _protect(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        (name,) = self._asked.wanted("name")
        if project.protection(name):
            raise refused(409, f"Protected environment '{name}' already exists")
        deploy = [self._access(project, each) for each in self._asked.listed("deploy_access_levels")]
        if not deploy:
            raise Refusal(400, {"error": "deploy_access_levels is missing"})
        made = ProtectedEnvironment(name=name, deploy=deploy, rules=self._rules(project))
        project.protected_environments.append(made)
        return _protection(made), 201

    def _change_protection(self, key: str, name: str) -> Answer:
        """New entries come to those that are there."""
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        each = found(project.protection(name))
        each.deploy += [self._access(project, one) for one in self._asked.listed("deploy_access_levels")]
        each.rules += self._rules(project)
        return _protection(each)

    def _unprotect(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        project.protected_environments.remove(found(project.protection(name)))
        return "", 204

    def _rules(self, project: Project) -> list[ApprovalRule]:
        return [
            ApprovalRule(access=self._access(project, each), required=int(each.get("required_approvals", 1)))
            for each in self._asked.listed("approval_rules")
        ]

    def _access(self, project: Project, given: Any) -> Access:
        """One entry. Raises `Refusal` for one that names nobody here."""
        if not isinstance(given, dict):
            raise Refusal(400, {"error": "deploy_access_levels is invalid"})
        number = self._state.next_id("access")
        if (user := given.get("user_id")) is not None:
            someone = self._state.users.get(int(user))
            if someone is None or not project.role(someone):
                raise refused(422, ["Deploy access levels user is not a member of the project."])
            return Access(id=number, user=int(user))
        if (group := given.get("group_id")) is not None:
            if self._state.find_group(str(group)) is None:
                raise missing("Group")
            return Access(id=number, group=int(group))
        level = int(given.get("access_level", 0))
        if level not in LEVELS:
            raise Refusal(400, {"error": "deploy_access_levels[access_level] does not have a valid value"})
        return Access(id=number, role=Role(level))


def _protection(each: ProtectedEnvironment) -> dict[str, Any]:
    return {
        "name": each.name,
        "deploy_access_levels": [shapes.access(one) for one in each.deploy],
        "required_approval_count": 0,
        "approval_rules": [{**shapes.access(rule.access), "required_approvals": rule.required} for rule in each.rules],
    }
