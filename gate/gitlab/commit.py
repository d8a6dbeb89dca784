"""Which commit and pipeline a hint means: asked of GitLab, before anything is written there in a commit's name."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gate.errors import Permanent
from gate.gitlab.client import Deployment, Pipeline
from gate.model import Commit, CommitHint

DEPLOYED = {"running", "success"}
"""While the cluster has changed already, the record of the deploy job that changed it is still `running`."""
NOT_WAITING = {"parent_pipeline", "external"}
"""Sources of pipelines that nobody waits for: GitLab finds no child by its id, and the other is no run of anything."""
REMEDY = "let the deploy job write its annotations: `chaos-gate annotate` prints the lines"


class Records(Protocol):
    """GitLab, as far as commits are looked up in it."""

    def commit(self, project: str, revision: str) -> str:
        """The whole id of a commit; `Permanent` if there is none, or several fit."""
        ...

    def pipelines_of(self, project: str, sha: str) -> Sequence[Pipeline]:
        """The pipelines of a commit, newest first."""
        ...

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        """The newest deployments to an environment, newest first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """GitLab knows the commit and a pipeline of it."""

    commit: Commit
    how: str
    """By what it was found, for people."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """GitLab does not confirm it. `why` says what does not fit and what to do."""

    why: str


def resolve(gitlab: Records, hint: CommitHint, *, project: str, environment: str) -> Resolved | Unresolved:
    """The commit that a hint means, in a project and an environment.

    Raises `Temporary` while GitLab cannot be asked; that is no answer, neither yes nor no.
    """
    try:
        deployments = gitlab.deployments(project, environment=environment)
        sha = gitlab.commit(project, hint.revision)
        if not sha.startswith(hint.revision):  # a branch or a tag may be called as the beginning of a commit's id
            return Unresolved(why=f"{hint.revision} of the {hint.rung} is no commit of {project}; {REMEDY}")
        record = next((each for each in deployments if each.sha == sha), None)
        if record is not None and record.status not in DEPLOYED:
            where = f"deployment {record.id} of commit {sha[:8]} to {environment}"
            return Unresolved(why=f"{where} is {record.status}; run the deploy job again")
        pipeline = record.pipeline if record else None
        if pipeline is None:
            fitting = [each for each in gitlab.pipelines_of(project, sha) if each.source not in NOT_WAITING]
            pipeline = fitting[0].id if fitting else None
    except Permanent as error:
        return Unresolved(why=f"{error}; {REMEDY}")
    if pipeline is None:
        return Unresolved(why=f"{project} has no pipeline of commit {sha[:8]} that waits for a status; {REMEDY}")
    confirmed = (
        f"deployment {record.id} ({record.status})" if record else f"pipeline {pipeline}, no deployment recorded"
    )
    return Resolved(commit=Commit(project=project, sha=sha, pipeline=pipeline), how=f"{hint.rung}, {confirmed}")
