"""Whether GitLab itself confirms what annotations say: that this pipeline of this commit has deployed to staging.

Whoever may patch a workload may write any pipeline onto it. The bot must not open production for one that has not been
there. What GitLab cannot confirm is that the image comes from the commit.
"""

from collections.abc import Collection, Sequence

from gate.errors import Absent
from gate.gitlab.client import Deployment
from gate.gitlab.commit import DEPLOYED
from gate.gitlab.promotion.steps import Looks
from gate.model import Commit, Promotion, Way

SUCCEEDED = {"success"}


def unproven(gitlab: Looks, wanted: Promotion, environments: Collection[str]) -> str:
    """Why production may not be opened for the commit, with the remedy; empty if everything is as it was said to be.

    Raises `Temporary` and `Permanent`, which are no answer.
    """
    commit = wanted.commit
    if commit.pipeline is not None and (problem := _no_such_pipeline(gitlab, commit)):
        return problem
    if not environments:
        return f"nobody says where commit {commit.sha[:8]} was judged; see `environment` of the subscription"
    # A job that still deploys has not finished changing staging; play and approve wait for the jobs before theirs.
    enough = DEPLOYED if wanted.promote.way in {Way.PLAY, Way.APPROVE} else SUCCEEDED
    for environment in sorted(environments):
        deployments = gitlab.deployments(commit.project, environment=environment)
        if problem := _undeployed(commit, environment, deployments, enough):
            return problem
        if wanted.promote.way is Way.TRIGGER and (problem := _overtaken(commit, environment, deployments)):
            return problem
    return ""


def _no_such_pipeline(gitlab: Looks, commit: Commit) -> str:
    remedy = "let the deploy job write its annotations: `chaos-gate annotate` prints the lines"
    try:
        found = gitlab.pipeline(commit.project, commit.pipeline or 0)
    except Absent:
        return f"{commit.project} has no pipeline {commit.pipeline}, which the workload names; {remedy}"
    if found.sha.lower() == commit.sha.lower():
        return ""
    said = f"pipeline {commit.pipeline} of {commit.project} is one of commit {found.sha[:8]}"
    return f"{said}, and the workload names commit {commit.sha[:8]}; {remedy}"


def _undeployed(commit: Commit, environment: str, deployments: Sequence[Deployment], enough: Collection[str]) -> str:
    if _ours(commit, deployments, enough):
        return ""
    what = f"pipeline {commit.pipeline}" if commit.pipeline is not None else f"commit {commit.sha[:8]}"
    remedy = f"give the job that deploys there `environment: {environment}`, and protect that environment"
    return f"{what} of {commit.project} has no deployment to {environment} that {' or '.join(sorted(enough))}; {remedy}"


def _overtaken(commit: Commit, environment: str, deployments: Sequence[Deployment]) -> str:
    """A version that came back is not for production once more: nothing there says which pipeline is the newest."""
    there = [each for each in deployments if each.status in DEPLOYED]
    ours = max(_ours(commit, there, DEPLOYED), key=_age)
    newer = max((each for each in there if each.sha.lower() != ours.sha.lower()), key=_age, default=ours)
    if _age(newer) <= _age(ours):
        return ""
    what = f"pipeline {newer.pipeline}" if newer.pipeline is not None else f"deployment {newer.id}"
    said = f"no pipeline is started for commit {commit.sha[:8]}: {what} is newer and has deployed to {environment} too"
    return f"{said}; to go back in production, start that pipeline by hand"


def _ours(commit: Commit, deployments: Sequence[Deployment], enough: Collection[str]) -> list[Deployment]:
    return [
        each
        for each in deployments
        if each.status in enough and each.sha.lower() == commit.sha.lower() and commit.pipeline in {None, each.pipeline}
    ]


def _age(deployment: Deployment) -> tuple[int, int]:
    """A job of an old pipeline that runs again makes a new record: the pipeline says how old it is."""
    return (deployment.pipeline or 0, deployment.id)
