"""Deployments and environments, as the API makes and shows them."""

import flask

from gate.sandbox.gitlab import shapes
from gate.sandbox.gitlab.answers import found, invalid
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Routes
from gate.sandbox.gitlab.commits import full_id
from gate.sandbox.gitlab.state import DEVELOPER, REPORTER, Deployment

STATUSES = ("running", "success", "failed", "canceled")
"""What a deployment from outside may be in."""


class Deployments:
    """The routes of deployments; those of jobs are recorded by the runner."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            (f"{PROJECT}/deployments", "GET", self._deployments),
            (f"{PROJECT}/deployments", "POST", self._create_deployment),
            (f"{PROJECT}/deployments/<int:number>", "GET", self._deployment),
            (f"{PROJECT}/environments", "GET", self._environments),
        )

    def _deployments(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        asked = flask.request.args
        order, descending = self._asked.order("id", "iid", "created_at", "ref", descending=False)
        fitting = [
            each
            for each in project.deployments
            if asked.get("environment") in {None, each.environment} and asked.get("status") in {None, each.status}
        ]
        fitting.sort(key=lambda each: (each.ref if order == "ref" else "", each.id), reverse=descending)
        return self._asked.page(
            [shapes.deployment(each, project, self._asked.state, self._asked.url) for each in fitting]
        )

    def _create_deployment(self, key: str) -> Answer:
        project, user = self._asked.seen(key, DEVELOPER)
        environment, sha, ref, status = self._asked.wanted("environment", "sha", "ref", "status")
        if status not in STATUSES:
            raise invalid("status")
        made = Deployment(
            id=self._asked.state.next_id("deployment"),
            iid=len(project.deployments) + 1,
            environment=environment,
            sha=full_id(project, sha),
            ref=ref,
            status=status,
            user=user.id,
            job=None,
        )
        project.deployments.append(made)
        return shapes.deployment(made, project, self._asked.state, self._asked.url), 201

    def _deployment(self, key: str, number: int) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        record = next((each for each in project.deployments if each.id == number), None)
        return shapes.deployment(found(record, "Deployment"), project, self._asked.state, self._asked.url)

    def _environments(self, key: str) -> Answer:
        project, _ = self._asked.seen(key, REPORTER)
        names = sorted({each.environment for each in project.deployments})
        return self._asked.page([{"id": number, "name": name} for number, name in enumerate(names, 1)])
