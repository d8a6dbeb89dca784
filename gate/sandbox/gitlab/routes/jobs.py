"""Jobs and bridges, as the API shows, plays, retries and ends them."""

from typing import Any

import flask

from gate.sandbox.gitlab import shapes
from gate.sandbox.gitlab.answers import forbidden, found, missing, refused
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Pipeline, Project, Role, Row, Setting, User
from gate.sandbox.gitlab.permissions import may_deploy, may_update_pipeline
from gate.sandbox.gitlab.running.deploying import is_outdated, record_of
from gate.sandbox.gitlab.running.runner import RETRYABLE, Runner


class Jobs:
    """The routes of jobs. External statuses are no jobs: nothing here finds them."""

    def __init__(self, asked: Asked, runner: Runner) -> None:
        self._asked, self._runner = asked, runner

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        pipeline, job = f"{PROJECT}/pipelines/<int:number>", f"{PROJECT}/jobs/<int:number>"
        return (
            Route(f"{PROJECT}/jobs", "GET", self._all, job_token=True),
            Route(f"{pipeline}/jobs", "GET", self._of_pipeline, job_token=True),
            Route(f"{pipeline}/bridges", "GET", self._bridges),
            Route("/job", "GET", self._own, job_token=True),
            Route(job, "GET", self._get),
            Route(f"{job}/trace", "GET", self._trace),
            Route(f"{job}/play", "POST", self._play),
            Route(f"{job}/retry", "POST", self._retry),
            Route(f"{job}/cancel", "POST", self._cancel),
            Route(f"{job}/erase", "POST", self._erase),
        )

    def _all(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        rows = [
            row for pipeline in reversed(project.pipelines) for row in reversed(pipeline.jobs) if not _is_bridge(row)
        ]
        return self._page(project, self._scoped(rows))

    def _of_pipeline(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        pipeline = found(project.pipeline(number), "Pipeline")
        retried = flask.request.args.get("include_retried") in {"1", "true"}
        rows = [
            row for row in pipeline.rows if not row.external and not _is_bridge(row) and (retried or not row.retried)
        ]
        return self._page(project, self._scoped(rows))

    def _bridges(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        rows = [row for row in found(project.pipeline(number), "Pipeline").jobs if _is_bridge(row)]
        state, url = self._asked.state, self._asked.url
        return self._asked.page([shapes.bridge(row, project, state, url) for row in self._scoped(rows)])

    def _own(self) -> Answer:
        """The job whose token asks."""
        self._asked.user()
        secret = flask.request.headers.get("JOB-TOKEN", "")
        for project in self._asked.state.projects:
            for pipeline in project.pipelines:
                for row in pipeline.jobs:
                    if secret and row.token == secret:
                        return self._shape(project, row)
        raise missing("Job")

    def _get(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        return self._shape(project, _job(project, number)[1])

    def _trace(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, Role.REPORTER)
        row = _job(project, number)[1]
        text = row.trace.read_text(errors="replace") if row.trace and row.trace.exists() else ""
        return flask.Response(text, content_type="text/plain; charset=utf-8")

    def _play(self, key: str, number: int) -> Answer:
        project, user, pipeline, row = self._changeable(key, number)
        if not self._runner.playable(project, row):
            raise refused(400, "400 Bad request - Unplayable Job")
        variables = {
            str(each.get("key")): str(each.get("value", ""))
            for each in self._asked.listed("job_variables_attributes")
            if isinstance(each, dict)
        }
        return self._shape(project, self._runner.play(project, pipeline, row, user, variables))

    def _retry(self, key: str, number: int) -> Answer:
        project, user, pipeline, row = self._changeable(key, number)
        if row.retried or row.status not in RETRYABLE or row.failure_reason == "deployment_rejected":
            raise refused(403, "403 Forbidden  - Job is not retryable")
        return self._shape(project, self._runner.retry(project, pipeline, row, user)), 201

    def _cancel(self, key: str, number: int) -> Answer:
        project, _, pipeline, row = self._changeable(key, number)
        self._runner.cancel(project, pipeline, [row])
        return self._shape(project, row), 201

    def _erase(self, key: str, number: int) -> Answer:
        """The log goes; the job stays."""
        project, user = self._asked.seen(key, Role.DEVELOPER)
        row = _job(project, number)[1]
        if project.role(user) < Role.MAINTAINER and row.user != user.id:
            raise forbidden()
        if row.status not in RETRYABLE:
            raise refused(403, "403 Forbidden  - Job is not erasable!")
        row.trace = None
        return self._shape(project, row), 201

    def _changeable(self, key: str, number: int) -> tuple[Project, User, Pipeline, Row]:
        """A job that the user may start or end: the ref, the environment and newer deployments are asked."""
        project, user = self._asked.seen(key, Role.DEVELOPER)
        pipeline, row = _job(project, number)
        if not project.settings[Setting.JOBS]:
            raise forbidden()
        record = record_of(project, row)
        allowed = may_update_pipeline(project, user, pipeline.ref) and (
            record is None or may_deploy(project, user, record.environment, self._asked.state.groups)
        )
        if not allowed or (is_outdated(project, row) and row.status not in RETRYABLE):
            raise forbidden()
        return project, user, pipeline, row

    def _scoped(self, rows: list[Row]) -> list[Row]:
        scopes = flask.request.args.getlist("scope[]") + flask.request.args.getlist("scope")
        return [row for row in rows if not scopes or row.status in scopes]

    def _page(self, project: Project, rows: list[Row]) -> Answer:
        return self._asked.page([self._shape(project, row) for row in rows])

    def _shape(self, project: Project, row: Row) -> dict[str, Any]:
        return shapes.job(row, project, self._asked.state, self._asked.url)


def _is_bridge(row: Row) -> bool:
    return row.config is not None and bool(row.config.child)


def _job(project: Project, number: int) -> tuple[Pipeline, Row]:
    row = found(project.row(number), "Job")
    if row.external:
        raise missing("Job")
    return found(project.pipeline(row.pipeline), "Pipeline"), row
