"""The state machine of a commit status: what a posted state does to the row that is there. Pure.

It follows GitLab's own model of a generic commit status (18.x), as its specs assert it; see the contract that the tests
play.
"""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """The states that can be posted."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"
    SKIPPED = "skipped"


EVENTS = {
    State.PENDING: "enqueue",
    State.RUNNING: "run",
    State.SUCCESS: "success",
    State.FAILED: "drop",
    State.CANCELED: "cancel",
    State.SKIPPED: "skip",
}
"""The posted state and the event that it fires."""

FINAL = frozenset({State.SUCCESS, State.FAILED, State.CANCELED, State.SKIPPED})

REFUSED = frozenset(
    {
        (State.PENDING, State.PENDING),
        (State.RUNNING, State.PENDING),
        (State.RUNNING, State.RUNNING),
        (State.RUNNING, State.SKIPPED),
    }
)
"""What a live row does not take: the state it is in, and the state that is posted."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The row does not take the event; 400 with this message."""

    message: str


class Row(StrEnum):
    """Which row a posted state goes to."""

    NEW = "new"
    SAME = "same"


def post(current: State | None, posted: State) -> Row | Refused:
    """What happens when `posted` meets the newest live row of the same pipeline, name, ref and user.

    A finished row is never changed: whatever is posted then opens a new one, and the finished one becomes `retried`.
    """
    if current is None or current in FINAL:
        return Row.NEW
    if (current, posted) in REFUSED:
        event = EVENTS[posted]
        reason = f'Reason(s): Status cannot transition via "{event}"'
        return Refused(f"Cannot transition status via :{event} from :{current} ({reason})")
    return Row.SAME
