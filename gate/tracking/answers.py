"""What a gate's status says of its version: that it is being judged, has an answer, or has none. Pure."""

from dataclasses import replace

from gate.model import GateStatus, Judgement, Phase, Reason, Verdict
from gate.tracking import claims
from gate.tracking.seen import Seen

OPEN_QUESTIONS = frozenset({Reason.SUPERSEDED, Reason.ROLLOUT_FAILED})
"""Verdicts that were given without judging the version; when it is there after all, it is judged."""
REFUSED = frozenset({Reason.BAD_DOCUMENT, Reason.POLICY_DENIED})
"""The same, where they were given before a run was made; a run that ended with one of them has judged the version."""


def is_judging(status: GateStatus) -> bool:
    """Runs are on, and the answer follows from them."""
    return bool(status.runs) and status.verdict is None


def is_answered(status: GateStatus) -> bool:
    """The version was judged, be it with an answer that nobody likes."""
    if status.reason in REFUSED:
        return any(entry.uid and entry.reason is status.reason for entry in status.runs)
    return status.verdict is not None and status.reason not in OPEN_QUESTIONS


def pending(status: GateStatus, message: str) -> GateStatus:
    """No answer yet, and none under way."""
    return replace(status, phase=Phase.PENDING, verdict=None, reason=Reason.NOT_JUDGED_YET, message=message, runs=())


def without_runs(status: GateStatus, judgement: Judgement) -> GateStatus:
    """An answer for which nothing was run."""
    phase = Phase.OPEN if judgement.verdict is Verdict.PASSED else Phase.CLOSED
    return replace(
        status, phase=phase, verdict=judgement.verdict, reason=judgement.reason, message=judgement.message, runs=()
    )


def refused(status: GateStatus, seen: Seen, problems: str) -> GateStatus:
    """The answer where the documents, or what the policy says to them, keep the version from being judged."""
    reason = claims.reason(seen.claims)
    return without_runs(status, Judgement(verdict=Verdict.ERRORED, reason=reason, message=problems))


def dated(status: GateStatus, seen: Seen) -> GateStatus:
    """With the time since when it says what it says."""
    before = seen.status
    same = _said(before) == _said(status)
    return replace(status, since=before.since if same and before.since else seen.now)


def _said(status: GateStatus) -> tuple[object, ...]:
    return status.phase, status.verdict, status.version, status.message
