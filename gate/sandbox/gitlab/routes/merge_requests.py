"""Merge requests: opened, shown, given pipelines, and merged if nothing stands in the way."""

from typing import Any

import flask

from gate.sandbox.gitlab import hosting, merging, shapes
from gate.sandbox.gitlab.answers import found, refused, unauthorized
from gate.sandbox.gitlab.asking import PROJECT, Answer, Asked, Route, Routes
from gate.sandbox.gitlab.model import MERGE_REQUEST, MergeRequest, Project, Role, Setting, User
from gate.sandbox.gitlab.permissions import may_merge
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.pushing import Pushes
from gate.sandbox.gitlab.routes.repository import full_id
from gate.sandbox.gitlab.running.creating import Cause, NotCreated
from gate.sandbox.gitlab.running.runner import Runner

ONE = f"{PROJECT}/merge_requests/<int:iid>"


class MergeRequests:
    """The routes of merge requests within one project; there are no forks."""

    def __init__(self, asked: Asked, runner: Runner, pushes: Pushes, progress: Progress) -> None:
        self._asked, self._runner, self._pushes, self._progress = asked, runner, pushes, progress

    def routes(self) -> Routes:
        """What is asked, how, and who answers it."""
        return (
            Route(f"{PROJECT}/merge_requests", "GET", self._list),
            Route(f"{PROJECT}/merge_requests", "POST", self._create),
            Route(ONE, "GET", self._get),
            Route(ONE, "PUT", self._change),
            Route(f"{ONE}/pipelines", "GET", self._pipelines),
            Route(f"{ONE}/pipelines", "POST", self._create_pipeline),
            Route(f"{ONE}/merge", "PUT", self._merge),
            Route(f"{PROJECT}/repository/commits/<sha>/merge_requests", "GET", self._of_commit),
        )

    def _list(self, key: str) -> Answer:
        project, _ = self._asked.seen(key)
        asked, fields = flask.request.args, ("state", "source_branch", "target_branch")
        fitting = [
            each
            for each in reversed(project.merge_requests)
            if all(asked.get(field) in {None, "all", getattr(each, field)} for field in fields)
        ]
        return self._asked.page([self._shape(project, each) for each in fitting])

    def _of_commit(self, key: str, sha: str) -> Answer:
        """Those that bring the commit, or brought it, newest first."""
        project, _ = self._asked.seen(key)
        state, full = flask.request.args.get("state"), full_id(project, sha)
        fitting = [
            each
            for each in reversed(project.merge_requests)
            if state in {None, "all", each.state} and self._contains(project, each, full)
        ]
        return self._asked.page([self._shape(project, each) for each in fitting])

    def _contains(self, project: Project, each: MergeRequest, sha: str) -> bool:
        if sha in {each.sha, each.merge_commit}:
            return True
        target = self._target(project, each)
        return bool(target) and each.state == "opened" and sha in hosting.between(project.repository, target, each.sha)

    def _create(self, key: str) -> Answer:
        project, user = self._asked.seen(key, Role.DEVELOPER)
        source, target, title = self._asked.wanted("source_branch", "target_branch", "title")
        heads = hosting.branches(project.repository)
        if target not in heads or source not in heads:
            raise refused(400, {"base": ["You can't use same project/branch for source and target"]})
        there = next(
            (
                each
                for each in project.merge_requests
                if each.state == "opened" and (each.source_branch, each.target_branch) == (source, target)
            ),
            None,
        )
        if there:
            raise refused(409, [f"Another open merge request already exists for this source branch: !{there.iid}"])
        state = self._asked.state
        made = MergeRequest(
            id=state.next_id("merge request"),
            iid=len(project.merge_requests) + 1,
            title=title,
            description=str(self._asked.given().get("description") or ""),
            source_branch=source,
            target_branch=target,
            author=user.id,
            sha=heads[source],
            created_at=state.now(),
        )
        project.merge_requests.append(made)
        hosting.point(project.repository, merging.refs(made)[0], made.sha)
        self._progress.asked(project, made, "open")
        return self._shape(project, made), 201

    def _get(self, key: str, iid: int) -> Answer:
        project, _, each = self._seen(key, iid, Role.GUEST)
        return self._shape(project, each)

    def _change(self, key: str, iid: int) -> Answer:
        project, _, each = self._seen(key, iid, Role.DEVELOPER)
        given = self._asked.given()
        each.title = str(given.get("title", each.title))
        each.description = str(given.get("description", each.description))
        action = "update"
        if event := given.get("state_event"):
            action = self._asked.chosen("state_event", ("close", "reopen"))
            each.state = "closed" if event == "close" else "opened"
        self._progress.asked(project, each, action)
        return self._shape(project, each)

    def _pipelines(self, key: str, iid: int) -> Answer:
        project, _, each = self._seen(key, iid, Role.REPORTER)
        shown = [shapes.pipeline(one, project, self._asked.url) for one in merging.pipelines_of(project, each)]
        return self._asked.page(shown)

    def _create_pipeline(self, key: str, iid: int) -> Answer:
        """On the head of the source branch, or where the project wants it on the commit that a merge would make."""
        project, user, each = self._seen(key, iid, Role.DEVELOPER)
        detached, merged = merging.refs(each)
        hosting.point(project.repository, detached, each.sha)
        cause = Cause(sha=each.sha, ref=detached, source=MERGE_REQUEST, user=user.id, merge_request=each.iid)
        made = self._merged(project, each) if project.settings[Setting.MERGED_RESULTS] else ""
        if made:
            hosting.point(project.repository, merged, made)
            cause = Cause(
                sha=made, ref=merged, source=MERGE_REQUEST, user=user.id, merge_request=each.iid, source_sha=each.sha
            )
        try:
            pipeline = self._runner.create(project, cause)
        except NotCreated as error:
            raise refused(400, {"base": [str(error)]}) from error
        return shapes.whole_pipeline(pipeline, project, self._asked.state, self._asked.url), 201

    def _merge(self, key: str, iid: int) -> Answer:
        project, user, each = self._seen(key, iid, Role.GUEST)
        if not may_merge(project, user, each.target_branch):
            raise unauthorized()
        if (wanted := self._asked.given().get("sha")) and wanted != each.sha:
            raise refused(409, f"SHA does not match HEAD of source branch: {each.sha}")
        if self._obstacle(project, each) != "mergeable":
            raise refused(405, "405 Method Not Allowed")
        before = hosting.resolve(project.repository, f"refs/heads/{each.target_branch}")
        made = self._merged(project, each)
        hosting.point(project.repository, f"refs/heads/{each.target_branch}", made)
        each.state, each.merged_at, each.merge_commit = "merged", self._asked.state.now(), made
        self._progress.asked(project, each, "merge")
        self._pushes.pushed(project, user, ref=f"refs/heads/{each.target_branch}", before=before, after=made)
        return self._shape(project, each)

    def _merged(self, project: Project, each: MergeRequest) -> str:
        """The commit that a merge makes; empty if it cannot be made."""
        target = self._target(project, each)
        message = f"Merge branch '{each.source_branch}' into '{each.target_branch}'"
        return hosting.merge(project.repository, target, each.sha, message) if target else ""

    def _target(self, project: Project, each: MergeRequest) -> str:
        return hosting.resolve(project.repository, f"refs/heads/{each.target_branch}")

    def _obstacle(self, project: Project, each: MergeRequest) -> str:
        now = self._asked.state.clock().timestamp()
        says = [
            merging.check_status(each.checks.get(check.id), each.sha, now) for check in merging.checks_of(project, each)
        ]
        target = self._target(project, each)
        fits = target and hosting.merged(project.repository, target, each.sha)
        return merging.mergeable(project, each, says, conflict=not fits)

    def _seen(self, key: str, iid: int, least: Role) -> tuple[Project, User, MergeRequest]:
        project, user = self._asked.seen(key, least)
        return project, user, merge_request(project, iid)

    def _shape(self, project: Project, each: MergeRequest) -> dict[str, Any]:
        return shapes.merge_request(each, project, self._asked.state, self._asked.url, self._obstacle(project, each))


def merge_request(project: Project, iid: int) -> MergeRequest:
    """The one with this number in the project. Raises `Refusal`."""
    return found(project.merge_request(iid))
