"""A project, with its settings and all that belongs to it."""

from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path

from gate.sandbox.gitlab.model.deployments import Deployment, Environment, FreezePeriod, ProtectedEnvironment
from gate.sandbox.gitlab.model.hooks import Hook
from gate.sandbox.gitlab.model.merging import MergeRequest, StatusCheck
from gate.sandbox.gitlab.model.people import Group, Role, User
from gate.sandbox.gitlab.model.pipelines import Pipeline, Row


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
