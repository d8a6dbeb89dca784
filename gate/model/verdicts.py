"""What the gate concludes, and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What is known about a version, from best to worst. Only PASSED opens the gate."""

    PASSED = "PASSED"
    CANCELED = "CANCELED"
    ERRORED = "ERRORED"
    FAILED = "FAILED"

    @staticmethod
    def worst(verdicts: Iterable["Verdict"]) -> "Verdict":
        """The fold of several verdicts. Of none at all nothing is known, and that is ERRORED, never a pass."""
        order = list(Verdict)
        return max(verdicts, key=order.index, default=Verdict.ERRORED)


class Reason(StrEnum):
    """Why a verdict is not PASSED, or why there is none yet, for machines; the sentence beside it is for people."""

    PROBE_FAILED = "ProbeFailed"
    RECOVERY_TOO_SLOW = "RecoveryTooSlow"
    BASELINE_UNSTEADY = "BaselineUnsteady"
    NO_TARGETS = "NoTargets"
    NO_EFFECT = "NoEffect"
    NO_DATA = "NoData"
    NO_COPY = "NoCopy"
    LOAD_TOO_WEAK = "LoadTooWeak"
    REVERT_FAILED = "RevertFailed"
    EXECUTOR_LOST = "ExecutorLost"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    ROLLOUT_FAILED = "RolloutFailed"
    VERSION_CHANGED = "VersionChanged"
    POLICY_DENIED = "PolicyDenied"
    BAD_DOCUMENT = "BadDocument"
    INTERNAL_ERROR = "InternalError"
    SUPERSEDED = "Superseded"
    ABORTED = "Aborted"
    NOT_JUDGED_YET = "NotJudgedYet"


class Compared(StrEnum):
    """What the version before did where this one failed."""

    REGRESSION = "Regression"
    """It held: the weakness is new."""
    UNKNOWN = "Unknown"
    """Too little was seen of it to say."""
    OLD_WEAKNESS = "OldWeakness"
    """It failed there, too. That forgives nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict with its reason (None for PASSED) and one sentence for a person."""

    verdict: Verdict
    reason: Reason | None = None
    message: str = ""
    compared: Compared | None = None
    """Of FAILED, where the workflow asks for a comparison."""
