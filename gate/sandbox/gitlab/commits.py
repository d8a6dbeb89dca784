"""Commits and their statuses, as the API makes and shows them."""

from collections.abc import Mapping, Sequence
from typing import Any

import flask

from gate.sandbox.gitlab import hosting, shapes
from gate.sandbox.gitlab.answers import Refusal, invalid, missing
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Routes
from gate.sandbox.gitlab.hosting import Action, BadAction, Verb
from gate.sandbox.gitlab.posting import post_status
from gate.sandbox.gitlab.runner import Runner
from gate.sandbox.gitlab.state import DEVELOPER, REPORTER, Project


class Commits:
    """The routes of commits; a commit starts a pipeline where it has a `.gitlab-ci.yml`."""

    def __init__(self, asked: Asked, runner: Runner) -> None:
        self._asked, self._runner = asked, runner

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            (f"{PROJECT}/repository/commits", "POST", self._commit),
            (f"{PROJECT}/repository/commits/<sha>", "GET", self._get_commit),
            (f"{PROJECT}/repository/commits/<sha>/statuses", "GET", self._statuses),
            (f"{PROJECT}/statuses/<sha>", "POST", self._post_status),
        )

    def _commit(self, key: str) -> Answer:
        project, user = self._asked.seen(key, DEVELOPER)
        given = self._asked.given()
        branch, message = self._asked.wanted("branch", "commit_message")
        try:
            sha = hosting.commit(project.repository, branch, message, _actions(given.get("actions") or []))
        except BadAction as error:
            raise Refusal(400, {"message": str(error)}) from error
        self._runner.create(project, sha=sha, ref=branch, source="push", user=user.id, variables={})
        return {"id": sha, "short_id": sha[:8], "title": message.splitlines()[0]}, 201

    def _get_commit(self, key: str, sha: str) -> Answer:
        project, _ = self._asked.seen(key)
        full = full_id(project, sha)
        newest = next((each for each in reversed(project.pipelines) if each.sha == full), None)
        return {
            "id": full,
            "short_id": full[:8],
            "title": hosting.title(project.repository, full),
            "last_pipeline": shapes.pipeline(newest, project, self._asked.url) if newest else None,
        }

    def _statuses(self, key: str, sha: str) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        full_id(project, sha)
        asked = flask.request.args
        order, descending = self._asked.order("id", "pipeline_id", descending=False)
        rows = [
            row
            for pipeline in project.pipelines
            if pipeline.sha == sha and asked.get("pipeline_id") in {None, str(pipeline.id)}
            for row in pipeline.rows
            if (not row.retried or asked.get("all") in {"1", "true"})
            and all(asked.get(field) in {None, getattr(row, field)} for field in ("name", "stage", "ref"))
        ]
        rows.sort(key=lambda row: (row.pipeline if order == "pipeline_id" else 0, row.id), reverse=descending)
        return self._asked.page([shapes.status(row, self._asked.state) for row in rows])

    def _post_status(self, key: str, sha: str) -> Answer:
        project, user = self._asked.seen(key)
        return shapes.status(
            post_status(self._asked.state, project, sha, self._asked.given(), user), self._asked.state
        ), 201


def _actions(given: Sequence[Mapping[str, Any]]) -> list[Action]:
    if any(each.get("action") not in set(Verb) for each in given):
        raise invalid("actions[action]")
    if not all(each.get("file_path") for each in given):
        raise Refusal(400, {"error": "actions[file_path] is missing"})
    return [
        Action(verb=Verb(each["action"]), path=str(each["file_path"]), content=str(each.get("content") or ""))
        for each in given
    ]


def full_id(project: Project, sha: str) -> str:
    """The whole id of a commit. Raises `Refusal`."""
    full = hosting.resolve(project.repository, sha)
    if not full:
        raise missing("Commit")
    return full
