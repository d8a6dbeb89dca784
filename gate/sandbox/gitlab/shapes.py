"""The things of the state as GitLab's REST API shows them. Pure."""

from datetime import datetime
from typing import Any

from gate.sandbox.gitlab.model import (
    Access,
    Deployment,
    Environment,
    MergeRequest,
    Note,
    Pipeline,
    Project,
    Role,
    Row,
    User,
)
from gate.sandbox.gitlab.state import State

Json = dict[str, Any]


def user(each: User, url: str = "") -> Json:
    """Somebody, as seen by others; `url` is the base of all addresses here and below."""
    return {
        "id": each.id,
        "username": each.username,
        "name": each.name,
        "state": "active",
        "avatar_url": None,
        "web_url": f"{url}/{each.username}",
    }


def project(each: Project, url: str) -> Json:
    """A project."""
    return {
        "id": each.id,
        "description": each.description,
        "name": each.path.rpartition("/")[2],
        "path": each.path.rpartition("/")[2],
        "path_with_namespace": each.path,
        "default_branch": each.default_branch,
        "visibility": each.visibility,
        "created_at": each.created_at,
        "http_url_to_repo": f"{url}/{each.path}.git",
        "web_url": f"{url}/{each.path}",
        "namespace": {
            "id": each.group.id if each.group else None,
            "path": each.namespace,
            "full_path": each.namespace,
            "kind": "group" if each.group else "user",
        },
        **{str(setting): value for setting, value in each.settings.items()},
    }


def status(row: Row, state: State, url: str) -> Json:
    """A commit status, as posting it and the list of a commit give it."""
    return {
        "id": row.id,
        "sha": row.sha,
        "ref": row.ref,
        "status": row.status,
        "name": row.name,
        "target_url": row.target_url,
        "description": row.description,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "allow_failure": row.allow_failure,
        "coverage": row.coverage,
        "pipeline_id": row.pipeline,
        "author": user(state.users[row.user], url),
    }


def pipeline(each: Pipeline, of: Project, url: str) -> Json:
    """A pipeline, as lists have it."""
    return {
        "id": each.id,
        "iid": each.iid,
        "project_id": of.id,
        "sha": each.sha,
        "ref": each.ref,
        "source": each.source,
        "status": each.status,
        "created_at": each.created_at,
        "updated_at": each.finished_at or each.started_at or each.created_at,
        "web_url": f"{url}/{of.path}/-/pipelines/{each.id}",
    }


def whole_pipeline(each: Pipeline, of: Project, state: State, url: str) -> Json:
    """A pipeline, as asking for it alone gives it."""
    return {
        **pipeline(each, of, url),
        "before_sha": each.before_sha,
        "tag": each.tag,
        "yaml_errors": each.yaml_errors,
        "user": user(state.users[each.user], url),
        "started_at": each.started_at,
        "finished_at": each.finished_at,
        "duration": seconds(each.started_at, each.finished_at),
        "queued_duration": seconds(each.created_at, each.started_at),
        "coverage": None,
    }


def job(row: Row, of: Project, state: State, url: str) -> Json:
    """A job of CI."""
    within = of.pipeline(row.pipeline)
    return {
        "id": row.id,
        "name": row.name,
        "stage": row.stage,
        "status": row.status,
        "ref": row.ref,
        "tag": bool(within and within.tag),
        "coverage": row.coverage,
        "allow_failure": row.allow_failure,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "duration": seconds(row.started_at, row.finished_at),
        "failure_reason": row.failure_reason,
        "web_url": f"{url}/{of.path}/-/jobs/{row.id}",
        "pipeline": pipeline(within, of, url) if within else None,
        "project": {"ci_job_token_scope_enabled": False},
        "commit": {"id": row.sha, "short_id": row.sha[:8]},
        "user": user(state.users[row.user], url),
        "runner": None,
        "artifacts": [],
    }


def bridge(row: Row, of: Project, state: State, url: str) -> Json:
    """A job that starts a child pipeline."""
    child = of.pipeline(row.downstream or 0)
    return {**job(row, of, state, url), "downstream_pipeline": pipeline(child, of, url) if child else None}


