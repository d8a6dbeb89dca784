"""Pipelines and their jobs, as the API starts and shows them."""

import flask

from gate.sandbox.gitlab import hosting, shapes
from gate.sandbox.gitlab.answers import Refusal, found, missing
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Routes
from gate.sandbox.gitlab.runner import Runner
from gate.sandbox.gitlab.state import DEVELOPER, REPORTER, Pipeline, Project, Row


class Pipelines:
    """The routes of pipelines, jobs and triggers."""

    def __init__(self, asked: Asked, runner: Runner) -> None:
        self._asked, self._runner = asked, runner

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            (f"{PROJECT}/pipeline", "POST", self._create_pipeline),
            (f"{PROJECT}/trigger/pipeline", "POST", self._trigger),
            (f"{PROJECT}/pipelines", "GET", self._pipelines),
            (f"{PROJECT}/pipelines/<int:number>", "GET", self._pipeline),
            (f"{PROJECT}/pipelines/<int:number>/jobs", "GET", self._jobs),
            (f"{PROJECT}/pipelines/<int:number>/cancel", "POST", self._cancel),
            (f"{PROJECT}/jobs/<int:number>", "GET", self._job),
            (f"{PROJECT}/jobs/<int:number>/trace", "GET", self._trace),
            (f"{PROJECT}/jobs/<int:number>/play", "POST", self._play),
            (f"{PROJECT}/jobs/<int:number>/cancel", "POST", self._cancel_job),
        )

    def _create_pipeline(self, key: str) -> Answer:
        project, user = self._asked.seen(key, DEVELOPER)
        (ref,) = self._asked.wanted("ref")
        return self._new_pipeline(project, ref, "api", user.id, {})

    def _trigger(self, key: str) -> Answer:
        project, given = found(self._asked.at(key), "Project"), self._asked.given()
        token, ref = self._asked.wanted("token", "ref")
        if token not in project.triggers:
            raise Refusal(404, {"message": "404 Not Found"})
        variables = given.get("variables") or {
            name[len("variables[") : -1]: value for name, value in given.items() if name.startswith("variables[")
        }
        return self._new_pipeline(project, ref, "trigger", project.triggers[token], variables)

    def _pipelines(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        asked = flask.request.args
        fields = ("sha", "ref", "status", "source")
        fitting = [each for each in project.pipelines if all(asked.get(f) in {None, getattr(each, f)} for f in fields)]
        order, descending = self._asked.order("id", "status", "ref", descending=True)
        fitting.sort(key=lambda each: (str(getattr(each, order)) if order != "id" else "", each.id), reverse=descending)
        return self._asked.page([shapes.pipeline(each, project, self._asked.url) for each in fitting])

    def _pipeline(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        return shapes.pipeline(found(project.pipeline(number), "Pipeline"), project, self._asked.url)

    def _cancel(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, DEVELOPER)
        pipeline = found(project.pipeline(number), "Pipeline")
        self._runner.cancel(project, pipeline, pipeline.jobs)
        return shapes.pipeline(pipeline, project, self._asked.url)

    def _jobs(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        pipeline, scopes = found(project.pipeline(number), "Pipeline"), flask.request.args.getlist("scope[]")
        rows = [row for row in pipeline.jobs if not scopes or row.status in scopes]
        return self._asked.page([shapes.job(row, project, self._asked.state, self._asked.url) for row in rows])

    def _job(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        return shapes.job(self._real(project, number)[1], project, self._asked.state, self._asked.url)

    def _trace(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        row = self._real(project, number)[1]
        text = row.trace.read_text(errors="replace") if row.trace and row.trace.exists() else ""
        return flask.Response(text, content_type="text/plain; charset=utf-8")

    def _play(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, DEVELOPER)
        pipeline, row = self._real(project, number)
        if not self._runner.play(project, pipeline, row):
            raise Refusal(400, {"message": "400 Bad request - Unplayable Job"})
        return shapes.job(row, project, self._asked.state, self._asked.url)

    def _cancel_job(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, DEVELOPER)
        pipeline, row = self._real(project, number)
        self._runner.cancel(project, pipeline, [row])
        return shapes.job(row, project, self._asked.state, self._asked.url), 201

    def _new_pipeline(self, project: Project, ref: str, source: str, user: int, variables: dict[str, str]) -> Answer:
        sha = hosting.resolve(project.repository, ref)
        if not sha:
            raise Refusal(400, {"message": {"base": ["Reference not found"]}})
        made = self._runner.create(project, sha=sha, ref=ref, source=source, user=user, variables=variables)
        if made is None:
            raise Refusal(400, {"message": {"base": ["Missing CI config file"]}})
        return shapes.pipeline(made, project, self._asked.url), 201

    def _real(self, project: Project, number: int) -> tuple[Pipeline, Row]:
        row = found(project.row(number), "Job")
        if row.external:
            raise missing("Job")
        return found(project.pipeline(row.pipeline), "Pipeline"), row
