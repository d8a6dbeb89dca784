"""What those who wait ask, and what they are answered: the nouns. How an answer is found is `gate.web.answering`."""

from dataclasses import dataclass, field
from enum import StrEnum

from gate.model import GateOverride, Reason, Selection, Verdict, WorkloadName, fingerprint
from gate.web.run_answer import RunAnswer


class State(StrEnum):
    """How far the answer is. OPEN and CLOSED are final for a commit; UNSUBSCRIBED may end with the next document."""

    UNSUBSCRIBED = "unsubscribed"
    UNSEEN = "unseen"
    PENDING = "pending"
    OPEN = "open"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked for: one workload, or all that a project's subscriptions name; for one commit, or as it is now."""

    workload: WorkloadName | None = None
    project: str = ""
    environment: str = ""
    sha: str = ""
    pipeline: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selecting:
    """A subscription by selector, as far as this gate can see what it selects."""

    selection: Selection
    beyond: bool = False
    """It may select in namespaces that this gate does not judge in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A subscription that cannot be read, and what it is about as far as that can be told from its text."""

    why: str
    workload: WorkloadName | None = None
    project: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is known. There is a verdict exactly if the state is OPEN or CLOSED."""

    state: State
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    workloads: tuple[str, ...] = ()
    version: str = ""
    score: int | None = None
    runs: tuple[RunAnswer, ...] = ()
    overrides: tuple[GateOverride, ...] = ()
    """By which people let it through now, whatever verdict there is, or none yet."""
    signed: tuple[str, ...] = field(default=(), repr=False)
    """What of it can be carried away and proven: an envelope for each workload, where the gate signs. It is no part of
    what the etag stands for.
    """

    @property
    def lets_through(self) -> bool:
        """It has passed, or people have said that it may go on."""
        return self.verdict is Verdict.PASSED or bool(self.overrides)

    @property
    def etag(self) -> str:
        """Changes exactly when the answer does."""
        return fingerprint(repr(self))
