"""Users, groups and their members."""

import flask

from gate.sandbox.gitlab import shapes
from gate.sandbox.gitlab.answers import forbidden, found, missing, refused
from gate.sandbox.gitlab.asking import Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Group, Role
from gate.sandbox.gitlab.webhooks.delivering import AGENT


class Users:
    """The routes of users and groups; only an administrator makes users."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._state = asked, asked.state

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            Route("/version", "GET", self._version),
            Route("/user", "GET", self._me),
            Route("/users", "GET", self._users),
            Route("/users", "POST", self._create),
            Route("/users/<int:number>", "GET", self._user),
            Route("/groups", "GET", self._groups),
            Route("/groups", "POST", self._create_group),
            Route("/groups/<key>/members", "GET", self._members),
            Route("/groups/<key>/members", "POST", self._add_member),
            Route("/groups/<key>", "GET", self._group),
        )

    def _version(self) -> Answer:
        self._asked.user()
        return {"version": AGENT.partition("/")[2], "revision": "sandbox"}

    def _me(self) -> Answer:
        user = self._asked.user()
        return {**shapes.user(user, self._asked.url), "email": user.email, "bot": user.bot, "is_admin": user.admin}

    def _users(self) -> Answer:
        self._asked.user()
        wanted = flask.request.args.get("username")
        fitting = [each for each in self._state.users.values() if wanted in {None, each.username}]
        return self._asked.page([shapes.user(each, self._asked.url) for each in fitting])

    def _user(self, number: int) -> Answer:
        self._asked.user()
        return shapes.user(found(self._state.users.get(number), "User"), self._asked.url)

    def _create(self) -> Answer:
        self._asked.root()
        username, name = self._asked.wanted("username", "name")
        given = self._asked.given()
        if any(each.username == username for each in self._state.users.values()):
            raise refused(409, "Username has already been taken")
        made = self._state.user(username, name, email=str(given.get("email") or ""), admin=self._asked.flag("admin"))
        return shapes.user(made, self._asked.url), 201

    def _groups(self) -> Answer:
        user = self._asked.user()
        fitting = [each for each in self._state.groups if user.admin or user.id in each.members]
        return self._asked.page([self._shape(each) for each in fitting])

    def _create_group(self) -> Answer:
        user = self._asked.user()
        path, name = self._asked.wanted("path", "name")
        if parent := self._asked.given().get("parent_id"):
            path = f"{found(self._state.find_group(str(parent)), 'Group').path}/{path}"
        if self._state.find_group(path):
            raise refused(400, 'Failed to save group {:path=>["has already been taken"]}')
        return self._shape(self._state.group(path, name, user.id)), 201

    def _group(self, key: str) -> Answer:
        return self._shape(self._seen(key, Role.GUEST))

    def _members(self, key: str) -> Answer:
        group = self._seen(key, Role.GUEST)
        shown = [
            {**shapes.user(self._state.users[user], self._asked.url), "access_level": role}
            for user, role in group.members.items()
        ]
        return self._asked.page(shown)

    def _add_member(self, key: str) -> Answer:
        group = self._seen(key, Role.OWNER)
        user = found(self._state.users.get(self._asked.whole("user_id")), "User")
        if user.id in group.members:
            raise refused(409, "Member already exists")
        group.members[user.id] = self._asked.role("access_level")
        return {**shapes.user(user, self._asked.url), "access_level": group.members[user.id]}, 201

    def _seen(self, key: str, least: Role) -> Group:
        user, group = self._asked.user(), self._state.find_group(key)
        role = Role.OWNER if user.admin else group.members.get(user.id, Role.NOBODY) if group else Role.NOBODY
        if group is None or not role:
            raise missing("Group")
        if role < least:
            raise forbidden()
        return group

    def _shape(self, group: Group) -> Answer:
        return {
            "id": group.id,
            "name": group.name,
            "path": group.path.rpartition("/")[2],
            "full_path": group.path,
            "web_url": f"{self._asked.url}/groups/{group.path}",
        }
