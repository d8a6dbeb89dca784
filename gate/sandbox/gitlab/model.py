"""The nouns of the embedded GitLab: what a project has, with nothing that acts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from gate.sandbox.gitlab.composite import composite
from gate.sandbox.gitlab.configuration.document import JobConfig


class Role(IntEnum):
    """What a member may do, as GitLab counts it."""

    NOBODY = 0
    GUEST = 10
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


EXTERNAL_STAGE = 1_000_000
"""Where external statuses stand: after every stage that a file could name, so that no job ever waits for them."""
FINISHED = frozenset({"success", "failed", "canceled", "skipped"})
"""Where a row's or a pipeline's way ends."""
CHILD = "parent_pipeline"
"""The source of a child pipeline; neither the newest pipeline of a commit nor a status is looked for there."""
MERGE_REQUEST = "merge_request_event"
"""The source of a pipeline of a merge request."""


@dataclass(slots=True, kw_only=True)
class User:
    """Somebody with an account; an administrator may do everything everywhere, a bot belongs to one token."""

    id: int
    username: str
    name: str
    email: str
    admin: bool = False
    bot: bool = False


@dataclass(slots=True, kw_only=True)
class Token:
    """What proves who asks. `project`: a project access token; `family`: all tokens that came of one by rotation."""

    id: int
    secret: str
    name: str
    user: int
    scopes: tuple[str, ...]
    created_at: str
    family: int
    expires_at: str | None = None
    revoked: bool = False
    rotated: bool = False
    last_used_at: str | None = None
    project: int | None = None
    role: Role = Role.NOBODY


@dataclass(slots=True, kw_only=True)
class Group:
    """A namespace of projects whose members are members of each. `members`: user id -> role."""

    id: int
    path: str
    name: str
    members: dict[int, Role] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who is let through: one user, one group, or everybody with a role. Exactly one of the three is set."""

    id: int
    user: int | None = None
    group: int | None = None
    role: Role | None = None


@dataclass(slots=True, kw_only=True)
class Row:
    """A job of CI, a bridge to a child pipeline, or an external status."""

    id: int
    name: str
    stage: str
    stage_index: int
    status: str
    user: int
    sha: str
    ref: str
    pipeline: int
    created_at: str
    external: bool = False
    protected: bool = False
    allow_failure: bool = False
    retried: bool = False
    description: str | None = None
    target_url: str | None = None
    coverage: float | None = None
    started_at: str | None = None
    finished_at: str | None = None
    config: JobConfig | None = None
    trace: Path | None = None
    failure_reason: str | None = None
    downstream: int | None = None
    """The child pipeline that a bridge has started."""
    played: bool = False
    """Somebody said that it should start."""
    variables: Mapping[str, str] = field(default_factory=dict)
    """What whoever played it sent along."""
    dotenv: Mapping[str, str] = field(default_factory=dict)
    """What its dotenv report says to the jobs after it."""
    token: str = ""
    """Its own token, good while it runs."""

    @property
    def environment(self) -> str:
        """The environment that it deploys to; empty for one that only looks, or has none."""
        return self.config.environment if self.config and self.config.deploys else ""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """One run of a configuration, or the empty one that an external status opened."""

    id: int
    iid: int
    sha: str
    ref: str
    source: str
    user: int
    created_at: str
    before_sha: str = "0" * 40
    tag: bool = False
    rows: list[Row] = field(default_factory=list)
    yaml_errors: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """What whoever started it sent along."""
    status: str = "created"
    """What it shows: the sum of its rows as it was when GitLab last came to look, a moment ago."""
    started_at: str | None = None
    finished_at: str | None = None
    merge_request: int | None = None
    """The iid of the merge request that it belongs to."""
    source_sha: str | None = None
    """The head of the source branch, where the pipeline runs on the commit that a merge would make."""
    parent: int | None = None
    """The bridge that has started it."""

    @property
    def sum(self) -> str:
        """What its visible rows add up to now."""
        if self.yaml_errors:
            return "failed"
        return composite((row.status, row.allow_failure) for row in self.rows if not row.retried)

    @property
    def jobs(self) -> list[Row]:
        """Its rows that are jobs, in the order of the stages, without external statuses."""
        return [row for row in self.rows if not row.external and not row.retried]


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


@dataclass(slots=True, kw_only=True)
class ProtectedBranch:
    """Branches, by name or pattern, that only some may change."""

    id: int
    name: str
    push: Role
    merge: Role

    def covers(self, branch: str) -> bool:
        """Whether this is about the branch; `*` in the name stands for anything."""
        return fnmatchcase(branch, self.name)


@dataclass(slots=True, kw_only=True)
class Trigger:
    """A token that starts pipelines in its owner's name, and nothing else."""

    id: int
    secret: str
    owner: int
    description: str


@dataclass(slots=True, kw_only=True)
class Variable:
    """A variable of a project's jobs; a protected one is for protected refs only."""

    key: str
    value: str
    protected: bool = False


