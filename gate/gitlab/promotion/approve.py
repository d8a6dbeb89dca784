"""Premium: the deployment to production waits for approvals, and the gate gives its own, with the verdict as comment.

Approving starts nothing where there are rules: somebody still plays the job. Rejecting drops it for good.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from gate.errors import Temporary
from gate.gitlab.client import Deployment
from gate.gitlab.promotion.production import overtaken_by, pipeline_of
from gate.gitlab.promotion.steps import Done, Idle, Later, Looks, Once, Refused, Step
from gate.gitlab.protocol import Method, Request, get_deployment, project_path
from gate.model import OnFailed, Promotion, Verdict

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
    return Seen(deployments=deployments, decided=_decided(said, bot))


def next_step(promotion: Promotion, decision: Decision, seen: Seen) -> Step:
    """Guards first, each saying why it stops; what is left over is to be decided. Pure."""
    pipeline, environment = pipeline_of(promotion), promotion.promote.name
    ours = _ours(seen.deployments, pipeline)
    if ours is None:
        why = f"pipeline {pipeline} has no deployment to {environment} that could be {decision}; compare"
        return Refused(why=f"{why} `promote.approve` with its jobs", pause=UNTIL_THERE)
    what = f"deployment {ours.id} of pipeline {pipeline} to {environment}"
    if seen.decided == decision:
        return Done(what=f"{decision} {what}")
    newer = overtaken_by(seen.deployments, pipeline)
    if decision is Decision.APPROVED and newer is not None:
        return Refused(why=f"{what} is not approved: pipeline {newer} is newer and deploys there too")
    if ours.status == "created":
        return Later(why=f"{what} does not wait for approvals yet", pause=UNTIL_THERE)
    if ours.status != "blocked":
        remedy = f"protect {environment} with an approval rule that names the gate's bot"
        return Refused(why=f"{what} is {ours.status}, and did not wait for the gate; {remedy}")
    path = project_path(promotion.commit.project, "deployments", ours.id, "approval")
    body = {"status": decision.value, "comment": f"chaos gate: {promotion.message}"[:LONGEST]}
    return Once(request=Request(method=Method.POST, path=path, body=body), what=f"{decision} {what}")


def _ours(deployments: Sequence[Deployment], pipeline: int) -> Deployment | None:
    return next((each for each in deployments if each.pipeline == pipeline), None)


def _decided(said: Any, bot: int) -> str:
    approvals = said.get("approvals") if isinstance(said, Mapping) else None
    if not isinstance(approvals, list):
        raise Temporary("GitLab answered a deployment without its approvals")
    mine = [str(one.get("status")) for one in approvals if (one.get("user") or {}).get("id") == bot]
    return mine[-1] if mine else ""
