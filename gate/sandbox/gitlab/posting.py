"""`POST /projects/:id/statuses/:sha`: the checks in GitLab's order, with its side effects."""

from collections.abc import Mapping
from typing import Any

from gate.sandbox.gitlab import hosting
from gate.sandbox.gitlab.answers import Refusal
from gate.sandbox.gitlab.state import DEVELOPER, EXTERNAL_STAGE, MAINTAINER, Pipeline, Project, Row, State, User, now
from gate.sandbox.gitlab.statuses import FINAL, Refused, post
from gate.sandbox.gitlab.statuses import State as StatusState

LONGEST = 255


def post_status(state: State, project: Project, sha: str, given: Mapping[str, Any], user: User) -> Row:
    """The row that the posted state went to. Raises `Refusal`."""
    if not user.admin and project.members.get(user.id, 0) < DEVELOPER:
        raise Refusal(403, {"message": "403 Forbidden"})
    posted = _state(given)
    full = hosting.resolve(project.repository, sha)
    if not full:
        raise Refusal(404, {"message": "404 Commit Not Found"})
    pipeline = _pipeline(state, project, full, given, user)
    if pipeline.ref in project.protected and not user.admin and project.members.get(user.id, 0) < MAINTAINER:
        raise Refusal(403, {"message": "403 Forbidden"})
    name = str(given.get("name") or given.get("context") or "default")
    _check(given, name, pipeline)
    row = _row(pipeline, name, user)
    fate = post(StatusState(row.status) if row and row.status in set(StatusState) else None, posted)
    if isinstance(fate, Refused):
        raise Refusal(400, {"message": fate.message})
    if row is None or row.status in FINAL:
        row = _new(state, pipeline, name, user)
    _write(row, posted, given)
    for other in pipeline.rows:
        if other.name == name and other is not row:
            other.retried = True
    row.retried = False
    return row


def _state(given: Mapping[str, Any]) -> StatusState:
    if not given.get("state"):
        raise Refusal(400, {"error": "state is missing, state does not have a valid value"})
    if given["state"] not in list(StatusState):
        raise Refusal(400, {"error": "state does not have a valid value"})
    return StatusState(given["state"])


def _pipeline(state: State, project: Project, sha: str, given: Mapping[str, Any], user: User) -> Pipeline:
    """The one that was asked for; else the newest of the commit; else an empty one of our own making."""
    ref, wanted = given.get("ref"), given.get("pipeline_id")
    fitting = [
        each
        for each in project.pipelines
        if each.sha == sha and (not ref or each.ref == ref) and (wanted is None or str(each.id) == str(wanted))
    ]
    if fitting:
        return fitting[-1]
    if wanted is not None:
        raise Refusal(404, {"message": "404 Pipeline for pipeline_id, sha and ref Not Found"})
    found = ref or hosting.branch_of(project.repository, sha)
    if not found:
        raise Refusal(404, {"message": "404 References for commit Not Found"})
    return state.pipeline(project, sha=sha, ref=str(found), source="external", user=user.id)


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
        raise Refusal(400, {"message": faults})


def _row(pipeline: Pipeline, name: str, user: User) -> Row | None:
    """The live row of this name and user, also one that another user's row has hidden."""
    fitting = [row for row in pipeline.rows if row.external and row.name == name and row.user == user.id]
    return next((row for row in reversed(fitting) if row.status not in FINAL), None)


def _new(state: State, pipeline: Pipeline, name: str, user: User) -> Row:
    row = Row(
        id=state.next_id("row"),
        name=name,
        stage="external",
        stage_index=EXTERNAL_STAGE,
        status="created",
        user=user.id,
        sha=pipeline.sha,
        ref=pipeline.ref,
        pipeline=pipeline.id,
        external=True,
    )
    pipeline.rows.append(row)
    return row


def _write(row: Row, posted: StatusState, given: Mapping[str, Any]) -> None:
    row.status = posted
    for field in ("description", "target_url", "coverage"):
        if given.get(field) is not None:
            setattr(row, field, given[field])
    if posted is StatusState.RUNNING:
        row.started_at = now()
    if posted in FINAL:
        row.finished_at = now()
    row.failure_reason = "api_failure" if posted is StatusState.FAILED else None
