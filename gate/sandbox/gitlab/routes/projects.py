"""Projects with their settings, members, variables and triggers."""

import secrets
from typing import Any

from gate.sandbox.gitlab import hosting, shapes
from gate.sandbox.gitlab.answers import found, invalid, missing, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Project, Role, Setting, Trigger, User, Variable

VISIBILITIES = ("private", "internal", "public")


class Projects:
    """The routes of projects."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._state = asked, asked.state

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            Route("/projects", "GET", self._list),
            Route("/projects", "POST", self._create),
            Route(PROJECT, "GET", self._get),
            Route(PROJECT, "PUT", self._change),
            Route(f"{PROJECT}/members", "GET", self._members),
            Route(f"{PROJECT}/members", "POST", self._add_member),
            Route(f"{PROJECT}/members/all", "GET", self._members),
            Route(f"{PROJECT}/members/<int:number>", "PUT", self._change_member),
            Route(f"{PROJECT}/members/<int:number>", "DELETE", self._remove_member),
            Route(f"{PROJECT}/variables", "GET", self._variables),
            Route(f"{PROJECT}/variables", "POST", self._add_variable),
            Route(f"{PROJECT}/variables/<name>", "GET", self._variable),
            Route(f"{PROJECT}/variables/<name>", "PUT", self._change_variable),
            Route(f"{PROJECT}/variables/<name>", "DELETE", self._remove_variable),
            Route(f"{PROJECT}/triggers", "GET", self._triggers),
            Route(f"{PROJECT}/triggers", "POST", self._create_trigger),
            Route(f"{PROJECT}/triggers/<int:number>", "DELETE", self._remove_trigger),
            Route("/application/plan_limits", "GET", self._limits),
            Route("/application/plan_limits", "PUT", self._limit),
        )

    def _list(self) -> Answer:
        user = self._asked.user()
        fitting = [each for each in self._state.projects if each.role(user) or each.visibility != "private"]
        return self._asked.page([shapes.project(each, self._asked.url) for each in fitting])

    def _create(self) -> Answer:
        """`namespace_path` is the one thing that a real GitLab lacks: a namespace that needs no group."""
        user, given = self._asked.user(), self._asked.given()
        path = str(given.get("path") or given.get("name") or "")
        if not path:
            self._asked.wanted("path")
        namespace = str(given.get("namespace_path") or user.username)
        if number := given.get("namespace_id"):
            namespace = found(self._state.find_group(str(number)), "Namespace").path
        full = f"{namespace}/{path}"
        if self._state.find_project(full):
            raise refused(400, {"path": ["has already been taken"]})
        made = self._state.project(full, hosting.make, user.id)
        self._apply(made)
        return shapes.project(made, self._asked.url), 201

    def _get(self, key: str) -> Answer:
        return shapes.project(self._asked.seen(key)[0], self._asked.url)

    def _change(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        self._apply(project)
        return shapes.project(project, self._asked.url)

    def _apply(self, project: Project) -> None:
        given = self._asked.given()
        project.description = str(given.get("description", project.description))
        project.visibility = self._asked.chosen("visibility", VISIBILITIES, project.visibility)
        for setting in Setting:
            project.settings[setting] = self._asked.flag(setting, default=project.settings[setting])
        if level := given.get("builds_access_level"):
            project.settings[Setting.JOBS] = level != "disabled"

    def _members(self, key: str) -> Answer:
        project, _ = self._asked.seen(key)
        return self._asked.page([self._member(self._state.users[user], role) for user, role in project.members.items()])

    def _add_member(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        user = found(self._state.users.get(self._asked.whole("user_id")), "User")
        role = self._asked.role("access_level")
        if user.id in project.members and not user.admin:
            raise refused(409, "Member already exists")
        project.members[user.id] = role
        return self._member(user, role), 201

    def _change_member(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        if number not in project.members:
            raise missing()
        project.members[number] = self._asked.role("access_level")
        return self._member(self._state.users[number], project.members[number])

    def _remove_member(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        if project.members.pop(number, None) is None:
            raise missing()
        return "", 204

    def _member(self, user: User, role: Role) -> dict[str, Any]:
        return {**shapes.user(user, self._asked.url), "access_level": role}

    def _variables(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return self._asked.page([_variable(each) for each in project.variables.values()])

    def _variable(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return _variable(found(project.variables.get(name), "Variable"))

    def _add_variable(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        name, value = self._asked.wanted("key", "value")
        if name in project.variables:
            raise refused(400, {"key": [f"({name}) has already been taken"]})
        project.variables[name] = Variable(key=name, value=value, protected=self._asked.flag("protected"))
        return _variable(project.variables[name]), 201

    def _change_variable(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        variable = found(project.variables.get(name), "Variable")
        variable.value = str(self._asked.given().get("value", variable.value))
        variable.protected = self._asked.flag("protected", default=variable.protected)
        return _variable(variable)

    def _remove_variable(self, key: str, name: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        found(project.variables.pop(name, None), "Variable")
        return "", 204

    def _triggers(self, key: str) -> Answer:
        project, user = self._asked.seen(key, Role.MAINTAINER)
        return self._asked.page([self._trigger(each, user) for each in project.triggers])

    def _create_trigger(self, key: str) -> Answer:
        project, user = self._asked.seen(key, Role.MAINTAINER)
        (description,) = self._asked.wanted("description")
        secret = f"glptt-{secrets.token_hex(10)}"
        number = self._state.next_id("trigger")
        project.triggers.append(Trigger(id=number, secret=secret, owner=user.id, description=description))
        return self._trigger(project.triggers[-1], user), 201

    def _remove_trigger(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        trigger = found(next((each for each in project.triggers if each.id == number), None), "Trigger")
        project.triggers.remove(trigger)
        return "", 204

    def _trigger(self, each: Trigger, user: User) -> dict[str, Any]:
        """Only its owner sees the whole of it."""
        return {
            "id": each.id,
            "description": each.description,
            "token": each.secret if each.owner == user.id else each.secret[:10],
            "owner": shapes.user(self._state.users[each.owner], self._asked.url),
        }

    def _limits(self) -> Answer:
        self._asked.root()
        return {"ci_pipeline_size": self._state.largest_pipeline}

    def _limit(self) -> Answer:
        self._asked.root()
        if "plan_name" not in self._asked.given():
            raise invalid("plan_name")
        self._state.largest_pipeline = self._asked.whole("ci_pipeline_size", self._state.largest_pipeline)
        return {"ci_pipeline_size": self._state.largest_pipeline}


def _variable(each: Variable) -> dict[str, Any]:
    return {"key": each.key, "value": each.value, "variable_type": "env_var", "protected": each.protected}