def environment(each: Environment, of: Project, state: State, url: str) -> Json:
    """An environment, with what was last brought there."""
    last = [record for record in of.deployments if record.environment == each.name and record.status == "success"]
    return {
        "id": each.id,
        "name": each.name,
        "slug": each.slug,
        "external_url": each.external_url,
        "state": each.state,
        "tier": each.tier,
        "created_at": each.created_at,
        "last_deployment": deployment(last[-1], of, state, url) if last else None,
    }


def deployment(each: Deployment, of: Project, state: State, url: str) -> Json:
    """A deployment, with the job that made it."""
    row, where = of.row(each.job or 0), of.environment(each.environment)
    return {
        "id": each.id,
        "iid": each.iid,
        "ref": each.ref,
        "sha": each.sha,
        "status": each.status,
        "created_at": each.created_at,
        "updated_at": each.updated_at,
        "environment": {
            "id": where.id if where else None,
            "name": each.environment,
            "external_url": where.external_url if where else None,
        },
        "user": user(state.users[each.user], url),
        "deployable": job(row, of, state, url) if row else None,
    }


def whole_deployment(each: Deployment, of: Project, state: State, url: str) -> Json:
    """A deployment with its approvals, as asking for it alone gives it."""
    protection = of.protection(each.environment)
    rules = protection.rules if protection else []
    shown = [
        {
            **access(rule.access),
            "required_approvals": rule.required,
            "deployment_approvals": [
                approval(given.user, given.status, given.comment, given.created_at, state, url)
                for given in each.approvals
                if given.rule == rule.access.id
            ],
        }
        for rule in rules
    ]
    missing = sum(
        max(
            0,
            rule.required
            - sum(given.rule == rule.access.id and given.status == "approved" for given in each.approvals),
        )
        for rule in rules
    )
    return {
        **deployment(each, of, state, url),
        "pending_approval_count": missing if each.status == "blocked" else 0,
        "approvals": [
            approval(given.user, given.status, given.comment, given.created_at, state, url) for given in each.approvals
        ],
        "approval_summary": {"rules": shown},
    }


def approval(by: int, status_: str, comment: str | None, at: str, state: State, url: str) -> Json:
    """What somebody decided."""
    return {"user": user(state.users[by], url), "status": status_, "created_at": at, "comment": comment}


LEVELS = {
    Role.NOBODY: "No one",
    Role.DEVELOPER: "Developers + Maintainers",
    Role.MAINTAINER: "Maintainers",
}


def access(each: Access) -> Json:
    """Who is let through."""
    return {
        "id": each.id,
        "user_id": each.user,
        "group_id": each.group,
        "access_level": each.role,
        "access_level_description": LEVELS.get(each.role or Role.NOBODY, "") if each.role is not None else "",
    }


def merge_request(each: MergeRequest, of: Project, state: State, url: str, mergeable: str) -> Json:
    """A merge request; `mergeable` is what stands in its way."""
    head = of.pipeline(each.head_pipeline or 0)
    return {
        "id": each.id,
        "iid": each.iid,
        "project_id": of.id,
        "title": each.title,
        "description": each.description,
        "state": each.state,
        "source_branch": each.source_branch,
        "target_branch": each.target_branch,
        "source_project_id": of.id,
        "target_project_id": of.id,
        "author": user(state.users[each.author], url),
        "sha": each.sha,
        "merge_commit_sha": each.merge_commit,
        "merge_status": "can_be_merged" if mergeable != "conflict" else "cannot_be_merged",
        "detailed_merge_status": mergeable,
        "has_conflicts": mergeable == "conflict",
        "created_at": each.created_at,
        "merged_at": each.merged_at,
        "head_pipeline": whole_pipeline(head, of, state, url) if head else None,
        "web_url": f"{url}/{of.path}/-/merge_requests/{each.iid}",
    }


def note(each: Note, state: State, url: str) -> Json:
    """What somebody wrote."""
    return {
        "id": each.id,
        "body": each.body,
        "author": user(state.users[each.author], url),
        "system": False,
        "created_at": each.created_at,
        "updated_at": each.updated_at,
    }


def seconds(begin: str | None, end: str | None) -> float | None:
    """How long it took."""
    if begin is None or end is None:
        return None
    return (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
