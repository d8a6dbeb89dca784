"""Whether what a workload says of its commit is true: asked of GitLab before anything is written there in its name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gate.errors import Permanent
from gate.gitlab.client import Deployment, Pipeline
from gate.model import Commit

_DEPLOYED = {"running", "success"}
"""While the cluster has changed already, the record of the deploy job that changed it is still `running`."""


class Records(Protocol):
    """GitLab, as far as a commit is verified with it."""

    def pipeline(self, project: str, pipeline: int) -> Pipeline:
        """One pipeline; `Permanent` if there is none."""
        ...

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        """The newest deployments to an environment, newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """GitLab knows the commit and its pipeline."""

    commit: Commit
    how: str
    """What it was compared with, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """GitLab does not confirm it. `why` says what does not fit and what to do."""

    commit: Commit
    why: str


def verify(gitlab: Records, commit: Commit, *, environment: str = "") -> Verified | Unresolved:
    """Compare a commit with its pipeline and, where an environment is given, with the deployments recorded for it.

    Raises `Temporary` while GitLab cannot be asked; that is no answer, neither yes nor no.
    """
    if commit.pipeline is None:
        why = "no pipeline is named; let the deploy job write chaosgate.dev/pipeline=$CI_PIPELINE_ID on the workload"
        return Unresolved(commit=commit, why=why)
    try:
        pipeline = gitlab.pipeline(commit.project, commit.pipeline)
        deployments = gitlab.deployments(commit.project, environment=environment) if environment else ()
    except Permanent as error:
        return Unresolved(commit=commit, why=str(error))
    if pipeline.sha != commit.sha:
        why = (
            f"pipeline {commit.pipeline} of {commit.project} is for commit {pipeline.sha[:8]}, "
            f"the workload says {commit.sha[:8]}; write both annotations from the same job, in one patch"
        )
        return Unresolved(commit=commit, why=why)
    how = f"pipeline {pipeline.id}"
    if not environment:
        return Verified(commit=commit, how=how)
    return _deployed(commit, deployments, environment=environment, how=how)


def _deployed(
    commit: Commit, deployments: Sequence[Deployment], *, environment: str, how: str
) -> Verified | Unresolved:
    """The newest record of this very commit decides; an older success says nothing of a newer attempt."""
    record = next((one for one in deployments if one.sha == commit.sha), None)
    if record is None:
        why = (
            f"{commit.project} has no deployment of commit {commit.sha[:8]} to {environment}; "
            f"give the deploy job `environment: {{name: {environment}}}`"
        )
        return Unresolved(commit=commit, why=why)
    if record.status not in _DEPLOYED:
        where = f"deployment {record.id} of commit {commit.sha[:8]} to {environment}"
        why = f"{where} is {record.status}; run the deploy job again"
        return Unresolved(commit=commit, why=why)
    return Verified(commit=commit, how=f"{how}, deployment {record.id} ({record.status})")
