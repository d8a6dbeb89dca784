"""What a push is: git over HTTP with its rights, and what follows when a branch or a tag has moved."""

from contextlib import suppress

import flask

from gate.sandbox.gitlab import hosting
from gate.sandbox.gitlab.answers import missing
from gate.sandbox.gitlab.asking import Answer
from gate.sandbox.gitlab.model import Project, Role, Setting, User
from gate.sandbox.gitlab.permissions import may_push
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.running.creating import Cause, NotCreated
from gate.sandbox.gitlab.running.runner import Runner
from gate.sandbox.gitlab.state import State
from gate.sandbox.gitlab.webhooks.payloads import NOTHING

RECEIVE = "git-receive-pack"


class Pushes:
    """What every way to move a branch has in common."""

    def __init__(self, state: State, runner: Runner, progress: Progress) -> None:
        self._state, self._runner, self._progress = state, runner, progress

    def pushed(self, project: Project, user: User, *, ref: str, before: str, after: str) -> None:
        """A ref moved; an empty id stands for nothing. Hooks hear of it, and a pipeline begins where one is wanted."""
        with self._state.lock:
            self._progress.pushed(project, user, ref=ref, before=before or NOTHING, after=after or NOTHING)
        if not after or not project.settings[Setting.JOBS]:
            return
        tag = ref.startswith("refs/tags/")
        cause = Cause(
            sha=after,
            ref=ref.removeprefix("refs/tags/" if tag else "refs/heads/"),
            source="push",
            user=user.id,
            tag=tag,
            before_sha=before or NOTHING,
        )
        with suppress(NotCreated):  # a commit without a file, or with none for pushes, is not a mistake
            self._runner.create(project, cause)


class Git:
    """The address `/<project>.git` and what is below it."""

    def __init__(self, state: State, pushes: Pushes) -> None:
        self._state, self._pushes = state, pushes

    def answer(self, name: str, rest: str) -> Answer:
        """One request of a git client. The lock is not held while git works."""
        project = self._state.find_project(name)
        if project is None:
            raise missing("Project")
        if RECEIVE not in (rest, flask.request.args.get("service")):
            return _served(project, rest, ())
        authorization = flask.request.authorization
        user = self._state.user_of((authorization.password if authorization else "") or "")
        if user is None:
            why = "a token as password is needed to push"
            return flask.Response(why, 401, {"WWW-Authenticate": 'Basic realm="GitLab"'})
        if project.role(user) < Role.DEVELOPER:
            return flask.Response("You are not allowed to push code to this project.", 403)
        return self._received(project, rest, user)

    def _received(self, project: Project, rest: str, user: User) -> flask.Response:
        before = _refs(project)
        closed = [each.name for each in project.protected_branches if not may_push(project, user, each.name)]
        response = _served(project, rest, closed)
        after = _refs(project)
        for ref in sorted(before.keys() | after.keys()):
            if before.get(ref) != after.get(ref):
                self._pushes.pushed(project, user, ref=ref, before=before.get(ref, ""), after=after.get(ref, ""))
        return response


def _refs(project: Project) -> dict[str, str]:
    branches, tags = hosting.branches(project.repository), hosting.tags(project.repository)
    return {f"refs/heads/{name}": sha for name, sha in branches.items()} | {
        f"refs/tags/{name}": sha for name, sha in tags.items()
    }


def _served(project: Project, rest: str, closed: list[str] | tuple[str, ...]) -> flask.Response:
    request = flask.request
    given = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string.decode(),
        "CONTENT_TYPE": request.content_type or "",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
        hosting.CLOSED: " ".join(closed),
    }
    path = f"/{project.repository.name}/{rest}"
    status, headers, body = hosting.serve(project.repository.parent, path, given, request.get_data())
    return flask.Response(body, status, headers)
