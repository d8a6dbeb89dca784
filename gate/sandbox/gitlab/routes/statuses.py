"""The statuses of a commit: listed and posted."""

import flask

from gate.sandbox.gitlab import shapes
from gate.sandbox.gitlab.answers import forbidden
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import Role, Setting
from gate.sandbox.gitlab.posting import Posting, wanted_state
from gate.sandbox.gitlab.routes.repository import full_id
from gate.sandbox.gitlab.state import own_pipelines


class Statuses:
    """The routes of commit statuses."""

    def __init__(self, asked: Asked, posting: Posting) -> None:
        self._asked, self._posting = asked, posting

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            Route(f"{PROJECT}/repository/commits/<sha>/statuses", "GET", self._list),
            Route(f"{PROJECT}/statuses/<path:sha>", "POST", self._post, unlocked=True),
        )

    def _list(self, key: str, sha: str) -> Answer:
        """The rows of all pipelines of exactly this SHA; a short one is found as a commit, and has none."""
        project, _ = self._asked.seen(key, Role.REPORTER)
        full_id(project, sha)
        asked = flask.request.args
        order, descending = self._asked.order("id", "pipeline_id", descending=False)
        rows = [
            row
            for pipeline in own_pipelines(project)
            if pipeline.sha == sha and asked.get("pipeline_id") in {None, str(pipeline.id)}
            for row in pipeline.rows
            if (not row.retried or asked.get("all") in {"1", "true"})
            and all(asked.get(field) in {None, getattr(row, field)} for field in ("name", "stage", "ref"))
        ]
        rows.sort(key=lambda row: (row.pipeline if order == "pipeline_id" else 0, row.id), reverse=descending)
        return self._asked.page([shapes.status(row, self._asked.state, self._asked.url) for row in rows])

    def _post(self, key: str, sha: str) -> Answer:
        state, given = self._asked.state, self._asked.given()
        with state.lock:
            self._asked.user()
            wanted_state(given)
            project, user = self._asked.seen(key)
            if project.role(user) < Role.DEVELOPER or not project.settings[Setting.JOBS]:
                raise forbidden()
        row = self._posting.post(project, sha, given, user)
        with state.lock:
            return shapes.status(row, state, self._asked.url), 201
