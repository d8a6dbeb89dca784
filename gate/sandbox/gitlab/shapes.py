"""The things of the state as GitLab's REST API shows them. Pure."""

from typing import Any

from gate.sandbox.gitlab.state import Deployment, Pipeline, Project, Row, State, User

Json = dict[str, Any]


def user(each: User) -> Json:
    """Somebody, as seen by others."""
    return {"id": each.id, "username": each.username, "name": each.name, "state": "active"}


def project(each: Project, url: str) -> Json:
    """A project; `url` is the base of all addresses here and below."""
    return {
        "id": each.id,
        "name": each.path.rpartition("/")[2],
        "path": each.path.rpartition("/")[2],
        "path_with_namespace": each.path,
        "default_branch": "main",
        "http_url_to_repo": f"{url}/{each.path}.git",
        "web_url": f"{url}/{each.path}",
    }


def status(row: Row, state: State) -> Json:
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
        "author": user(state.users[row.user]),
    }


def pipeline(each: Pipeline, of: Project, url: str) -> Json:
    """A pipeline; its status is worked out now, where the real one lags behind by a moment."""
    return {
        "id": each.id,
        "iid": each.iid,
        "project_id": of.id,
        "sha": each.sha,
        "ref": each.ref,
        "source": each.source,
        "status": each.status,
        "yaml_errors": each.yaml_errors,
        "created_at": each.created_at,
        "web_url": f"{url}/{of.path}/-/pipelines/{each.id}",
    }


def job(row: Row, of: Project, state: State, url: str) -> Json:
    """A job of CI."""
    return {
        "id": row.id,
        "name": row.name,
        "stage": row.stage,
        "status": row.status,
        "ref": row.ref,
        "allow_failure": row.allow_failure,
        "created_at": row.created_at,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "failure_reason": row.failure_reason,
        "web_url": f"{url}/{of.path}/-/jobs/{row.id}",
        "pipeline": {"id": row.pipeline, "project_id": of.id, "sha": row.sha, "ref": row.ref},
        "commit": {"id": row.sha, "short_id": row.sha[:8]},
        "user": user(state.users[row.user]),
    }


def deployment(each: Deployment, of: Project, state: State, url: str) -> Json:
    """A deployment, with the job that made it."""
    row = of.row(each.job) if each.job else None
    return {
        "id": each.id,
        "iid": each.iid,
        "ref": each.ref,
        "sha": each.sha,
        "status": each.status,
        "created_at": each.created_at,
        "environment": {"name": each.environment},
        "user": user(state.users[each.user]),
        "deployable": job(row, of, state, url) if row else None,
    }
