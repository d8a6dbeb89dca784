"""`POST /projects/:id/statuses/:sha`: the checks in GitLab's order, with its locks and its side effects."""

from collections.abc import Mapping
from typing import Any

from gate.sandbox.gitlab import hosting
from gate.sandbox.gitlab.answers import Refusal, forbidden, refused
from gate.sandbox.gitlab.locks import PIPELINE, Locks, NotObtained, rows_of, statuses_of
from gate.sandbox.gitlab.model import EXTERNAL_STAGE, Pipeline, Project, Row, User
from gate.sandbox.gitlab.permissions import may_update_pipeline, protection_of
from gate.sandbox.gitlab.progress import Progress
from gate.sandbox.gitlab.state import State, own_pipelines
from gate.sandbox.gitlab.statuses import FINAL, Refused, post
from gate.sandbox.gitlab.statuses import State as StatusState

LONGEST = 255
LOOKED_AT = 100
"""How many of the newest pipelines of a commit are looked at, unless one is named."""


def wanted_state(given: Mapping[str, Any]) -> StatusState:
    """The state that is posted. Raises `Refusal`."""
    if not given.get("state"):
        raise Refusal(400, {"error": "state is missing, state does not have a valid value"})
    if given["state"] not in list(StatusState):
        raise Refusal(400, {"error": "state does not have a valid value"})
    return StatusState(given["state"])


class Posting:
    """Posts statuses. Takes the state's lock itself: GitLab's own two locks are waited for without it."""

    def __init__(self, state: State, progress: Progress, locks: Locks) -> None:
        self._state, self._progress, self._locks = state, progress, locks

    def post(self, project: Project, sha: str, given: Mapping[str, Any], user: User) -> Row:
        """The row that the posted state went to. Raises `Refusal`."""
        try:
            with self._locks.hold(statuses_of(project.id, sha)):
                return self._post(project, sha, given, user)
        except NotObtained as error:
            raise refused(409, "409 Conflict: Resource lock") from error

    def _post(self, project: Project, sha: str, given: Mapping[str, Any], user: User) -> Row:
        posted = wanted_state(given)
        name = str(given.get("name") or given.get("context") or "default")
        with self._state.lock:
            pipeline = self._pipeline(project, sha, given, name, user)
            if not may_update_pipeline(project, user, pipeline.ref):
                raise forbidden()
            _check(given, name, pipeline)
        try:
            with self._locks.hold(rows_of(pipeline.id), PIPELINE), self._state.lock:
                return self._add(project, pipeline, name, posted, given, user)
        except NotObtained as error:
            raise refused(400, "Failed to obtain a lock") from error

    def _pipeline(self, project: Project, sha: str, given: Mapping[str, Any], name: str, user: User) -> Pipeline:
        """The one that was asked for; else the newest of the commit; else an empty one of our own making."""
        full = hosting.resolve(project.repository, sha)
        if not full:
            raise refused(404, "404 Commit Not Found")
        ref, wanted = given.get("ref"), given.get("pipeline_id")
        newest = [each for each in own_pipelines(project) if each.sha == full]
        fitting = [
            each
            for each in (newest if wanted is not None else newest[-LOOKED_AT:])
            if (not ref or each.ref == ref) and (wanted is None or str(each.id) == str(wanted))
        ]
        named = ref or (fitting[-1].ref if fitting else hosting.branch_of(project.repository, full))
        if not named:
            raise refused(404, "404 References for commit Not Found")
        if wanted is not None and not fitting:
            raise refused(404, "404 Pipeline for pipeline_id, sha and ref Not Found")
        if fitting and (self._has_room(fitting[-1]) or _live(project, fitting[-1], name, user)):
            return fitting[-1]
        if wanted is not None:
            raise refused(422, "The number of jobs has exceeded the limit")
        made = self._state.pipeline(project, sha=full, ref=str(named), source="external", user=user.id)
        self._progress.touched(project, made)
        return made

    def _has_room(self, pipeline: Pipeline) -> bool:
        most = self._state.largest_pipeline
        return not most or len(pipeline.rows) < most

    def _add(
        self,
        project: Project,
        pipeline: Pipeline,
        name: str,
        posted: StatusState,
        given: Mapping[str, Any],
        user: User,
    ) -> Row:
        row = _live(project, pipeline, name, user)
        fate = post(StatusState(row.status) if row else None, posted)
        if isinstance(fate, Refused):
            raise refused(400, fate.message)
        row = row or self._new(project, pipeline, name, user)
        self._write(row, posted, given)
        for other in pipeline.rows:
            if other.name == name and other is not row:
                other.retried = True
        self._progress.touched(project, pipeline)
        return row

    def _new(self, project: Project, pipeline: Pipeline, name: str, user: User) -> Row:
        row = Row(
            id=self._state.next_id("row"),
            name=name,
            stage="external",
            stage_index=EXTERNAL_STAGE,
            status="created",
            user=user.id,
            sha=pipeline.sha,
            ref=pipeline.ref,
            pipeline=pipeline.id,
            created_at=self._state.now(),
            protected=protection_of(project, pipeline.ref) is not None,
            external=True,
        )
        pipeline.rows.append(row)
        return row

    def _write(self, row: Row, posted: StatusState, given: Mapping[str, Any]) -> None:
        row.status = posted
        for field in ("description", "target_url", "coverage"):
            if given.get(field) is not None:
                setattr(row, field, given[field])
        if posted is StatusState.RUNNING:
            row.started_at = self._state.now()
        if posted in FINAL:
            row.finished_at = self._state.now()
        row.failure_reason = "api_failure" if posted is StatusState.FAILED else None


def _check(given: Mapping[str, Any], name: str, pipeline: Pipeline) -> None:
    faults: dict[str, list[str]] = {}
    target = given.get("target_url")
    if target and not str(target).startswith(("http://", "https://")):
        faults["target_url"] = ["is blocked: Only allowed schemes are http, https"]
    for field, text in (("name", name), ("description", given.get("description")), ("target_url", target)):
        if text and len(str(text)) > LONGEST:
            faults.setdefault(field, []).append(f"is too long (maximum is {LONGEST} characters)")
    if any(row.name == name and not row.external for row in pipeline.rows):
        faults["name"] = ["has already been taken"]
    if faults:
        raise refused(400, faults)


def _live(project: Project, pipeline: Pipeline, name: str, user: User) -> Row | None:
    """The newest row of this name and user that is not final, also one that another user's row has hidden.

    On a protected ref only one that was posted when it was protected already.
    """
    needs_protected = protection_of(project, pipeline.ref) is not None
    fitting = [
        row
        for row in pipeline.rows
        if row.external
        and row.name == name
        and row.user == user.id
        and row.status not in FINAL
        and (row.protected or not needs_protected)
    ]
    return fitting[-1] if fitting else None
