"""The variables that a job finds, in GitLab's order of precedence."""

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlparse

from gate.sandbox.gitlab.model import MERGE_REQUEST, Pipeline, Project, Row
from gate.sandbox.gitlab.permissions import protection_of
from gate.sandbox.gitlab.running.turns import before
from gate.sandbox.gitlab.state import State


def of_pipeline(state: State, project: Project, pipeline: Pipeline, url: str) -> dict[str, str]:
    """What every job of the pipeline has, and its rules may ask for; `url` is the base of all addresses."""
    user, namespace = state.users[pipeline.user], project.namespace
    address = urlparse(url)
    return {
        "CI": "true",
        "GITLAB_CI": "true",
        "CI_SERVER": "yes",
        "CI_SERVER_URL": url,
        "CI_SERVER_HOST": address.hostname or "",
        "CI_SERVER_FQDN": address.netloc,
        "CI_API_V4_URL": f"{url}/api/v4",
        "CI_PROJECT_ID": str(project.id),
        "CI_PROJECT_NAME": project.path.rpartition("/")[2],
        "CI_PROJECT_PATH": project.path,
        "CI_PROJECT_PATH_SLUG": project.path.replace("/", "-").lower(),
        "CI_PROJECT_NAMESPACE": namespace,
        "CI_PROJECT_URL": f"{url}/{project.path}",
        "CI_DEFAULT_BRANCH": project.default_branch,
        "CI_COMMIT_SHA": pipeline.sha,
        "CI_COMMIT_SHORT_SHA": pipeline.sha[:8],
        "CI_COMMIT_BEFORE_SHA": pipeline.before_sha,
        "CI_COMMIT_REF_NAME": _ref(project, pipeline),
        "CI_COMMIT_REF_SLUG": _ref(project, pipeline).replace("/", "-").lower(),
        "CI_COMMIT_REF_PROTECTED": str(protection_of(project, pipeline.ref) is not None).lower(),
        "CI_PIPELINE_ID": str(pipeline.id),
        "CI_PIPELINE_IID": str(pipeline.iid),
        "CI_PIPELINE_SOURCE": pipeline.source,
        "CI_PIPELINE_URL": f"{url}/{project.path}/-/pipelines/{pipeline.id}",
        "GITLAB_USER_ID": str(user.id),
        "GITLAB_USER_LOGIN": user.username,
        "GITLAB_USER_NAME": user.name,
        "GITLAB_USER_EMAIL": user.email,
        **_kind(project, pipeline),
    }


def of_job(
    state: State, project: Project, pipeline: Pipeline, row: Row, *, url: str, folder: Path, own: Mapping[str, str]
) -> dict[str, str]:
    """All that the job finds. `own`: tokens that were made for it."""
    config = row.config
    protected = protection_of(project, pipeline.ref) is not None
    reported = {key: value for job in before(row, pipeline.jobs) for key, value in job.dotenv.items()}
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(folder),
        **of_pipeline(state, project, pipeline, url),
        "CI_PROJECT_DIR": str(folder),
        "CI_JOB_ID": str(row.id),
        "CI_JOB_NAME": row.name,
        "CI_JOB_STAGE": row.stage,
        "CI_JOB_URL": f"{url}/{project.path}/-/jobs/{row.id}",
        "CI_JOB_STARTED_AT": row.started_at or "",
        **_environment(project, row),
        **own,
        # The later wins.
        **(config.variables if config else {}),
        **reported,
        **{each.key: each.value for each in project.variables.values() if protected or not each.protected},
        **pipeline.variables,
        **row.variables,
    }


def _ref(project: Project, pipeline: Pipeline) -> str:
    asked = project.merge_request(pipeline.merge_request or 0)
    return asked.source_branch if asked and pipeline.source == MERGE_REQUEST else pipeline.ref


def _kind(project: Project, pipeline: Pipeline) -> dict[str, str]:
    """What only pipelines of branches, of tags, or of merge requests have."""
    asked = project.merge_request(pipeline.merge_request or 0)
    if asked and pipeline.source == MERGE_REQUEST:
        return {
            "CI_MERGE_REQUEST_ID": str(asked.id),
            "CI_MERGE_REQUEST_IID": str(asked.iid),
            "CI_MERGE_REQUEST_REF_PATH": pipeline.ref,
            "CI_MERGE_REQUEST_EVENT_TYPE": "merged_result" if pipeline.source_sha else "detached",
            "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": asked.source_branch,
            "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA": pipeline.source_sha or "",
            "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": asked.target_branch,
        }
    return {"CI_COMMIT_TAG" if pipeline.tag else "CI_COMMIT_BRANCH": pipeline.ref}


def _environment(project: Project, row: Row) -> dict[str, str]:
    there = project.environment(row.config.environment) if row.config else None
    if there is None or row.config is None:
        return {}
    return {
        "CI_ENVIRONMENT_NAME": there.name,
        "CI_ENVIRONMENT_SLUG": there.slug,
        "CI_ENVIRONMENT_TIER": there.tier,
        "CI_ENVIRONMENT_ACTION": row.config.action,
        **({"CI_ENVIRONMENT_URL": there.external_url} if there.external_url else {}),
    }
