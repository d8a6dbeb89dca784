"""What a team subscribes a workload to, and what its verdict opens."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum

from gate.model.workflows import Settings
from gate.model.workloads import WorkloadName, WorkloadSelector


class OnSubscribe(StrEnum):
    """What happens to the version that already runs when a subscription is seen for the first time."""

    RECORD = "record"
    RUN = "run"


class JudgeAt(StrEnum):
    """At which point of an Argo Rollout its new version is judged."""

    HEALTHY = "healthy"
    CANARY = "canary"


class Way(StrEnum):
    """By what production is opened in GitLab; each is a file of `gate.gitlab.promotion`."""

    PLAY = "play"
    """A manual job is played."""
    APPROVE = "approve"
    """A deployment that waits for approvals gets one."""
    CHECK = "check"
    """A status check of merge requests passes."""
    TRIGGER = "trigger"
    """A pipeline is started."""


class OnFailed(StrEnum):
    """What becomes of a deployment that waits for approvals, when the version has failed."""

    WAIT = "wait"
    REJECT = "reject"


class OnApproved(StrEnum):
    """What becomes of the job of a deployment that has all of its approvals."""

    WAIT = "wait"
    """For a person, as GitLab has it."""
    PLAY = "play"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promote:
    """How a subscription wants production opened."""

    way: Way
    name: str
    """Of the job, the environment whose deployment waits, the check, or the branch or tag that has the pipeline."""
    environment: str = ""
    """That the job deploys to."""
    project: str = ""
    """That has the pipeline, or the merge requests; empty: the one that is told."""
    on_failed: OnFailed = OnFailed.WAIT
    on_approved: OnApproved = OnApproved.WAIT

    def __str__(self) -> str:
        said = (f"{self.way} {self.name}", self.environment, self.project)
        rejects = "reject what failed" if self.on_failed is OnFailed.REJECT else ""
        plays = "play what is approved" if self.on_approved is OnApproved.PLAY else ""
        return ", ".join(part for part in (*said, rejects, plays) if part)


class OnRollback(StrEnum):
    """What happens when a version comes back that was judged before."""

    REUSE = "reuse"
    RUN = "run"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowUse:
    """A workflow by name, with the values of its parameters."""

    name: str
    parameters: Settings = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """This workload, these workflows, this GitLab project."""

    name: str
    workload: WorkloadName
    environment: str
    workflows: tuple[WorkflowUse, ...]
    settle: timedelta
    deadline: timedelta
    on_subscribe: OnSubscribe | None = None
    on_rollback: OnRollback | None = None
    """What it does not say (None) it leaves to the other subscriptions of the workload, and to the defaults."""
    judge: JudgeAt = JudgeAt.HEALTHY
    project: str = ""
    """The GitLab project (path with groups) that is told; empty: none is."""
    promote: Promote | None = None
    """How production is opened there; None: by others."""
    place: str = ""
    """File and line, for messages."""
    positions: Mapping[tuple[str | int, ...], tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)
    """Line and column of its parts by their paths, such as `("spec", "workflows", 0)`, for messages."""
    selected: bool = False
    """The workload was found by a selector, and may be one of several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """A subscription of every workload that a selector finds."""

    selector: WorkloadSelector
    pattern: Subscription
    """The subscription, with a stand-in for the workload."""

    def of(self, name: WorkloadName) -> Subscription:
        """The subscription of one of them."""
        return replace(self.pattern, workload=name, selected=True)
