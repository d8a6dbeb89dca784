"""What webhooks say, as GitLab documents it in its webhook events. Pure."""

from datetime import datetime
from typing import Any

from gate.sandbox.gitlab.model import MERGE_REQUEST, Deployment, MergeRequest, Pipeline, Project, Row, User
from gate.sandbox.gitlab.shapes import seconds
from gate.sandbox.gitlab.state import State

Json = dict[str, Any]

VISIBILITY = {"private": 0, "internal": 10, "public": 20}
NOTHING = "0" * 40
"""The id that stands for no commit, where a branch begins or ends."""


def _utc(time: str | None) -> str | None:
    return time and f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M:%S} UTC"


def user(each: User) -> Json:
    """Somebody."""
    return {"id": each.id, "name": each.name, "username": each.username, "avatar_url": None, "email": "[REDACTED]"}


def project(each: Project, url: str) -> Json:
    """The project that it happened in."""
    return {
        "id": each.id,
        "name": each.path.rpartition("/")[2],
        "description": each.description,
        "web_url": f"{url}/{each.path}",
        "avatar_url": None,
        "git_ssh_url": None,
        "git_http_url": f"{url}/{each.path}.git",
        "namespace": each.namespace,
        "visibility_level": VISIBILITY[each.visibility],
        "path_with_namespace": each.path,
        "default_branch": each.default_branch,
        "ci_config_path": None,
    }


def push(of: Project, url: str, by: User, *, ref: str, before: str, after: str, commits: list[Json]) -> Json:
    """A branch or tag that moved; `commits` are the newest of it, as many as are told."""
    tag = ref.startswith("refs/tags/")
    return {
        "object_kind": "tag_push" if tag else "push",
        "event_name": "tag_push" if tag else "push",
        "before": before,
        "after": after,
        "ref": ref,
        "ref_protected": not tag
        and any(each.covers(ref.removeprefix("refs/heads/")) for each in of.protected_branches),
        "checkout_sha": after if after != NOTHING else None,
        "message": None,
        "user_id": by.id,
        "user_name": by.name,
        "user_username": by.username,
        "user_email": by.email,
        "user_avatar": None,
        "project_id": of.id,
        "project": project(of, url),
        "commits": commits,
        "total_commits_count": len(commits),
        "push_options": {},
    }


def commit(sha: str, title: str, of: Project, url: str) -> Json:
    """A commit, as far as the sandbox knows it."""
    return {"id": sha, "message": title, "title": title, "url": f"{url}/{of.path}/-/commit/{sha}"}


def pipeline(each: Pipeline, of: Project, state: State, url: str, title: str) -> Json:
    """A pipeline that changed its status. External statuses are not among its builds."""
    asked = of.merge_request(each.merge_request or 0)
    return {
        "object_kind": "pipeline",
        "object_attributes": {
            "id": each.id,
            "iid": each.iid,
            "name": None,
            # A merge request's pipeline is told by the branch that it comes from.
            "ref": asked.source_branch if asked else each.ref,
            "tag": each.tag,
            "sha": each.sha,
            "before_sha": each.before_sha,
            "source": each.source,
            "status": each.status,
            "detailed_status": "passed" if each.status == "success" else each.status,
            "stages": list(dict.fromkeys(row.stage for row in each.jobs)),
            "created_at": _utc(each.created_at),
            "finished_at": _utc(each.finished_at),
            "duration": seconds(each.started_at, each.finished_at),
            "queued_duration": seconds(each.created_at, each.started_at),
            "variables": [{"key": key, "value": value} for key, value in each.variables.items()],
            "url": f"{url}/{of.path}/-/pipelines/{each.id}",
        },
        "merge_request": _asked(asked) if asked and each.source == MERGE_REQUEST else None,
        "user": user(state.users[each.user]),
        "project": project(of, url),
        "commit": commit(each.sha, title, of, url),
        "builds": [_build(row, of, state) for row in each.jobs],
        **_source(each, of, url),
    }


def _source(child: Pipeline, of: Project, url: str) -> Json:
    """Who started a child pipeline; others have no such field."""
    bridge = of.row(child.parent or 0)
    if bridge is None:
        return {}
    started_by = {"project": project(of, url), "job_id": bridge.id, "pipeline_id": bridge.pipeline}
    return {"source_pipeline": started_by}


def _asked(each: MergeRequest) -> Json:
    return {
        "id": each.id,
        "iid": each.iid,
        "title": each.title,
        "source_branch": each.source_branch,
        "target_branch": each.target_branch,
        "state": each.state,
        "merge_status": "unchecked",
    }


