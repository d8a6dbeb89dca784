"""Git over HTTP: anybody fetches, a token pushes, and a changed branch starts a pipeline."""

import flask

from gate.sandbox.gitlab import hosting
from gate.sandbox.gitlab.answers import missing
from gate.sandbox.gitlab.asking import Answer
from gate.sandbox.gitlab.runner import Runner
from gate.sandbox.gitlab.state import Project, State, User

RECEIVE = "git-receive-pack"


class Git:
    """The address `/<project>.git` and what is below it."""

    def __init__(self, state: State, runner: Runner) -> None:
        self._state, self._runner = state, runner

    def answer(self, path: str) -> Answer:
        """One request of a git client. The lock is not held while git works."""
        name, _, rest = path.partition(".git/")
        project = self._state.find_project(name)
        if project is None or not rest:
            raise missing("Project")
        if RECEIVE not in (rest, flask.request.args.get("service")):
            return _served(project, rest)
        authorization = flask.request.authorization
        user = self._state.user_of((authorization.password if authorization else "") or "")
        if user is None:
            why = "a token as password is needed to push"
            return flask.Response(why, 401, {"WWW-Authenticate": 'Basic realm="GitLab"'})
        return self._received(project, rest, user)

    def _received(self, project: Project, rest: str, user: User) -> flask.Response:
        before = hosting.branches(project.repository)
        response = _served(project, rest)
        for branch, sha in hosting.branches(project.repository).items():
            if before.get(branch) != sha:
                self._runner.create(project, sha=sha, ref=branch, source="push", user=user.id, variables={})
        return response


def _served(project: Project, rest: str) -> flask.Response:
    request = flask.request
    given = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string.decode(),
        "CONTENT_TYPE": request.content_type or "",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    path = f"/{project.repository.name}/{rest}"
    status, headers, body = hosting.serve(project.repository.parent, path, given, request.get_data())
    return flask.Response(body, status, headers)
