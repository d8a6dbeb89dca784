"""What the embedded GitLab knows: users, projects, pipelines and their rows. One lock guards it all."""

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gate.sandbox.gitlab.ci import JobConfig
from gate.sandbox.gitlab.composite import composite

ROLES = GUEST, REPORTER, DEVELOPER, MAINTAINER, OWNER = 10, 20, 30, 40, 50
"""The roles that a member can have, as GitLab counts them."""
EXTERNAL_STAGE = 1_000_000
"""Where external statuses stand: after every stage that a file could name, so that no job ever waits for them."""
FINISHED = frozenset({"success", "failed", "canceled", "skipped"})


def now() -> str:
    """GitLab's form of a time."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(slots=True, kw_only=True)
class User:
    """Somebody with an account; an administrator may do everything everywhere."""

    id: int
    username: str
    name: str
    admin: bool = False


@dataclass(slots=True, kw_only=True)
class Row:
    """A job of CI, or an external status."""

    id: int
    name: str
    stage: str
    stage_index: int
    status: str
    user: int
    sha: str
    ref: str
    pipeline: int
    external: bool = False
    allow_failure: bool = False
    retried: bool = False
    description: str | None = None
    target_url: str | None = None
    coverage: float | None = None
    created_at: str = field(default_factory=now)
    started_at: str | None = None
    finished_at: str | None = None
    config: JobConfig | None = None
    environment: str = ""
    trace: Path | None = None
    failure_reason: str | None = None
    dotenv: Mapping[str, str] = field(default_factory=dict)
    """What its dotenv report says to the jobs after it."""


@dataclass(slots=True, kw_only=True)
class Pipeline:
    """One run of a configuration, or the empty one that an external status opened."""

    id: int
    iid: int
    sha: str
    ref: str
    source: str
    user: int
    rows: list[Row] = field(default_factory=list)
    yaml_errors: str | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    """What whoever started it sent along."""
    created_at: str = field(default_factory=now)

    @property
    def status(self) -> str:
        """What its visible rows add up to."""
        if self.yaml_errors:
            return "failed"
        return composite((row.status, row.allow_failure) for row in self.rows if not row.retried)

    @property
    def jobs(self) -> list[Row]:
        """Its rows that are jobs, in the order of the stages, without external statuses."""
        return [row for row in self.rows if not row.external and not row.retried]


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
    created_at: str = field(default_factory=now)


@dataclass(slots=True, kw_only=True)
class Project:
    """A repository with its members, variables and pipelines. `members`: user id -> role."""

    id: int
    path: str
    repository: Path
    members: dict[int, int] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    protected: set[str] = field(default_factory=set)
    pipelines: list[Pipeline] = field(default_factory=list)
    deployments: list[Deployment] = field(default_factory=list)
    triggers: dict[str, int] = field(default_factory=dict)
    """Trigger token -> its owner."""

    def pipeline(self, number: int) -> Pipeline | None:
        """The one with this id."""
        return next((each for each in self.pipelines if each.id == number), None)

    def row(self, number: int) -> Row | None:
        """The job or status with this id."""
        return next((row for pipeline in self.pipelines for row in pipeline.rows if row.id == number), None)


class State:
    """Everything, with the lock that every reader and writer holds."""

    def __init__(self, folder: Path, root_token: str) -> None:
        self.lock = threading.RLock()
        self.folder = folder
        self.users: dict[int, User] = {}
        self.tokens: dict[str, int] = {}
        self.projects: list[Project] = []
        self._ids: dict[str, itertools.count[int]] = {}
        root = self.user("root", "Administrator", admin=True)
        self.tokens[root_token] = root.id

    def next_id(self, what: str) -> int:
        """Ids count from 1, for each kind of thing."""
        return next(self._ids.setdefault(what, itertools.count(1)))

    def user(self, username: str, name: str, *, admin: bool = False) -> User:
        """A new user."""
        made = User(id=self.next_id("user"), username=username, name=name, admin=admin)
        self.users[made.id] = made
        return made

    def user_of(self, token: str) -> User | None:
        """Whose token it is."""
        number = self.tokens.get(token)
        return self.users[number] if number else None

    def project(self, path: str, make: Callable[[Path], None], owner: int) -> Project:
        """A new project; `make` makes its repository."""
        number = self.next_id("project")
        repository = self.folder / "repositories" / f"{number}.git"
        make(repository)
        made = Project(id=number, path=path, repository=repository, members={owner: OWNER})
        self.projects.append(made)
        return made

    def find_project(self, key: str) -> Project | None:
        """By id or by path."""
        return next((each for each in self.projects if key in {str(each.id), each.path}), None)

    def pipeline(self, project: Project, *, sha: str, ref: str, source: str, user: int) -> Pipeline:
        """A new pipeline without rows, the newest of its project."""
        made = Pipeline(
            id=self.next_id("pipeline"), iid=len(project.pipelines) + 1, sha=sha, ref=ref, source=source, user=user
        )
        project.pipelines.append(made)
        return made
