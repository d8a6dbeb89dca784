"""What every route of the API needs of a request: who asks, for which project, with what, and which page of a list."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

import flask

from gate.sandbox.gitlab.answers import Refusal, forbidden, invalid, missing, refused, unauthorized
from gate.sandbox.gitlab.model import Project, Role, Token, User
from gate.sandbox.gitlab.state import State

Answer = Any
"""What a route gives: JSON, also with a status and headers, or a whole response."""


class Route(NamedTuple):
    """One line of a table of routes: what is asked, how, and who answers it."""

    rule: str
    method: str
    answer: Callable[..., Answer]
    job_token: bool = False
    """A running job may ask with its own token."""
    unlocked: bool = False
    """It takes the state's lock itself, because it waits for something else first."""


Routes = Sequence[Route]

PROJECT = "/projects/<key>"
LONGEST_PAGE = 100
PAGE = 20
TRUE, FALSE = frozenset({True, "true", "1"}), frozenset({False, "false", "0"})
READING = frozenset({"GET", "HEAD"})


class Asked:
    """The request that is being answered, in the words of GitLab."""

    def __init__(self, state: State, url: str) -> None:
        self.state, self.url = state, url

    def user(self) -> User:
        """Whose token came with it, in any of the headers. Raises `Refusal`."""
        headers = flask.request.headers
        if "JOB-TOKEN" in headers:
            return self._job_user(headers["JOB-TOKEN"])
        return self.state.users[self.token().user]

    def token(self, also: str = "") -> Token:
        """The access token that came with it; its scope has to be enough, or be `also`. Raises `Refusal`."""
        header = flask.request.headers.get("Authorization", "")
        secret = flask.request.headers.get("PRIVATE-TOKEN") or header.removeprefix("Bearer ")
        token = self.state.find_token(secret)
        if token is None:
            raise unauthorized()
        if token.rotated:
            # Somebody has kept a token that was replaced: whoever it is, no token of this family is safe any more.
            for each in self.state.tokens:
                each.revoked = each.revoked or each.family == token.family
        if token.revoked:
            raise _bad_token("Token was revoked. You have to re-authorize from the user.")
        if self.state.expired(token):
            raise _bad_token("Token is expired. You can either do re-authorization or token refresh.")
        enough = {"api", "read_api", also} if flask.request.method in READING else {"api", also}
        if not enough & set(token.scopes):
            raise Refusal(
                403,
                {
                    "error": "insufficient_scope",
                    "error_description": "The request requires higher privileges than provided by the access token.",
                    "scope": " ".join(sorted(enough - {""})),
                },
            )
        token.last_used_at = self.state.now()
        return token

    def _job_user(self, secret: str) -> User:
        job = self.state.job_tokens.get(secret)
        if job is None or not flask.g.get("job_token"):
            raise unauthorized()
        return self.state.users[job[1]]

    def root(self) -> User:
        """An administrator. Raises `Refusal`."""
        user = self.user()
        if not user.admin:
            raise forbidden()
        return user

    def at(self, key: str) -> Project | None:
        """By id or path."""
        return self.state.find_project(key)

    def seen(self, key: str, least: Role = Role.GUEST) -> tuple[Project, User]:
        """A project, for somebody who may see it at all (else 404) and has the role (else 403). Raises `Refusal`."""
        user, project = self.user(), self.at(key)
        role = project.role(user) if project else Role.NOBODY
        if project is None or (not role and project.visibility == "private"):
            raise missing("Project")
        job = self.state.job_tokens.get(flask.request.headers.get("JOB-TOKEN", ""))
        if job and job[0] is not project:
            raise refused(403, f"Authentication by CI/CD job token not allowed from {job[0].path} to {project.path}.")
        if role < least and not (project.visibility != "private" and least <= Role.REPORTER):
            raise forbidden()
        return project, user

    def given(self) -> Mapping[str, Any]:
        """The parameters, from JSON or a form."""
        body = flask.request.get_json(silent=True)
        return body if isinstance(body, dict) else flask.request.values.to_dict()

    def wanted(self, *names: str) -> list[str]:
        """Parameters that have to be there. Raises `Refusal`."""
        given = self.given()
        absent = [f"{name} is missing" for name in names if given.get(name) in (None, "")]
        if absent:
            raise Refusal(400, {"error": ", ".join(absent)})
        return [str(given[name]) for name in names]

    def listed(self, name: str) -> list[Any]:
        """A parameter that is a list: of JSON, of a form that repeats `name[]`, or of text with commas."""
        given = self.given().get(name)
        if given is None:
            return list(flask.request.values.getlist(f"{name}[]"))
        return given if isinstance(given, list) else [each for each in str(given).split(",") if each]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """A parameter that is yes or no. Raises `Refusal`."""
        given = self.given().get(name, default)
        if given in TRUE:
            return True
        if given in FALSE:
            return False
        raise Refusal(400, {"error": f"{name} is invalid"})

    def whole(self, name: str, default: int | None = None) -> int:
        """A parameter that is a whole number. Raises `Refusal`."""
        given = self.given().get(name, default)
        if given in (None, ""):
            raise Refusal(400, {"error": f"{name} is missing"})
        try:
            return int(str(given))
        except ValueError:
            raise Refusal(400, {"error": f"{name} is invalid"}) from None

    def chosen(self, name: str, values: Sequence[str], default: str = "") -> str:
        """A parameter that has one of these values. Raises `Refusal`."""
        given = str(self.given().get(name) or default)
        if not given:
            raise Refusal(400, {"error": f"{name} is missing, {name} does not have a valid value"})
        if given not in values:
            raise invalid(name)
        return given

    def role(self, name: str, default: Role | None = None) -> Role:
        """A parameter that is an access level. Raises `Refusal`."""
        level = self.whole(name, default)
        if level not in set(Role):
            raise invalid(name)
        return Role(level)

    def number(self, name: str, default: int) -> int:
        """A number in the address. Raises `Refusal`."""
        try:
            return int(flask.request.args.get(name, default))
        except ValueError:
            raise Refusal(400, {"error": f"{name} is invalid"}) from None

    def order(self, *fields: str, descending: bool) -> tuple[str, bool]:
        """`order_by`, one of these fields and by default the first, and whether the list is turned around."""
        order = flask.request.args.get("order_by", fields[0])
        sort = flask.request.args.get("sort", "desc" if descending else "asc")
        if order not in fields:
            raise invalid("order_by")
        if sort not in ("asc", "desc"):
            raise invalid("sort")
        return order, sort == "desc"

    def page(self, items: Sequence[Any]) -> Answer:
        """One page of a list, with the headers that say where the others are."""
        page = max(1, self.number("page", 1))
        size = min(LONGEST_PAGE, max(1, self.number("per_page", PAGE)))
        last = max(1, -(-len(items) // size))
        headers = {
            "x-page": str(page),
            "x-per-page": str(size),
            "x-total": str(len(items)),
            "x-total-pages": str(last),
            "x-next-page": str(page + 1) if page < last else "",
            "x-prev-page": str(page - 1) if page > 1 else "",
        }
        links = {"first": 1, "last": last}
        if page > 1:
            links["prev"] = page - 1
        if page < last:
            links["next"] = page + 1
        # As it was asked for: a decoded path would lose the slashes of the project's.
        base = f"{self.url}{flask.request.environ['REQUEST_URI'].partition('?')[0]}"
        asked = [
            (name, value) for name, value in flask.request.args.items(multi=True) if name not in {"page", "per_page"}
        ]
        headers["Link"] = ", ".join(
            f'<{base}?{urlencode([*asked, ("page", number), ("per_page", size)])}>; rel="{rel}"'
            for rel, number in links.items()
        )
        return flask.jsonify(items[(page - 1) * size : page * size]), 200, headers


def _bad_token(why: str) -> Refusal:
    return Refusal(401, {"error": "invalid_token", "error_description": why})
