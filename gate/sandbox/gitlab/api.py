"""The whole server as one WSGI application: the routes of the REST API, git, and the trouble that tests order."""

from collections.abc import Callable

import flask
from werkzeug.exceptions import HTTPException

from gate.sandbox.gitlab.answers import Refusal
from gate.sandbox.gitlab.asking import Answer, Asked
from gate.sandbox.gitlab.commits import Commits
from gate.sandbox.gitlab.deployments import Deployments
from gate.sandbox.gitlab.pipelines import Pipelines
from gate.sandbox.gitlab.projects import Projects
from gate.sandbox.gitlab.pushing import Git
from gate.sandbox.gitlab.runner import Runner
from gate.sandbox.gitlab.state import State
from gate.sandbox.gitlab.trouble import AFTER, ANSWERS, CUT, Trouble, Troubles

API = "/api/v4"


def create_app(state: State, runner: Runner, troubles: Troubles, url: str) -> flask.Flask:
    """The application; `url` is where it will be reached."""
    app = flask.Flask("gitlab", static_folder=None)
    app.url_map.merge_slashes = False
    asked = Asked(state, url)
    for room in (Projects(asked), Commits(asked, runner), Pipelines(asked, runner), Deployments(asked)):
        for rule, method, answer in room.routes():
            app.add_url_rule(f"{API}{rule}", f"{method} {rule}", _locked(state, answer), methods=[method])
    app.add_url_rule("/<path:path>", "git", Git(state, runner).answer, methods=["GET", "POST"])
    app.before_request(lambda: _before(troubles))
    app.after_request(_after)
    app.register_error_handler(Refusal, lambda error: (flask.jsonify(error.body), error.status))
    app.register_error_handler(
        HTTPException, lambda error: ({"error": f"{error.code} {error.name}"}, error.code or 500)
    )
    return app


def _locked(state: State, answer: Callable[..., Answer]) -> Callable[..., Answer]:
    """A route sees nothing change while it looks, and nobody sees half of what it does."""

    def locked(**given: object) -> Answer:
        with state.lock:
            return answer(**given)

    return locked


def _before(troubles: Troubles) -> Answer:
    trouble = troubles.meets(flask.request.method, flask.request.path)
    flask.g.trouble = trouble
    return None if trouble is None or trouble in AFTER else _in_trouble(trouble)


def _after(response: flask.Response) -> flask.Response:
    trouble: Trouble | None = flask.g.get("trouble")
    return _in_trouble(trouble) if trouble in AFTER and trouble is not None else response


def _in_trouble(trouble: Trouble) -> flask.Response:
    if trouble in CUT:
        flask.request.environ["gitlab.cut"]()
        return flask.Response(status=500)
    status, content_type, body = ANSWERS[trouble]
    headers = {"Retry-After": "1"} if trouble is Trouble.TOO_MANY else {}
    return flask.Response(body, status=status, content_type=content_type, headers=headers)
