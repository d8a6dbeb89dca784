"""What a decision depends on, and what it says."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gate.model import Announcement, GateOverride, GateStatus, Reason, Rollout, Run, RunSpec
from gate.tracking.claims import Claim


class Kind(StrEnum):
    """What was decided, in the words of DESIGN section 3."""

    IGNORE = "ignore"
    ROLLING = "rollout in progress"
    SETTLE = "settle"
    RECORD = "record"
    UPGRADE = "upgrade"
    FOLLOW = "follow"
    CONCLUDE = "conclude"
    SUPERSEDE = "supersede"
    REUSE = "reuse"
    CLOSE = "close"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """Everything that a decision depends on."""

    rollout: Rollout
    gate: str
    """The gate's uid: another gate's runs are never its own."""
    status: GateStatus
    claims: Sequence[Claim]
    runs: Mapping[str, Run]
    """The runs named in the status, as far as the cluster still has them."""
    revision: str
    now: datetime
    strangers: Collection[str] = ()
    """Names in the status that runs have which the gate has not decided on."""
    told: Collection[Announcement] = ()
    """The announcements that GitLab has accepted as they are."""
    overrides: Sequence[GateOverride] = ()
    """What people have said; no decision about a version depends on it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What should be: the next status, the runs to make and to stop, and when to look again without being told."""

    kind: Kind
    why: str
    status: GateStatus
    create: Mapping[str, RunSpec] = field(default_factory=dict)
    abort: Mapping[str, Reason] = field(default_factory=dict)
    wake: datetime | None = None
