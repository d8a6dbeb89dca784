"""Environments, who may deploy there, and what was."""

from dataclasses import dataclass, field

from gate.sandbox.gitlab.model.people import Access


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """What somebody decided about a deployment, and which rule it counts for."""

    user: int
    status: str
    comment: str | None
    created_at: str
    rule: int


@dataclass(slots=True, kw_only=True)
class Deployment:
    """That a commit was brought to an environment, by a job or from outside."""

    id: int
    iid: int
    environment: str
    sha: str
    ref: str
    status: str
    user: int
    job: int | None
    created_at: str
    updated_at: str
    tag: bool = False
    approvals: list[Approval] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Environment:
    """Where to deployments go."""

    id: int
    name: str
    slug: str
    tier: str
    created_at: str
    external_url: str | None = None
    state: str = "available"


@dataclass(frozen=True, slots=True, kw_only=True)
class FreezePeriod:
    """A time in which nothing should be deployed, from one cron expression to another."""

    id: int
    start: str
    end: str
    zone: str
    created_at: str
    updated_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRule:
    """Who has to approve a deployment, and how many of them."""

    access: Access
    required: int


@dataclass(slots=True, kw_only=True)
class ProtectedEnvironment:
    """An environment that not everybody may deploy to, and whose deployments may need approval."""

    name: str
    deploy: list[Access]
    rules: list[ApprovalRule]
