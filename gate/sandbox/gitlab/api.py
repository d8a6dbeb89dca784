"""The REST API: from requests to the state, and back in GitLab's shapes."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode

import flask
from werkzeug.exceptions import HTTPException

from gate.sandbox.gitlab import hosting, shapes
from gate.sandbox.gitlab.answers import Refusal, missing
from gate.sandbox.gitlab.hosting import Action, BadAction, Verb
from gate.sandbox.gitlab.posting import post_status
from gate.sandbox.gitlab.runner import Runner
from gate.sandbox.gitlab.state import DEVELOPER, GUEST, REPORTER, Deployment, Pipeline, Project, Row, State, User
from gate.sandbox.gitlab.trouble import AFTER, ANSWERS, CUT, Trouble, Troubles

T = TypeVar("T")
Answer = Any
API = "/api/v4"
LONGEST_PAGE = 100


def create_app(state: State, runner: Runner, troubles: Troubles, url: str) -> flask.Flask:
    """The whole server as one WSGI application."""
    app = flask.Flask("gitlab", static_folder=None)
    app.url_map.merge_slashes = False
    api = _Api(state, runner, url)
    for rule, method, answer in api.routes():
        app.add_url_rule(f"{API}{rule}", f"{method} {rule}", answer, methods=[method])
    app.add_url_rule("/<path:path>", "git", lambda path: _git(state, runner, path), methods=["GET", "POST"])
    app.before_request(lambda: _before(troubles))
    app.after_request(_after)
    app.register_error_handler(Refusal, lambda error: (flask.jsonify(error.body), error.status))
    app.register_error_handler(
        HTTPException, lambda error: ({"error": f"{error.code} {error.name}"}, error.code or 500)
    )
    return app


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


def _git(state: State, runner: Runner, path: str) -> Answer:
    """A request of git for one of the repositories."""
    name, _, rest = path.partition(".git/")
    project = state.find_project(name)
    if project is None or not rest:
        raise missing("Project")
    request = flask.request
    pushing = "git-receive-pack" in (rest, request.args.get("service", ""))
    user = _user(state, request.authorization.password or "" if request.authorization else "")
    if pushing and user is None:
        return flask.Response(
            "a token as password is needed to push", 401, {"WWW-Authenticate": 'Basic realm="GitLab"'}
        )
    before = hosting.branches(project.repository)
    given = {
        "REQUEST_METHOD": request.method,
        "QUERY_STRING": request.query_string.decode(),
        "CONTENT_TYPE": request.content_type or "",
        "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
        "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
    }
    status, headers, body = hosting.serve(
        project.repository.parent, f"/{project.repository.name}/{rest}", given, request.get_data()
    )
    if user and request.method == "POST" and pushing:
        for branch, sha in hosting.branches(project.repository).items():
            if before.get(branch) != sha:
                runner.create(project, sha=sha, ref=branch, source="push", user=user.id, variables={})
    return flask.Response(body, status, headers)


def _user(state: State, token: str) -> User | None:
    number = state.tokens.get(token)
    return state.users[number] if number else None


class _Api:
    """One method for each route; each holds the lock for as long as it looks or changes."""

    def __init__(self, state: State, runner: Runner, url: str) -> None:
        self._state, self._runner, self._url = state, runner, url

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Answer]]]:
        project = "/projects/<key>"
        table: Sequence[tuple[str, str, Callable[..., Answer]]] = (
            ("/version", "GET", self._version),
            ("/user", "GET", self._me),
            ("/users", "POST", self._create_user),
            ("/users/<int:number>/personal_access_tokens", "POST", self._create_token),
            ("/projects", "POST", self._create_project),
            (project, "GET", self._project),
            (f"{project}/members", "POST", self._add_member),
            (f"{project}/variables", "POST", self._add_variable),
            (f"{project}/protected_branches", "POST", self._protect),
            (f"{project}/triggers", "POST", self._create_trigger),
            (f"{project}/repository/commits", "POST", self._commit),
            (f"{project}/repository/commits/<sha>", "GET", self._get_commit),
            (f"{project}/repository/commits/<sha>/statuses", "GET", self._statuses),
            (f"{project}/statuses/<sha>", "POST", self._post_status),
            (f"{project}/pipeline", "POST", self._create_pipeline),
            (f"{project}/trigger/pipeline", "POST", self._trigger),
            (f"{project}/pipelines", "GET", self._pipelines),
            (f"{project}/pipelines/<int:number>", "GET", self._pipeline),
            (f"{project}/pipelines/<int:number>/jobs", "GET", self._jobs),
            (f"{project}/pipelines/<int:number>/cancel", "POST", self._cancel),
            (f"{project}/jobs/<int:number>", "GET", self._job),
            (f"{project}/jobs/<int:number>/trace", "GET", self._trace),
            (f"{project}/jobs/<int:number>/play", "POST", self._play),
            (f"{project}/jobs/<int:number>/cancel", "POST", self._cancel_job),
            (f"{project}/deployments", "GET", self._deployments),
            (f"{project}/deployments", "POST", self._create_deployment),
            (f"{project}/deployments/<int:number>", "GET", self._deployment),
            (f"{project}/environments", "GET", self._environments),
        )
        return [(rule, method, self._locked(answer)) for rule, method, answer in table]

    def _locked(self, answer: Callable[..., Answer]) -> Callable[..., Answer]:
        def locked(**given: Any) -> Answer:
            with self._state.lock:
                return answer(**given)

        return locked

    # ---------------------------------------------------------------------------------------- who asks, and for what

    def _asker(self) -> User:
        header = flask.request.headers.get("Authorization", "")
        token = flask.request.headers.get("PRIVATE-TOKEN") or header.removeprefix("Bearer ")
        user = _user(self._state, token)
        if user is None:
            raise Refusal(401, {"message": "401 Unauthorized"})
        return user

    def _root(self) -> User:
        user = self._asker()
        if not user.admin:
            raise Refusal(403, {"message": "403 Forbidden"})
        return user

    def _at(self, key: str) -> Project | None:
        """By id or path; the web server leaves the encoded slashes of a path as they are."""
        return self._state.find_project(unquote(key))

    def _seen(self, key: str, least: int = GUEST) -> tuple[Project, User]:
        """A project, for somebody who may see it at all (else 404) and has the role (else 403)."""
        user, project = self._asker(), self._at(key)
        role = project.members.get(user.id, 0) if project else 0
        if project is None or (not role and not user.admin):
            raise missing("Project")
        if role < least and not user.admin:
            raise Refusal(403, {"message": "403 Forbidden"})
        return project, user

    def _given(self) -> Mapping[str, Any]:
        body = flask.request.get_json(silent=True)
        return body if isinstance(body, dict) else flask.request.values.to_dict()

    def _wanted(self, given: Mapping[str, Any], *names: str) -> list[str]:
        absent = [f"{name} is missing" for name in names if given.get(name) in {None, ""}]
        if absent:
            raise Refusal(400, {"error": ", ".join(absent)})
        return [str(given[name]) for name in names]

    # ------------------------------------------------------------------------------------------------ users, projects

    def _version(self) -> Answer:
        self._asker()
        return {"version": "18.5.0", "revision": "sandbox"}

    def _me(self) -> Answer:
        return shapes.user(self._asker())

    def _create_user(self) -> Answer:
        self._root()
        username, name = self._wanted(self._given(), "username", "name")
        if any(each.username == username for each in self._state.users.values()):
            raise Refusal(409, {"message": "Username has already been taken"})
        return shapes.user(self._state.user(username, name)), 201

    def _create_token(self, number: int) -> Answer:
        self._root()
        if number not in self._state.users:
            raise missing("User")
        token = f"glpat-{secrets.token_hex(10)}"
        self._state.tokens[token] = number
        return {"id": self._state.next_id("token"), "user_id": number, "token": token, "active": True}, 201

    def _create_project(self) -> Answer:
        """A group is made with the first project in it: `namespace_path` is the one thing that a real one lacks."""
        user, given = self._asker(), self._given()
        (path,) = self._wanted(given, "path")
        full = f"{given.get('namespace_path') or user.username}/{path}"
        if self._state.find_project(full):
            raise Refusal(400, {"message": {"path": ["has already been taken"]}})
        made = self._state.project(full, hosting.make, user.id)
        return shapes.project(made, self._url), 201

    def _project(self, key: str) -> Answer:
        return shapes.project(self._seen(key)[0], self._url)

    def _add_member(self, key: str) -> Answer:
        project, _ = self._seen(key)
        user, level = (int(text) for text in self._wanted(self._given(), "user_id", "access_level"))
        project.members[user] = level
        return {**shapes.user(self._state.users[user]), "access_level": level}, 201

    def _add_variable(self, key: str) -> Answer:
        project, _ = self._seen(key)
        name, value = self._wanted(self._given(), "key", "value")
        project.variables[name] = value
        return {"key": name, "value": value, "variable_type": "env_var"}, 201

    def _protect(self, key: str) -> Answer:
        project, _ = self._seen(key)
        (name,) = self._wanted(self._given(), "name")
        project.protected.add(name)
        return {"name": name}, 201

    def _create_trigger(self, key: str) -> Answer:
        project, user = self._seen(key)
        token = f"glptt-{secrets.token_hex(10)}"
        project.triggers[token] = user.id
        return {"id": self._state.next_id("trigger"), "token": token}, 201

    # ------------------------------------------------------------------------------------------ commits and statuses

    def _commit(self, key: str) -> Answer:
        project, user = self._seen(key, DEVELOPER)
        given = self._given()
        branch, message = self._wanted(given, "branch", "commit_message")
        try:
            sha = hosting.commit(project.repository, branch, message, _actions(given.get("actions") or []))
        except BadAction as error:
            raise Refusal(400, {"message": str(error)}) from error
        self._runner.create(project, sha=sha, ref=branch, source="push", user=user.id, variables={})
        return {"id": sha, "short_id": sha[:8], "title": message.splitlines()[0]}, 201

    def _get_commit(self, key: str, sha: str) -> Answer:
        project, _ = self._seen(key)
        full = self._full(project, sha)
        newest = next((each for each in reversed(project.pipelines) if each.sha == full), None)
        return {
            "id": full,
            "short_id": full[:8],
            "title": hosting.title(project.repository, full),
            "last_pipeline": shapes.pipeline(newest, project, self._url) if newest else None,
        }

    def _full(self, project: Project, sha: str) -> str:
        full = hosting.resolve(project.repository, sha)
        if not full:
            raise missing("Commit")
        return full

    def _statuses(self, key: str, sha: str) -> Answer:
        project, _ = self._seen(key, REPORTER)
        self._full(project, sha)
        asked = flask.request.args
        order = asked.get("order_by", "id")
        if order not in {"id", "pipeline_id"}:
            raise Refusal(400, {"error": "order_by does not have a valid value"})
        rows = [
            row
            for pipeline in project.pipelines
            if pipeline.sha == sha and asked.get("pipeline_id") in {None, str(pipeline.id)}
            for row in pipeline.rows
            if (not row.retried or asked.get("all") in {"1", "true"})
            and all(asked.get(field) in {None, getattr(row, field)} for field in ("name", "stage", "ref"))
        ]
        rows.sort(
            key=lambda row: (row.pipeline if order == "pipeline_id" else 0, row.id), reverse=asked.get("sort") == "desc"
        )
        return self._page([shapes.status(row, self._state) for row in rows])

    def _post_status(self, key: str, sha: str) -> Answer:
        project, user = self._seen(key)
        return shapes.status(post_status(self._state, project, sha, self._given(), user), self._state), 201

    # -------------------------------------------------------------------------------------------- pipelines and jobs

    def _create_pipeline(self, key: str) -> Answer:
        project, user = self._seen(key, DEVELOPER)
        (ref,) = self._wanted(self._given(), "ref")
        return self._new_pipeline(project, ref, "api", user.id, {})

    def _trigger(self, key: str) -> Answer:
        project, given = self._at(key), self._given()
        token, ref = self._wanted(given, "token", "ref")
        if project is None or token not in project.triggers:
            raise missing("Project" if project is None else "Not")
        variables = given.get("variables") or {
            name[len("variables[") : -1]: value for name, value in given.items() if name.startswith("variables[")
        }
        return self._new_pipeline(project, ref, "trigger", project.triggers[token], variables)

    def _new_pipeline(self, project: Project, ref: str, source: str, user: int, variables: dict[str, str]) -> Answer:
        sha = hosting.resolve(project.repository, ref)
        if not sha:
            raise Refusal(400, {"message": {"base": ["Reference not found"]}})
        made = self._runner.create(project, sha=sha, ref=ref, source=source, user=user, variables=variables)
        if made is None:
            raise Refusal(400, {"message": {"base": ["Missing CI config file"]}})
        return shapes.pipeline(made, project, self._url), 201

    def _pipelines(self, key: str) -> Answer:
        project, _ = self._seen(key, REPORTER)
        asked = flask.request.args
        fields = ("sha", "ref", "status", "source")
        found = [each for each in project.pipelines if all(asked.get(f) in {None, getattr(each, f)} for f in fields)]
        found.sort(key=lambda each: each.id, reverse=asked.get("sort", "desc") == "desc")
        return self._page([shapes.pipeline(each, project, self._url) for each in found])

    def _pipeline(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, REPORTER)
        return shapes.pipeline(self._found(project.pipeline(number), "Pipeline"), project, self._url)

    def _jobs(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, REPORTER)
        pipeline, scopes = self._found(project.pipeline(number), "Pipeline"), flask.request.args.getlist("scope[]")
        rows = [row for row in pipeline.jobs if not scopes or row.status in scopes]
        return self._page([shapes.job(row, project, self._state, self._url) for row in rows])

    def _cancel(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, DEVELOPER)
        pipeline = self._found(project.pipeline(number), "Pipeline")
        self._runner.cancel(project, pipeline, pipeline.jobs)
        return shapes.pipeline(pipeline, project, self._url)

    def _job(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, REPORTER)
        return shapes.job(self._real(project, number)[1], project, self._state, self._url)

    def _trace(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, REPORTER)
        row = self._real(project, number)[1]
        text = row.trace.read_text(errors="replace") if row.trace and row.trace.exists() else ""
        return flask.Response(text, content_type="text/plain; charset=utf-8")

    def _play(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, DEVELOPER)
        pipeline, row = self._real(project, number)
        if not self._runner.play(project, pipeline, row):
            raise Refusal(400, {"message": "400 Bad request - Unplayable Job"})
        return shapes.job(row, project, self._state, self._url)

    def _cancel_job(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, DEVELOPER)
        pipeline, row = self._real(project, number)
        self._runner.cancel(project, pipeline, [row])
        return shapes.job(row, project, self._state, self._url), 201

    def _real(self, project: Project, number: int) -> tuple[Pipeline, Row]:
        row = self._found(project.row(number), "Job")
        if row.external:
            raise missing("Job")
        return self._found(project.pipeline(row.pipeline), "Pipeline"), row

    # ---------------------------------------------------------------------------------------------------- deployments

    def _deployments(self, key: str) -> Answer:
        project, _ = self._seen(key, REPORTER)
        asked = flask.request.args
        found = [
            each
            for each in project.deployments
            if asked.get("environment") in {None, each.environment} and asked.get("status") in {None, each.status}
        ]
        found.sort(key=lambda each: each.id, reverse=asked.get("sort", "asc") == "desc")
        return self._page([shapes.deployment(each, project, self._state, self._url) for each in found])

    def _create_deployment(self, key: str) -> Answer:
        project, user = self._seen(key, DEVELOPER)
        environment, sha, ref, status = self._wanted(self._given(), "environment", "sha", "ref", "status")
        made = Deployment(
            id=self._state.next_id("deployment"),
            iid=len(project.deployments) + 1,
            environment=environment,
            sha=self._full(project, sha),
            ref=ref,
            status=status,
            user=user.id,
            job=None,
        )
        project.deployments.append(made)
        return shapes.deployment(made, project, self._state, self._url), 201

    def _deployment(self, key: str, number: int) -> Answer:
        project, _ = self._seen(key, REPORTER)
        found = next((each for each in project.deployments if each.id == number), None)
        return shapes.deployment(self._found(found, "Deployment"), project, self._state, self._url)

    def _environments(self, key: str) -> Answer:
        project, _ = self._seen(key, REPORTER)
        names = sorted({each.environment for each in project.deployments})
        return self._page([{"id": number, "name": name} for number, name in enumerate(names, 1)])

    # ------------------------------------------------------------------------------------------------------- the rest

    def _found(self, thing: T | None, what: str) -> T:
        if thing is None:
            raise missing(what)
        return thing

    def _page(self, items: list[Any]) -> Answer:
        """One page of a list, with the headers that say where the others are."""
        asked = flask.request.args
        page = max(1, int(asked.get("page", 1)))
        size = min(LONGEST_PAGE, max(1, int(asked.get("per_page", 20))))
        last = max(1, -(-len(items) // size))
        headers = {
            "x-page": str(page),
            "x-per-page": str(size),
            "x-total": str(len(items)),
            "x-total-pages": str(last),
            "x-next-page": str(page + 1) if page < last else "",
            "x-prev-page": str(page - 1) if page > 1 else "",
        }
        links = {"first": 1, "last": last, **({"next": page + 1} if page < last else {})}
        base = f"{self._url}{flask.request.path}"
        headers["Link"] = ", ".join(
            f'<{base}?{urlencode({**asked, "page": number})}>; rel="{rel}"' for rel, number in links.items()
        )
        return flask.jsonify(items[(page - 1) * size : page * size]), 200, headers


def _actions(given: Sequence[Mapping[str, Any]]) -> list[Action]:
    if any(each.get("action") not in set(Verb) for each in given):
        raise Refusal(400, {"error": "actions[action] does not have a valid value"})
    if not all(each.get("file_path") for each in given):
        raise Refusal(400, {"error": "actions[file_path] is missing"})
    return [
        Action(verb=Verb(each["action"]), path=str(each["file_path"]), content=str(each.get("content") or ""))
        for each in given
    ]
