"""What stands between a pipeline and production: its job, the deployments there, and who may deploy. Looks only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gate.errors import Absent, Permanent, Temporary
from gate.gitlab.client import Deployment
from gate.gitlab.promotion.steps import Looks
from gate.gitlab.protocol import get_jobs, get_protection
from gate.model import Promotion


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job, as far as the gate looks at it."""

    id: int
    name: str
    status: str
    user: int | None = None
    """Who started it, or the pipeline that it is in."""
    started: bool = True
    """It has run, or runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """Who may deploy to a protected environment."""

    users: Mapping[int, str] = field(default_factory=dict)
    """By their ids, as GitLab calls them."""
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Roles, as GitLab calls them: everybody who has one may."""


def pipeline_of(promotion: Promotion) -> int:
    """The pipeline that waits; `Permanent` where none is known."""
    commit = promotion.commit
    if commit.pipeline is None:
        raise Permanent(
            f"nothing says which pipeline of {commit.project} waits for commit {commit.sha[:8]}; "
            f"let the deploy job write the annotation chaosgate.dev/pipeline=$CI_PIPELINE_ID on the workload"
        )
    return commit.pipeline


def job_called(gitlab: Looks, project: str, pipeline: int, name: str) -> Job | None:
    """The job of that name in a pipeline: the newest, where it was retried."""
    found = [_job(one) for one in gitlab.pages(get_jobs(project, pipeline)) if one.get("name") == name]
    return max(found, key=lambda each: each.id, default=None)


def job_numbered(gitlab: Looks, project: str, pipeline: int, number: int) -> Job | None:
    """A job of a pipeline; None if it has been erased with all that is known of it."""
    return next((_job(one) for one in gitlab.pages(get_jobs(project, pipeline)) if one.get("id") == number), None)


def protection_of(gitlab: Looks, project: str, environment: str) -> Protection | None:
    """Who may deploy there; None: whoever may run the job."""
    try:
        said = gitlab.send(get_protection(project, environment))
    except Absent:
        return None
    levels = said.get("deploy_access_levels") if isinstance(said, dict) else None
    if not isinstance(levels, list) or not all(isinstance(one, dict) for one in levels):
        raise Temporary("GitLab answered something that is not the protection of an environment")
    return Protection(
        users={one["user_id"]: _called(one, "user_id") for one in levels if one.get("user_id") is not None},
        groups=tuple(_called(one, "group_id") for one in levels if one.get("group_id") is not None),
        roles=tuple(
            _called(one, "access_level") for one in levels if one.get("user_id") is None and one.get("group_id") is None
        ),
    )


def overtaken_by(deployments: Sequence[Deployment], pipeline: int) -> int | None:
    """The newest pipeline that deploys there, if it is newer than this one."""
    newest = max((each.pipeline for each in deployments if each.pipeline is not None), default=pipeline)
    return newest if newest > pipeline else None


def _called(level: Mapping[str, Any], what: str) -> str:
    return str(level.get("access_level_description") or f"{what.replace('_', ' ')} {level.get(what)}")


def _job(said: Mapping[str, Any]) -> Job:
    try:
        user = (said.get("user") or {}).get("id")
        number, name, status = int(said["id"]), str(said["name"]), str(said["status"])
        return Job(id=number, name=name, status=status, user=user, started=bool(said.get("started_at")))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Temporary(f"GitLab answered something that is not a job: {error!r}") from error
