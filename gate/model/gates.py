"""The standing answer of a workload, with what it has told to whom."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gate.model.chance import fingerprint
from gate.model.subscriptions import Promote
from gate.model.verdicts import Judgement, Reason, Verdict
from gate.model.workloads import Commit, ContainerImage, Workload


class Phase(StrEnum):
    """The standing answer for a workload."""

    PENDING = "Pending"
    OPEN = "Open"
    CLOSED = "Closed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEntry:
    """A run as its gate remembers it, also when the run itself has been deleted."""

    name: str
    workflow: str
    subscriptions: tuple[str, ...]
    uid: str = ""
    """Empty until the run has been seen in the cluster."""
    decided: str = ""
    """The SHA-256 of what the run is to do, and against what: one that does anything else is another's."""
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    score: int | None = None
    document: str = ""
    """The SHA-256 of the workflow as it was resolved; empty until the run is judged."""
    evidence: str = ""
    """The SHA-256 of the evidence that the verdict was made from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedVersion:
    """A version that has its verdict."""

    version: str
    workflows: str
    """The identity of the workflows it was judged with: changed workflows make an old verdict stale."""
    at: datetime
    judgement: Judgement
    runs: tuple[RunEntry, ...] = ()
    images: tuple[ContainerImage, ...] = ()
    revision: str = ""
    """The catalogue's revision that the workflows are of."""


class StatusState(StrEnum):
    """The states of a GitLab commit status that the gate uses."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCESS = "success"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        return self in {StatusState.SUCCESS, StatusState.FAILED, StatusState.CANCELED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What GitLab should show on one commit for one subscription."""

    name: str
    commit: Commit
    version: str
    state: StatusState
    description: str
    override: str = ""
    """In words, while a person lets the version through although it has not passed. The state does not know of it."""

    @property
    def text(self) -> str:
        """What is to be read there."""
        return f"{self.override}; {self.description}" if self.override else self.description

    @property
    def key(self) -> str:
        """What it is about: a status name on a commit in a pipeline."""
        return f"{self.name} {self.commit.sha} {self.commit.pipeline or '-'}"

    @property
    def mark(self) -> str:
        """What is remembered of it once GitLab has accepted it: its state, for people, and a hash of it all."""
        commit = self.commit
        where = (commit.project, commit.sha, str(commit.pipeline), str(commit.job))
        rest = (self.name, *where, self.version, self.text)
        return f"{self.state}-{fingerprint(self.state, *rest)}"


class Stance(StrEnum):
    """What is to become of production."""

    AWAIT = "await"
    """Nothing yet: there is no verdict."""
    OPEN = "open"
    SHUT = "shut"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What a gate wants with production for one commit."""

    subscription: str
    promote: Promote
    commit: Commit
    version: str
    stance: Stance
    verdict: Verdict | None = None
    message: str = ""
    """The verdict in one sentence, for people."""
    number: str = ""
    """Of the verdict."""

    @property
    def project(self) -> str:
        """Where something is done."""
        return self.promote.project or self.commit.project

    @property
    def key(self) -> str:
        """What is done once: this, for this commit in this pipeline."""
        commit = self.commit
        return f"{self.stance} {self.promote} {commit.project} {commit.sha} {commit.pipeline or '-'} {self.version}"


class PromotedState(StrEnum):
    """How far a promotion is."""

    SENT = "Sent"
    """A request is on its way, or was: nobody knows yet what became of it."""
    PARTLY = "Partly"
    """GitLab has taken a request, and another one follows."""
    DONE = "Done"
    REFUSED = "Refused"
    """A person has to act."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promoted:
    """What became of a promotion, when, and in one sentence."""

    state: PromotedState
    at: datetime
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GateOverride:
    """A person lets a version through for a while, passed or not. Its verdict stays what it is."""

    version: str
    who: str
    """As the API server knows whoever said it."""
    reason: str
    at: datetime
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GateStatus:
    """Everything the gate knows about one workload."""

    phase: Phase = Phase.PENDING
    version: str = ""
    images: tuple[ContainerImage, ...] = ()
    previous: tuple[ContainerImage, ...] = ()
    """What ran before `version`, judged or only seen; empty if nobody knows."""
    image: str = ""
    verdict: Verdict | None = None
    reason: Reason | None = None
    message: str = ""
    override: str = ""
    """Who lets the version through, until when and why, in words; empty while nobody does."""
    replacing: str = ""
    """How far the rollout was by which pods of the version are replaced, perhaps by the same; empty: none is."""
    template: str = ""
    """The identity of the pod template whose rollout was complete last; another one replaces pods."""
    since: datetime | None = None
    """When the answer last changed, or what it says."""
    complete_since: datetime | None = None
    """When the rollout to `settling` was first seen complete; settling counts from here."""
    settling: str = ""
    """The version that is to become `version` once it has settled; kept until another one is complete."""
    recorded: str = ""
    """The version that ran when the gate first looked: seen, not judged, until another one comes."""
    looked: datetime | None = None
    """When the gate first knew what ran, on behalf of those who subscribe: from then on what comes is an upgrade."""
    judgements: int = 0
    """How often this gate has begun to judge; part of its runs' names: creating one twice is creating it once."""
    workflows: str = ""
    deadline: datetime | None = None
    revision: str = ""
    runs: tuple[RunEntry, ...] = ()
    version_problem: str = ""
    """Why the version is less sure than digests would make it; empty if it is sure."""
    commit: Commit | None = None
    commit_problem: str = ""
    commit_found: str = ""
    """By what the commit is known, for people."""
    subscriptions: tuple[str, ...] = ()
    announcements: tuple[Announcement, ...] = ()
    promotion: Promotion | None = None
    """What is wanted with production; None where nobody asks for it."""
    judged: tuple[JudgedVersion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A `ChaosGate` as the cluster holds it."""

    namespace: str
    name: str
    uid: str
    workload: Workload
    status: GateStatus = GateStatus()
    resource_version: str = ""
    overrides: tuple[GateOverride, ...] = ()
    """What people have said, oldest first, also what is over; none of it is the gate's own."""
    accepted: Mapping[str, str] = field(default_factory=dict)
    """Announcement key -> mark of what GitLab last accepted for it; written by the reporter alone."""
    reported: str = ""
    """Why GitLab does not show what it should, in one sentence; empty when it does."""
    promoted: Mapping[str, Promoted] = field(default_factory=dict)
    """Promotion key -> what became of it; written by the promoter alone."""

    @property
    def told(self) -> frozenset[Announcement]:
        """The announcements that GitLab has accepted as they are."""
        return frozenset(each for each in self.status.announcements if self.accepted.get(each.key) == each.mark)
