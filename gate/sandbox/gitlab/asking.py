"""What every route of the API needs of a request: who asks, for which project, with what, and which page of a list."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlencode

import flask

from gate.sandbox.gitlab.answers import Refusal, invalid, missing
from gate.sandbox.gitlab.state import GUEST, Project, State, User

Answer = Any
"""What a route gives: JSON, also with a status and headers, or a whole response."""
Routes = Sequence[tuple[str, str, Callable[..., Answer]]]
"""Rule, method, and what answers."""

PROJECT = "/projects/<key>"
LONGEST_PAGE = 100
PAGE = 20


class Asked:
    """The request that is being answered, in the words of GitLab."""

    def __init__(self, state: State, url: str) -> None:
        self.state, self.url = state, url

    def user(self) -> User:
        """Whose token came with it, in either header. Raises `Refusal`."""
        header = flask.request.headers.get("Authorization", "")
        token = flask.request.headers.get("PRIVATE-TOKEN") or header.removeprefix("Bearer ")
        user = self.state.user_of(token)
        if user is None:
            raise Refusal(401, {"message": "401 Unauthorized"})
        return user

    def root(self) -> User:
        """An administrator. Raises `Refusal`."""
        user = self.user()
        if not user.admin:
            raise Refusal(403, {"message": "403 Forbidden"})
        return user

    def at(self, key: str) -> Project | None:
        """By id or path; the web server leaves the encoded slashes of a path as they are."""
        return self.state.find_project(unquote(key))

    def seen(self, key: str, least: int = GUEST) -> tuple[Project, User]:
        """A project, for somebody who may see it at all (else 404) and has the role (else 403). Raises `Refusal`."""
        user, project = self.user(), self.at(key)
        role = project.members.get(user.id, 0) if project else 0
        if project is None or (not role and not user.admin):
            raise missing("Project")
        if role < least and not user.admin:
            raise Refusal(403, {"message": "403 Forbidden"})
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

    def page(self, items: list[Any]) -> Answer:
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
        asked = flask.request.args.to_dict()
        headers["Link"] = ", ".join(
            f'<{base}?{urlencode({**asked, "page": number})}>; rel="{rel}"' for rel, number in links.items()
        )
        return flask.jsonify(items[(page - 1) * size : page * size]), 200, headers