def _build(row: Row, of: Project, state: State) -> Json:
    environment = of.environment(row.config.environment) if row.config else None
    shown = (
        {
            "name": environment.name,
            "action": row.config.action if row.config else "start",
            "deployment_tier": environment.tier,
        }
        if environment
        else None
    )
    return {
        "id": row.id,
        "stage": row.stage,
        "name": row.name,
        "status": row.status,
        "created_at": _utc(row.created_at),
        "started_at": _utc(row.started_at),
        "finished_at": _utc(row.finished_at),
        "duration": seconds(row.started_at, row.finished_at),
        "queued_duration": seconds(row.created_at, row.started_at),
        "failure_reason": row.failure_reason,
        "when": row.config.when if row.config else "on_success",
        "manual": bool(row.config and row.config.when == "manual"),
        "allow_failure": row.allow_failure,
        "user": user(state.users[row.user]),
        "runner": None,
        "artifacts_file": {"filename": None, "size": None},
        "environment": shown,
    }


def job(row: Row, each: Pipeline, of: Project, state: State, url: str, title: str) -> Json:
    """A job that changed its status. The id of its `commit` is the pipeline's, as GitLab has it."""
    return {
        "object_kind": "build",
        "ref": row.ref,
        "tag": each.tag,
        "before_sha": each.before_sha,
        "sha": row.sha,
        "build_id": row.id,
        "build_name": row.name,
        "build_stage": row.stage,
        "build_status": row.status,
        "build_created_at": _utc(row.created_at),
        "build_started_at": _utc(row.started_at),
        "build_finished_at": _utc(row.finished_at),
        "build_duration": seconds(row.started_at, row.finished_at),
        "build_queued_duration": seconds(row.created_at, row.started_at),
        "build_allow_failure": row.allow_failure,
        "build_failure_reason": row.failure_reason or "unknown_failure",
        "retries_count": 0,
        "pipeline_id": each.id,
        "project_id": of.id,
        "project_name": of.path.replace("/", " / "),
        "user": user(state.users[row.user]),
        "commit": {
            "id": each.id,
            "name": None,
            "sha": each.sha,
            "message": title,
            "status": each.status,
            "duration": seconds(each.started_at, each.finished_at),
            "started_at": _utc(each.started_at),
            "finished_at": _utc(each.finished_at),
        },
        "repository": {"name": of.path.rpartition("/")[2], "git_http_url": f"{url}/{of.path}.git"},
        "project": project(of, url),
        "runner": None,
        "environment": None,
    }


def deployment(each: Deployment, of: Project, state: State, url: str, title: str) -> Json:
    """A deployment that changed its status. It has a short SHA only; the whole one is in `commit_url`."""
    where = of.environment(each.environment)
    by = state.users[each.user]
    return {
        "object_kind": "deployment",
        "status": each.status,
        "status_changed_at": f"{datetime.fromisoformat(each.updated_at):%Y-%m-%d %H:%M:%S %z}",
        "deployment_id": each.id,
        "deployable_id": each.job,
        "deployable_url": f"{url}/{of.path}/-/jobs/{each.job}" if each.job else None,
        "environment": each.environment,
        "environment_tier": where.tier if where else None,
        "environment_slug": where.slug if where else None,
        "environment_external_url": where.external_url if where else None,
        "project": project(of, url),
        "short_sha": each.sha[:8],
        "user": user(by),
        "user_url": f"{url}/{by.username}",
        "commit_url": f"{url}/{of.path}/-/commit/{each.sha}",
        "commit_title": title,
        "ref": each.ref,
    }


def merge_request(each: MergeRequest, of: Project, state: State, url: str, title: str, action: str) -> Json:
    """A merge request that was opened, changed, merged or closed."""
    return {
        "object_kind": "merge_request",
        "event_type": "merge_request",
        "user": user(state.users[each.author]),
        "project": project(of, url),
        "object_attributes": {
            "id": each.id,
            "iid": each.iid,
            "title": each.title,
            "description": each.description,
            "state": each.state,
            "source_branch": each.source_branch,
            "target_branch": each.target_branch,
            "source_project_id": of.id,
            "target_project_id": of.id,
            "author_id": each.author,
            "head_pipeline_id": each.head_pipeline,
            "merge_commit_sha": each.merge_commit,
            "last_commit": commit(each.sha, title, of, url),
            "url": f"{url}/{of.path}/-/merge_requests/{each.iid}",
            "action": action,
        },
        "labels": [],
        "changes": {},
        "repository": {"name": of.path.rpartition("/")[2]},
    }
