"""Premium: the deployment to production waits for approvals, and the gate gives its own, with the verdict as comment.

Approving starts nothing where there are rules: somebody still plays the job, a person or, if the subscription says so,
the gate as soon as nobody's approval is missing any more. Rejecting drops it for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gate.errors import Temporary
from gate.gitlab.client import Deployment
from gate.gitlab.promotion.production import Job, job_numbered, overtaken_by, pipeline_of
from gate.gitlab.promotion.steps import Done, Idle, Later, Looks, Once, Refused, Step
from gate.gitlab.protocol import Method, Request, get_deployment, project_path
from gate.model import OnApproved, OnFailed, Promotion, Verdict

LONGEST = 255
"""Characters of a comment."""
UNTIL_THERE = timedelta(minutes=1)
"""How soon to look again at what jobs before it, or people, have to bring about."""


class Decision(StrEnum):
    """What the gate says of a deployment."""

    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that the decision depends on."""

    deployments: Sequence[Deployment]
    """To the environment, newest first."""
    decided: str
    """What we have said of the newest one of our pipeline; empty: nothing."""
    job: Job | None = None
    """That deploys it; None where it is not ours to be played, or is gone."""


class Approve:
    """Looks, and has `next_step` decide."""

    def announce(self, gitlab: Looks, promotion: Promotion) -> Step:
        """What waits, waits."""
        return Idle()

    def result(self, gitlab: Looks, promotion: Promotion) -> Step:
        """Only a version that has failed is rejected: what could not be found out may well be good."""
        wanted = promotion.promote.on_failed is OnFailed.REJECT and promotion.verdict is Verdict.FAILED
        return next_step(promotion, Decision.REJECTED, look(gitlab, promotion)) if wanted else Idle()

    def release(self, gitlab: Looks, promotion: Promotion) -> Step:
        return next_step(promotion, Decision.APPROVED, look(gitlab, promotion))


def look(gitlab: Looks, promotion: Promotion) -> Seen:
    """The deployments, and what our user has said of ours."""
    project = promotion.commit.project
    deployments = gitlab.deployments(project, environment=promotion.promote.name)
    ours = _ours(deployments, pipeline_of(promotion))
    if ours is None or ours.job is None:
        return Seen(deployments=deployments, decided="")
    bot, said = gitlab.user(), gitlab.send(get_deployment(project, ours.id))
    plays = promotion.promote.on_approved is OnApproved.PLAY
    job = job_numbered(gitlab, project, pipeline_of(promotion), ours.job) if plays else None
    return Seen(deployments=deployments, decided=_decided(said, bot), job=job)


def next_step(promotion: Promotion, decision: Decision, seen: Seen) -> Step:
    """Guards first, each saying why it stops; what is left over is to be decided. Pure."""
    pipeline, environment = pipeline_of(promotion), promotion.promote.name
    ours = _ours(seen.deployments, pipeline)
    if ours is None:
        why = f"pipeline {pipeline} has no deployment to {environment} that could be {decision}; compare"
        return Refused(why=f"{why} `promote.approve` with its jobs", pause=UNTIL_THERE)
    what = f"deployment {ours.id} of pipeline {pipeline} to {environment}"
    newer = overtaken_by(seen.deployments, pipeline) if decision is Decision.APPROVED else None
    if seen.decided == decision:
        plays = decision is Decision.APPROVED and promotion.promote.on_approved is OnApproved.PLAY
        return _play(promotion, ours, seen.job, newer) if plays else Done(what=f"{decision} {what}")
    if newer is not None:
        return Refused(why=f"{what} is not approved: pipeline {newer} is newer and deploys there too")
    if ours.status == "created":
        return Later(why=f"{what} does not wait for approvals yet", pause=UNTIL_THERE)
    if ours.status != "blocked":
        remedy = f"protect {environment} with an approval rule that names the gate's bot"
        return Refused(why=f"{what} is {ours.status}, and did not wait for the gate; {remedy}")
    path = project_path(promotion.commit.project, "deployments", ours.id, "approval")
    body = {"status": decision.value, "comment": f"chaos gate: {promotion.message}"[:LONGEST]}
    last = decision is Decision.REJECTED or promotion.promote.on_approved is OnApproved.WAIT
    return Once(request=Request(method=Method.POST, path=path, body=body), what=f"{decision} {what}", last=last)


def _play(promotion: Promotion, ours: Deployment, job: Job | None, newer: int | None) -> Step:
    """What follows when our approval is given. Whoever has played the job since was allowed to: that is no way past."""
    if job is None:
        return Refused(why=f"deployment {ours.id} is approved, and its job is gone; run a new pipeline")
    what = f"job {job.name} of pipeline {pipeline_of(promotion)}"
    if job.status != "manual":
        return Done(what=f"approved deployment {ours.id}, and {what} is {job.status}")
    if ours.status == "blocked":
        return Later(why=f"{what} waits for the approvals of others", pause=UNTIL_THERE)
    if newer is not None:
        return Refused(why=f"{what} is not played: pipeline {newer} is newer and deploys there too")
    path = project_path(promotion.commit.project, "jobs", job.id, "play")
    return Once(
        request=Request(method=Method.POST, path=path), what=f"approved deployment {ours.id}, and played {what}"
    )


def _ours(deployments: Sequence[Deployment], pipeline: int) -> Deployment | None:
    return next((each for each in deployments if each.pipeline == pipeline), None)


def _decided(said: Any, bot: int) -> str:
    approvals = said.get("approvals") if isinstance(said, Mapping) else None
    if not isinstance(approvals, list):
        raise Temporary("GitLab answered a deployment without its approvals")
    mine = [str(one.get("status")) for one in approvals if (one.get("user") or {}).get("id") == bot]
    return mine[-1] if mine else ""
