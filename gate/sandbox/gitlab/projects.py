"""Users, tokens and projects, as the API makes and shows them."""

import secrets

from gate.sandbox.gitlab import hosting, shapes
from gate.sandbox.gitlab.answers import Refusal, invalid, missing
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Routes
from gate.sandbox.gitlab.state import MAINTAINER, ROLES


class Projects:
    """The routes of users and projects."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            ("/version", "GET", self._version),
            ("/user", "GET", self._me),
            ("/users", "POST", self._create_user),
            ("/users/<int:number>/personal_access_tokens", "POST", self._create_token),
            ("/projects", "POST", self._create_project),
            (PROJECT, "GET", self._project),
            (f"{PROJECT}/members", "POST", self._add_member),
            (f"{PROJECT}/variables", "POST", self._add_variable),
            (f"{PROJECT}/protected_branches", "POST", self._protect),
            (f"{PROJECT}/triggers", "POST", self._create_trigger),
        )

    def _version(self) -> Answer:
        self._asked.user()
        return {"version": "18.5.0", "revision": "sandbox"}

    def _me(self) -> Answer:
        return shapes.user(self._asked.user())

    def _create_user(self) -> Answer:
        self._asked.root()
        username, name = self._asked.wanted("username", "name")
        if any(each.username == username for each in self._asked.state.users.values()):
            raise Refusal(409, {"message": "Username has already been taken"})
        return shapes.user(self._asked.state.user(username, name)), 201

    def _create_token(self, number: int) -> Answer:
        self._asked.root()
        if number not in self._asked.state.users:
            raise missing("User")
        token = f"glpat-{secrets.token_hex(10)}"
        self._asked.state.tokens[token] = number
        return {"id": self._asked.state.next_id("token"), "user_id": number, "token": token, "active": True}, 201

    def _create_project(self) -> Answer:
        """A group is made with the first project in it: `namespace_path` is the one thing that a real one lacks."""
        user, given = self._asked.user(), self._asked.given()
        (path,) = self._asked.wanted("path")
        full = f"{given.get('namespace_path') or user.username}/{path}"
        if self._asked.state.find_project(full):
            raise Refusal(400, {"message": {"path": ["has already been taken"]}})
        made = self._asked.state.project(full, hosting.make, user.id)
        return shapes.project(made, self._asked.url), 201

    def _project(self, key: str) -> Answer:
        return shapes.project(self._asked.seen(key)[0], self._asked.url)

    def _add_member(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, MAINTAINER)
        user, level = (int(text) if text.isdecimal() else 0 for text in self._asked.wanted("user_id", "access_level"))
        if user not in self._asked.state.users:
            raise missing("User")
        if level not in ROLES:
            raise invalid("access_level")
        project.members[user] = level
        return {**shapes.user(self._asked.state.users[user]), "access_level": level}, 201

    def _add_variable(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, MAINTAINER)
        name, value = self._asked.wanted("key", "value")
        project.variables[name] = value
        return {"key": name, "value": value, "variable_type": "env_var"}, 201

    def _protect(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, MAINTAINER)
        (name,) = self._asked.wanted("name")
        project.protected.add(name)
        return {"name": name}, 201

    def _create_trigger(self, key: str) -> Answer:
        project, user = self._asked.seen(key, MAINTAINER)
        token = f"glptt-{secrets.token_hex(10)}"
        project.triggers[token] = user.id
        return {"id": self._asked.state.next_id("trigger"), "token": token}, 201