@dataclass(slots=True, kw_only=True)
class CheckResponse:
    """What an external service last said about a commit of a merge request."""

    sha: str
    status: str
    at: float


@dataclass(slots=True, kw_only=True)
class StatusCheck:
    """An external service that is asked about merge requests. `branches`: protected ones, by id; empty for all."""

    id: int
    name: str
    external_url: str
    secret: str
    branches: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Note:
    """What somebody wrote below a merge request."""

    id: int
    author: int
    body: str
    created_at: str
    updated_at: str


@dataclass(slots=True, kw_only=True)
class MergeRequest:
    """A wish to merge one branch into another. `sha`: the head of the source branch."""

    id: int
    iid: int
    title: str
    description: str
    source_branch: str
    target_branch: str
    author: int
    sha: str
    created_at: str
    state: str = "opened"
    head_pipeline: int | None = None
    merged_at: str | None = None
    merge_commit: str | None = None
    checks: dict[int, CheckResponse] = field(default_factory=dict)
    """Status check id -> what it last said."""
    notes: list[Note] = field(default_factory=list)


class Setting(StrEnum):
    """What can be switched on and off in a project, by GitLab's names."""

    PIPELINE_MUST_SUCCEED = "only_allow_merge_if_pipeline_succeeds"
    SKIPPED_IS_SUCCESS = "allow_merge_on_skipped_pipeline"
    CHECKS_REQUIRED = "only_allow_merge_if_all_status_checks_passed"
    MERGED_RESULTS = "merge_pipelines_enabled"
    NEWEST_DEPLOYMENT_ONLY = "ci_forward_deployment_enabled"
    JOBS = "jobs_enabled"


DEFAULTS = {setting: setting in {Setting.NEWEST_DEPLOYMENT_ONLY, Setting.JOBS} for setting in Setting}
"""What a new project begins with."""


@dataclass(slots=True, kw_only=True)
class Delivery:
    """One event sent to a hook: what was sent, and what came of it."""

    id: int
    trigger: str
    url: str
    key: str
    """Stays the same when the event is sent again."""
    body: str
    headers: Mapping[str, str]
    status: str
    """The status of the answer, or `internal error`."""
    answer: str
    at: str
    duration: float


@dataclass(slots=True, kw_only=True)
class Hook:
    """An address that hears of events. `failures`: how many in a row went wrong."""

    id: int
    url: str
    events: frozenset[str]
    created_at: str
    name: str = ""
    token: str = ""
    signing_token: str = ""
    branches: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    failures: int = 0
    pauses: int = 0
    """How often it was disabled for a time since it last worked."""
    disabled_until: float | None = None
    deliveries: list[Delivery] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Project:
    """A repository with all that belongs to it. `members`: user id -> role."""

    id: int
    path: str
    repository: Path
    created_at: str
    description: str = ""
    visibility: str = "private"
    group: Group | None = None
    members: dict[int, Role] = field(default_factory=dict)
    settings: dict[Setting, bool] = field(default_factory=lambda: dict(DEFAULTS))
    variables: dict[str, Variable] = field(default_factory=dict)
    protected_branches: list[ProtectedBranch] = field(default_factory=list)
    pipelines: list[Pipeline] = field(default_factory=list)
    environments: list[Environment] = field(default_factory=list)
    protected_environments: list[ProtectedEnvironment] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    freeze_periods: list[FreezePeriod] = field(default_factory=list)
    triggers: list[Trigger] = field(default_factory=list)
    merge_requests: list[MergeRequest] = field(default_factory=list)
    status_checks: list[StatusCheck] = field(default_factory=list)
    hooks: list[Hook] = field(default_factory=list)

    @property
    def default_branch(self) -> str:
        """The branch that a project has from its first commit on."""
        return "main"

    @property
    def namespace(self) -> str:
        """The path without the project's own name."""
        return self.path.rpartition("/")[0]

    def role(self, user: User) -> Role:
        """What the user may do here; an administrator owns everything."""
        if user.admin:
            return Role.OWNER
        inherited = self.group.members.get(user.id, Role.NOBODY) if self.group else Role.NOBODY
        return max(self.members.get(user.id, Role.NOBODY), inherited)

    def pipeline(self, number: int) -> Pipeline | None:
        """The one with this id."""
        return next((each for each in self.pipelines if each.id == number), None)

    def row(self, number: int) -> Row | None:
        """The job or status with this id."""
        return next((row for pipeline in self.pipelines for row in pipeline.rows if row.id == number), None)

    def merge_request(self, iid: int) -> MergeRequest | None:
        """The one with this number in the project."""
        return next((each for each in self.merge_requests if each.iid == iid), None)

    def environment(self, name: str) -> Environment | None:
        """The one with this name."""
        return next((each for each in self.environments if each.name == name), None)

    def protection(self, environment: str) -> ProtectedEnvironment | None:
        """What protects an environment."""
        return next((each for each in self.protected_environments if each.name == environment), None)
