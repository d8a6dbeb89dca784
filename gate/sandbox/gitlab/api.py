"""The whole server as one WSGI application: the routes of the REST API, git, and the trouble that tests order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import unquote

import flask
from werkzeug.exceptions import HTTPException

from gate.sandbox.gitlab.answers import Refusal
from gate.sandbox.gitlab.asking import Answer, Asked, Route, Routes
from gate.sandbox.gitlab.locks import Locks
from gate.sandbox.gitlab.openid.keys import Keys
from gate.sandbox.gitlab.posting import Posting
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.pushing import Git, Pushes
from gate.sandbox.gitlab.routes.deployments import Deployments
from gate.sandbox.gitlab.routes.elsewhere import Elsewhere
from gate.sandbox.gitlab.routes.environments import Environments
from gate.sandbox.gitlab.routes.freeze_periods import FreezePeriods
from gate.sandbox.gitlab.routes.hooks import Hooks
from gate.sandbox.gitlab.routes.jobs import Jobs
from gate.sandbox.gitlab.routes.merge_requests import MergeRequests
from gate.sandbox.gitlab.routes.notes import Notes
from gate.sandbox.gitlab.routes.oidc import Oidc
from gate.sandbox.gitlab.routes.pipelines import Pipelines
from gate.sandbox.gitlab.routes.projects import Projects
from gate.sandbox.gitlab.routes.repository import Repository
from gate.sandbox.gitlab.routes.status_checks import StatusChecks
from gate.sandbox.gitlab.routes.statuses import Statuses
from gate.sandbox.gitlab.routes.tokens import Tokens
from gate.sandbox.gitlab.routes.troubles import Ordering
from gate.sandbox.gitlab.routes.users import Users
from gate.sandbox.gitlab.running.deploying import Deploying
from gate.sandbox.gitlab.running.runner import Runner
from gate.sandbox.gitlab.state import State
from gate.sandbox.gitlab.trouble import AFTER, ANSWERS, CUT, SLOW, Order, Troubles
from gate.sandbox.gitlab.webhooks.delivering import Webhooks

API = "/api/v4"


class Table(Protocol):
    """One kind of thing with its routes."""

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the routes work with."""

    state: State
    runner: Runner
    progress: Progress
    deploying: Deploying
    webhooks: Webhooks
    locks: Locks
    keys: Keys
    troubles: Troubles


def create_app(parts: Parts, url: str) -> flask.Flask:
    """The application; `url` is where it will be reached."""
    app = flask.Flask("gitlab", static_folder=None)
    app.url_map.merge_slashes = False
    pushes = Pushes(parts.state, parts.runner, parts.progress)
    asked = Asked(parts.state, url)
    for table in _api(parts, asked, pushes):
        _add(app, parts.state, API, table.routes())
    for table in (Oidc(parts.keys, url), Ordering(asked, parts.troubles), Elsewhere()):
        _add(app, parts.state, "", table.routes())
    app.add_url_rule("/<path:name>.git/<path:rest>", "git", Git(parts.state, pushes).answer, methods=["GET", "POST"])
    app.before_request(lambda: _before(parts.troubles))
    app.after_request(lambda response: _after(parts.troubles, response))
    app.register_error_handler(Refusal, lambda error: (flask.jsonify(error.body), error.status))
    app.register_error_handler(HTTPException, _plainly)
    return app


def _api(parts: Parts, asked: Asked, pushes: Pushes) -> Iterable[Table]:
    return (
        Users(asked),
        Tokens(asked),
        Projects(asked),
        Repository(asked, pushes),
        Statuses(asked, Posting(parts.state, parts.progress, parts.locks)),
        Pipelines(asked, parts.runner),
        Jobs(asked, parts.runner),
        MergeRequests(asked, parts.runner, pushes, parts.progress),
        Notes(asked),
        Environments(asked),
        Deployments(asked, parts.deploying, parts.runner),
        FreezePeriods(asked),
        StatusChecks(asked, parts.progress),
        Hooks(asked, parts.webhooks),
    )


def _add(app: flask.Flask, state: State, prefix: str, routes: Routes) -> None:
    for route in routes:
        name = f"{route.method} {route.rule}"
        app.add_url_rule(f"{prefix}{route.rule}", name, _prepared(state, route), methods=[route.method])


def _prepared(state: State, route: Route) -> Callable[..., Answer]:
    """A route sees nothing change while it looks, and nobody sees half of what it does."""

    def answer(**given: object) -> Answer:
        flask.g.job_token = route.job_token
        # The web server leaves the encoded slashes of a path as they are, so that they do not part it.
        plain = {name: unquote(value) if isinstance(value, str) else value for name, value in given.items()}
        if route.unlocked:
            return route.answer(**plain)
        with state.lock:
            return route.answer(**plain)

    return answer


def _plainly(error: HTTPException) -> Answer:
    """What Grape says where there is no route, or none for the method."""
    reason = "Not Allowed" if error.code == 405 else error.name
    return {"error": f"{error.code} {reason}"}, error.code or 500


def _before(troubles: Troubles) -> Answer:
    order = flask.g.trouble = troubles.meets(flask.request.method, flask.request.path)
    return None if order is None or order.trouble in AFTER else _in_trouble(troubles, order)


def _after(troubles: Troubles, response: flask.Response) -> flask.Response:
    order: Order | None = flask.g.get("trouble")
    if order is None or order.trouble not in AFTER:
        return response
    return _in_trouble(troubles, order) or response


def _in_trouble(troubles: Troubles, order: Order) -> flask.Response | None:
    """What comes in place of the answer; nothing for one that only takes its time."""
    if order.trouble in SLOW:
        troubles.wait(order)
        return None
    if order.trouble in CUT:
        flask.request.environ["gitlab.cut"]()
        return flask.Response(status=500)
    told = ANSWERS[order.trouble]
    return flask.Response(told.body, status=told.status, content_type=told.content_type, headers=dict(told.headers))
