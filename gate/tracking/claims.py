"""What the catalogue's subscriptions claim of one workload, one by one and together. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gate.documents import together as documents
from gate.documents.canonical import identity_of
from gate.documents.together import Together, contradictions
from gate.model import Reason, Subscription, Workflow


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One subscription as it stands in the catalogue: what it asks of a workload, or why it cannot be read."""

    name: str
    subscription: Subscription | None
    workflows: tuple[Workflow, ...] = ()
    problems: tuple[str, ...] = ()
    denied: bool = False
    """The document is right, and the administrators' policy forbids what it asks for."""
    since: datetime
    """When the gate first knew of it; a workload created later is judged from its first version on."""


def together(claims: Sequence[Claim]) -> Together:
    """What those that can be read add up to."""
    return documents.together(_known(claims))


def workflows(claims: Sequence[Claim]) -> dict[str, tuple[Workflow, tuple[str, ...]]]:
    """Every workflow that is asked for, once, with the subscriptions that ask for it."""
    wanted: dict[str, tuple[Workflow, tuple[str, ...]]] = {}
    for claim in sorted(claims, key=lambda claim: claim.name):
        for workflow in claim.workflows:
            key = identity_of(workflow)
            names = wanted[key][1] if key in wanted else ()
            wanted[key] = (workflow, (*names, claim.name))
    return wanted


def problems(claims: Sequence[Claim]) -> str:
    """Why nothing can be judged for them, in one sentence; empty if it can."""
    said = [f"subscriptions of one workload contradict each other: {each}" for each in contradictions(_known(claims))]
    return "; ".join([*(problem for claim in claims for problem in claim.problems), *said])


def reason(claims: Sequence[Claim]) -> Reason:
    """Which kind of problems they are."""
    wrong = [claim for claim in claims if claim.problems]
    only_denied = bool(wrong) and all(claim.denied for claim in wrong) and not contradictions(_known(claims))
    return Reason.POLICY_DENIED if only_denied else Reason.BAD_DOCUMENT


def _known(claims: Sequence[Claim]) -> list[Subscription]:
    return sorted((each.subscription for each in claims if each.subscription), key=lambda each: each.name)
