"""What the gate wants with production, as it follows from its status. Pure; how GitLab is brought there is not here."""

from collections.abc import Sequence

from gate.model import GateStatus, Phase, Promotion, Stance, Subscription, fingerprint
from gate.tracking.announce import is_of


def promotion(status: GateStatus, subscriptions: Sequence[Subscription], gate: str) -> Promotion | None:
    """What is wanted for the present commit; None where nobody asks for it, or nothing is known to open it for.

    `gate` is the gate's uid: a verdict has a number of its own, which no other gate gives.
    """
    asking = [each for each in sorted(subscriptions, key=lambda each: each.name) if each.promote]
    if not asking or status.commit is None or not all(is_of(status.commit, each.project) for each in asking):
        return None
    first = asking[0]
    if first.promote is None or any(each.promote != first.promote for each in asking):
        return None
    return Promotion(
        subscription=first.name,
        promote=first.promote,
        commit=status.commit,
        version=status.version,
        stance=_stance(status, [each.name for each in asking]),
        verdict=status.verdict,
        message=_message(status),
        number=fingerprint(gate, status.version, status.workflows, *(entry.name for entry in status.runs)),
    )


def _stance(status: GateStatus, asking: Sequence[str]) -> Stance:
    """An answer in which some who ask had no part, because they subscribed later, opens nothing for them. What a person
    lets through goes on, as it does for a job that waits.
    """
    if status.override:
        return Stance.OPEN
    if status.phase is Phase.CLOSED:
        return Stance.SHUT
    if status.replacing:
        return Stance.AWAIT
    took_part = all(any(name in entry.subscriptions for entry in status.runs) for name in asking)
    return Stance.OPEN if status.phase is Phase.OPEN and took_part else Stance.AWAIT


def _message(status: GateStatus) -> str:
    """The verdict in one sentence; empty while there is none. What a person said goes before it."""
    if status.override or status.verdict is None:
        return status.override
    if status.phase is Phase.OPEN:
        return f"passed {', '.join(entry.workflow for entry in status.runs)}"
    return f"{status.reason}: {status.message}" if status.reason else status.message
