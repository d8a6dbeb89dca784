"""What runs already when the gate first looks at it: it is recorded, and no chaos starts for it. Pure."""

from dataclasses import replace

from gate.model import GateStatus, OnSubscribe
from gate.tracking import claims
from gate.tracking.answers import is_answered
from gate.tracking.commits import OLD_KEY
from gate.tracking.seen import Seen


def first_sight(seen: Seen) -> tuple[bool, GateStatus]:
    """Whether what is there was there before anybody told us to look at it, so that no chaos may start for it.

    The gate looks for the first time until it knows which version is there, or until the pod template gets other
    images, which is an upgrade under its eyes. Once nobody has subscribed any more it begins anew with claims that are
    newer than its look. A catalogue that a replica had not read far enough is no such thing: its claims are older.
    """
    status, rollout = seen.status, seen.rollout
    begins = not status.subscriptions
    if begins and status.looked and all(claim.since > status.looked for claim in seen.claims):
        status = replace(status, looked=None)
    changed = not begins and status.image not in {"", rollout.image}
    if _answered_under_an_old_key(status) and not changed:
        return True, status
    if status.looked or changed or _asks_for_the_present(seen):
        return False, replace(status, looked=status.looked or seen.now)
    return True, status


def _answered_under_an_old_key(status: GateStatus) -> bool:
    """The answer is none any more; but an update of the gate is no reason to have every workload judged at once."""
    return OLD_KEY.fullmatch(status.version) is not None and (is_answered(status) or status.version == status.recorded)


def _asks_for_the_present(seen: Seen) -> bool:
    """A subscription wants to have judged what it finds, or was known before there was such a workload.

    The API server says only in which second it made the workload. In the second in which the subscription became known
    it may have been before or after, and then no chaos starts: what is missed is judged with the next version.
    """
    if claims.together(seen.claims).on_subscribe is OnSubscribe.RUN:
        return True
    return any(seen.rollout.created > claim.since.replace(microsecond=0) for claim in seen.claims if claim.subscription)
