"""Pipelines, as the API starts, shows and ends them, and triggers."""

from collections.abc import Mapping
from typing import Any

import flask

from gate.sandbox.gitlab import hosting, shapes
from gate.sandbox.gitlab.answers import Refusal, forbidden, found, missing, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Pipeline, Project, Role, Setting, User
from gate.sandbox.gitlab.permissions import may_update_pipeline
from gate.sandbox.gitlab.running.creating import Cause, NotCreated
from gate.sandbox.gitlab.running.runner import RETRYABLE, Runner
from gate.sandbox.gitlab.state import own_pipelines


class Pipelines:
    """The routes of pipelines."""

    def __init__(self, asked: Asked, runner: Runner) -> None:
        self._asked, self._runner = asked, runner

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        one = f"{PROJECT}/pipelines/<int:number>"
        return (
            Route(f"{PROJECT}/pipeline", "POST", self._create),
            Route(f"{PROJECT}/trigger/pipeline", "POST", self._trigger),
            Route(f"{PROJECT}/ref/<path:ref>/trigger/pipeline", "POST", self._trigger),
            Route(f"{PROJECT}/pipelines", "GET", self._list),
            Route(f"{PROJECT}/pipelines/latest", "GET", self._latest),
            Route(one, "GET", self._get),
            Route(one, "DELETE", self._delete),
            Route(f"{one}/variables", "GET", self._variables),
            Route(f"{one}/cancel", "POST", self._cancel),
            Route(f"{one}/retry", "POST", self._retry),
        )

    def _create(self, key: str) -> Answer:
        project, user = self._asked.seen(key, Role.DEVELOPER)
        (ref,) = self._asked.wanted("ref")
        return self._new(project, ref, "api", user, _variables(self._asked.given().get("variables") or []))

    def _trigger(self, key: str, ref: str = "") -> Answer:
        """With a trigger token, or with the token of a job that runs."""
        project, given = found(self._asked.at(key), "Project"), self._asked.given()
        (secret,) = self._asked.wanted("token")
        wanted = ref or self._asked.wanted("ref")[0]
        trigger = next((each for each in project.triggers if each.secret == secret), None)
        job = self._asked.state.job_tokens.get(secret)
        if trigger is None and (job is None or job[0] is not project):
            raise missing()
        variables = given.get("variables") or {
            name[len("variables[") : -1]: value for name, value in given.items() if name.startswith("variables[")
        }
        user = self._asked.state.users[trigger.owner if trigger else job[1] if job else 0]
        return self._new(project, wanted, "trigger" if trigger else "pipeline", user, variables)

    def _new(self, project: Project, ref: str, source: str, user: User, variables: Mapping[str, str]) -> Answer:
        if not project.settings[Setting.JOBS] or not may_update_pipeline(project, user, ref):
            raise forbidden()
        branch = hosting.resolve(project.repository, f"refs/heads/{ref}")
        sha = branch or hosting.resolve(project.repository, f"refs/tags/{ref}")
        if not sha:
            raise refused(400, {"base": ["Reference not found"]})
        cause = Cause(sha=sha, ref=ref, source=source, user=user.id, variables=variables, tag=not branch)
        try:
            made = self._runner.create(project, cause)
        except NotCreated as error:
            raise refused(400, {"base": [str(error)]}) from error
        return self._whole(made, project), 201

    def _list(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        asked = flask.request.args
        fields = ("sha", "ref", "status", "source")
        fitting = [
            each for each in own_pipelines(project) if all(asked.get(f) in {None, getattr(each, f)} for f in fields)
        ]
        if (username := asked.get("username")) is not None:
            fitting = [each for each in fitting if self._asked.state.users[each.user].username == username]
        order, descending = self._asked.order("id", "status", "ref", "updated_at", "user_id", descending=True)
        fitting.sort(key=lambda each: (_rank(each, order), each.id), reverse=descending)
        return self._asked.page([shapes.pipeline(each, project, self._asked.url) for each in fitting])

    def _latest(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        ref = flask.request.args.get("ref", project.default_branch)
        head = hosting.resolve(project.repository, f"refs/heads/{ref}")
        fitting = [each for each in own_pipelines(project) if each.ref == ref and each.sha == head]
        if not fitting:
            raise missing("Pipeline")
        return self._whole(fitting[-1], project)

    def _get(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        return self._whole(found(project.pipeline(number), "Pipeline"), project)

    def _delete(self, key: str, number: int) -> Answer:
        """With all its jobs and statuses; what runs is killed first."""
        project, user = self._asked.seen(key)
        if project.role(user) < Role.OWNER:
            raise forbidden()
        pipeline = found(project.pipeline(number), "Pipeline")
        self._runner.cancel(project, pipeline, pipeline.jobs)
        project.pipelines.remove(pipeline)
        return "", 204

    def _variables(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.DEVELOPER)
        pipeline = found(project.pipeline(number), "Pipeline")
        return flask.jsonify([{"key": name, "value": value} for name, value in pipeline.variables.items()])

    def _cancel(self, key: str, number: int) -> Answer:
        project, _, pipeline = self._changeable(key, number)
        self._runner.cancel(project, pipeline, pipeline.jobs)
        return self._whole(pipeline, project)

    def _retry(self, key: str, number: int) -> Answer:
        """Everything that failed or was canceled runs again."""
        project, user, pipeline = self._changeable(key, number)
        for row in pipeline.jobs:
            if row.status in RETRYABLE - {"success"}:
                self._runner.retry(project, pipeline, row, user)
        return self._whole(pipeline, project), 201

    def _changeable(self, key: str, number: int) -> tuple[Project, User, Pipeline]:
        project, user = self._asked.seen(key, Role.DEVELOPER)
        pipeline = found(project.pipeline(number), "Pipeline")
        if not may_update_pipeline(project, user, pipeline.ref):
            raise forbidden()
        return project, user, pipeline

    def _whole(self, each: Pipeline, project: Project) -> dict[str, Any]:
        return shapes.whole_pipeline(each, project, self._asked.state, self._asked.url)


def _rank(each: Pipeline, order: str) -> str | int:
    if order == "user_id":
        return each.user
    if order == "updated_at":
        return each.finished_at or each.started_at or each.created_at
    return 0 if order == "id" else str(getattr(each, order))


def _variables(given: Any) -> dict[str, str]:
    """A list of keys with values. Raises `Refusal`."""
    if not isinstance(given, list) or not all(isinstance(each, dict) and "key" in each for each in given):
        raise Refusal(400, {"error": "variables is invalid"})
    return {str(each["key"]): str(each.get("value", "")) for each in given}
