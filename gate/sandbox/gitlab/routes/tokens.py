"""Access tokens of people and of projects: made, listed, rotated, revoked."""

from datetime import date, timedelta
from typing import Any

from gate.sandbox.gitlab.answers import Refusal, found, missing, refused, unauthorized
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Project, Role, Token

SCOPES = ("api", "read_api", "read_repository", "write_repository", "self_rotate")
LIFETIME, ROTATED_LIFETIME = timedelta(days=365), timedelta(days=7)
"""How long a token is good unless its end is said, for a new one and for one that comes of a rotation."""
SELF = "self_rotate"


class Tokens:
    """The routes of tokens. A project access token is a bot's: rotating it keeps the bot, making another does not."""

    def __init__(self, asked: Asked) -> None:
        self._asked, self._state = asked, asked.state

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        project = f"{PROJECT}/access_tokens"
        return (
            Route("/users/<int:number>/personal_access_tokens", "POST", self._create_for),
            Route("/personal_access_tokens", "GET", self._own),
            Route("/personal_access_tokens/self", "GET", self._self),
            Route("/personal_access_tokens/self", "DELETE", self._revoke_self),
            Route("/personal_access_tokens/self/rotate", "POST", self._rotate_self),
            Route("/personal_access_tokens/<int:number>", "DELETE", self._revoke_own),
            Route("/personal_access_tokens/<int:number>/rotate", "POST", self._rotate_own),
            Route(project, "GET", self._list),
            Route(project, "POST", self._create),
            Route(f"{project}/self/rotate", "POST", self._rotate_self_in),
            Route(f"{project}/<int:number>", "GET", self._get),
            Route(f"{project}/<int:number>", "DELETE", self._revoke),
            Route(f"{project}/<int:number>/rotate", "POST", self._rotate),
        )

    def _create_for(self, number: int) -> Answer:
        self._asked.root()
        if number not in self._state.users:
            raise missing("User")
        (name,) = self._asked.wanted("name")
        made = self._state.token(number, name=name, scopes=self._scopes(), expires_at=self._end(LIFETIME))
        return self._shape(made, secret=True), 201

    def _own(self) -> Answer:
        user = self._asked.user()
        fitting = [each for each in self._state.tokens if user.admin or each.user == user.id]
        return self._asked.page([self._shape(each) for each in fitting])

    def _self(self) -> Answer:
        return self._shape(self._asked.token(also=SELF))

    def _revoke_self(self) -> Answer:
        self._asked.token(also=SELF).revoked = True
        return "", 204

    def _rotate_self(self) -> Answer:
        return self._rotated(self._asked.token(also=SELF))

    def _revoke_own(self, number: int) -> Answer:
        self._of_user(number).revoked = True
        return "", 204

    def _rotate_own(self, number: int) -> Answer:
        return self._rotated(self._of_user(number))

    def _of_user(self, number: int) -> Token:
        user = self._asked.user()
        token = next((each for each in self._state.tokens if each.id == number), None)
        if token is None or not (user.admin or token.user == user.id):
            raise unauthorized()
        return token

    def _list(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        return self._asked.page([self._shape(each) for each in self._state.tokens if each.project == project.id])

    def _create(self, key: str) -> Answer:
        project, by = self._asked.seen(key, Role.MAINTAINER)
        (name,) = self._asked.wanted("name")
        role = self._asked.role("access_level", Role.MAINTAINER)
        if role > project.role(by):
            raise refused(400, "Cannot create a token with an access level higher than your own")
        scopes, end = self._scopes(), self._end(LIFETIME)
        bot = self._state.user(f"project_{project.id}_bot_{self._state.next_id('bot'):08x}", name, bot=True)
        project.members[bot.id] = role
        made = self._state.token(bot.id, name=name, scopes=scopes, expires_at=end, project=project.id, role=role)
        return self._shape(made, secret=True), 201

    def _get(self, key: str, number: int) -> Answer:
        return self._shape(self._of_project(key, number)[1])

    def _revoke(self, key: str, number: int) -> Answer:
        project, token = self._of_project(key, number)
        token.revoked = True
        project.members.pop(token.user, None)
        return "", 204

    def _rotate(self, key: str, number: int) -> Answer:
        return self._rotated(self._of_project(key, number)[1])

    def _rotate_self_in(self, key: str) -> Answer:
        token, project = self._asked.token(also=SELF), self._asked.at(key)
        if project is None or token.project != project.id:
            raise missing()
        return self._rotated(token)

    def _of_project(self, key: str, number: int) -> tuple[Project, Token]:
        project, _ = self._asked.seen(key, Role.MAINTAINER)
        fitting = (each for each in self._state.tokens if each.project == project.id and each.id == number)
        return project, found(next(fitting, None), "Project Access Token")

    def _rotated(self, token: Token) -> Answer:
        """The old one is good no more; the new one is of the same user and family."""
        if token.revoked:
            raise refused(400, "token already revoked")
        end = self._end(ROTATED_LIFETIME)
        token.revoked = token.rotated = True
        made = self._state.token(
            token.user,
            name=token.name,
            scopes=token.scopes,
            expires_at=end,
            of=token,
            project=token.project,
            role=token.role,
        )
        return self._shape(made, secret=True)

    def _scopes(self) -> tuple[str, ...]:
        scopes = tuple(str(each) for each in self._asked.listed("scopes"))
        if not scopes:
            raise Refusal(400, {"error": "scopes is missing"})
        if strange := set(scopes) - set(SCOPES):
            raise refused(400, {"scopes": [f"can only contain available scopes, not {', '.join(sorted(strange))}"]})
        return scopes

    def _end(self, lifetime: timedelta) -> str:
        given, today = self._asked.given().get("expires_at"), self._state.clock().date()
        if not given:
            return str(today + lifetime)
        try:
            end = date.fromisoformat(str(given))
        except ValueError:
            raise Refusal(400, {"error": "expires_at is invalid"}) from None
        if end < today:
            raise refused(400, {"expires_at": ["can't be in the past"]})
        return str(end)

    def _shape(self, token: Token, *, secret: bool = False) -> dict[str, Any]:
        shown: dict[str, Any] = {
            "id": token.id,
            "name": token.name,
            "revoked": token.revoked,
            "created_at": token.created_at,
            "scopes": list(token.scopes),
            "user_id": token.user,
            "last_used_at": token.last_used_at,
            "active": not token.revoked and not self._state.expired(token),
            "expires_at": token.expires_at,
        }
        if token.project is not None:
            shown |= {"access_level": token.role, "resource_type": "project", "resource_id": token.project}
        return shown | ({"token": token.secret} if secret else {})
