"""What the JWT of a job says about it: GitLab's claims for `id_tokens`, by its documentation. Pure."""

import uuid
from collections.abc import Sequence
from typing import Any

from gate.sandbox.gitlab.model import MERGE_REQUEST, Pipeline, Project, Role, Row
from gate.sandbox.gitlab.permissions import protection_of
from gate.sandbox.gitlab.state import State

LIFETIME = 3600
"""Seconds; GitLab's is the time-out of the job, an hour by default."""
EARLY = 5
"""Seconds that a token is valid before it was made, for clocks that go slow."""
LEVELS = {
    Role.GUEST: "guest",
    Role.REPORTER: "reporter",
    Role.DEVELOPER: "developer",
    Role.MAINTAINER: "maintainer",
    Role.OWNER: "owner",
}


def claims(
    state: State, project: Project, pipeline: Pipeline, row: Row, *, issuer: str, audience: Sequence[str]
) -> dict[str, Any]:
    """Everything in one token. Numbers are texts, as GitLab has them."""
    asked = project.merge_request(pipeline.merge_request or 0) if pipeline.source == MERGE_REQUEST else None
    ref, kind = (asked.source_branch, "branch") if asked else (pipeline.ref, "tag" if pipeline.tag else "branch")
    path = f"refs/{'tags' if kind == 'tag' else 'heads'}/{ref}"
    user, now = state.users[row.user], int(state.clock().timestamp())
    return {
        **_project(project),
        **{f"job_{key}": value for key, value in _project(project).items()},
        "user_id": str(user.id),
        "user_login": user.username,
        "user_email": user.email,
        "user_access_level": LEVELS.get(project.role(user)),
        "pipeline_id": str(pipeline.id),
        "pipeline_source": pipeline.source,
        "job_id": str(row.id),
        "ref": ref,
        "ref_type": kind,
        "ref_path": path,
        "ref_protected": str(protection_of(project, pipeline.ref) is not None).lower(),
        **_environment(project, row),
        "runner_id": 1,
        "runner_environment": "self-hosted",
        "sha": pipeline.sha,
        "project_visibility": project.visibility,
        "ci_config_ref_uri": f"{issuer.partition('://')[2]}/{project.path}//.gitlab-ci.yml@{path}",
        "ci_config_sha": pipeline.sha,
        "jti": str(uuid.uuid4()),
        "iss": issuer,
        "iat": now,
        "nbf": now - EARLY,
        "exp": now + LIFETIME,
        "sub": f"project_path:{project.path}:ref_type:{kind}:ref:{ref}",
        "aud": audience[0] if len(audience) == 1 else list(audience),
    }


def _project(project: Project) -> dict[str, str]:
    return {
        "namespace_id": str(project.group.id if project.group else project.id),
        "namespace_path": project.namespace,
        "project_id": str(project.id),
        "project_path": project.path,
    }


def _environment(project: Project, row: Row) -> dict[str, str]:
    there = project.environment(row.config.environment) if row.config else None
    if there is None or row.config is None:
        return {}
    return {
        "environment": there.name,
        "environment_protected": str(project.protection(there.name) is not None).lower(),
        "deployment_tier": there.tier,
        "environment_action": row.config.action,
    }
