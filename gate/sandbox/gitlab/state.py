"""What the embedded GitLab knows: users, tokens, groups and projects. One lock guards it all."""

import itertools
import re
import secrets
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from gate.sandbox.gitlab.model import (
    CHILD,
    Environment,
    Group,
    Pipeline,
    Project,
    Role,
    Token,
    User,
)

Clock = Callable[[], datetime]

TIERS = {"prod": "production", "live": "production", "stag": "staging", "test": "testing", "dev": "development"}
"""What the beginning of an environment's name says about its tier, unless the tier is said."""
LONGEST_SLUG = 24


class State:
    """Everything, with the lock that every reader and writer holds."""

    def __init__(self, folder: Path, root_token: str, clock: Clock) -> None:
        self.lock = threading.RLock()
        self.folder = folder
        self.clock = clock
        self.users: dict[int, User] = {}
        self.tokens: list[Token] = []
        self.groups: list[Group] = []
        self.projects: list[Project] = []
        self.job_tokens: dict[str, tuple[Project, int]] = {}
        """The token of each job that runs -> its project and its user."""
        self.largest_pipeline = 0
        """How many jobs and statuses a pipeline takes before it is full; 0: any number."""
        self._ids: dict[str, itertools.count[int]] = {}
        root = self.user("root", "Administrator", admin=True)
        self.token(root.id, name="root", scopes=("api",), secret=root_token)

    def now(self) -> str:
        """The time in GitLab's form."""
        return self.clock().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def next_id(self, what: str) -> int:
        """Ids count from 1, for each kind of thing."""
        return next(self._ids.setdefault(what, itertools.count(1)))

    def user(self, username: str, name: str, *, email: str = "", admin: bool = False, bot: bool = False) -> User:
        """A new user."""
        made = User(
            id=self.next_id("user"),
            username=username,
            name=name,
            email=email or f"{username}@example.org",
            admin=admin,
            bot=bot,
        )
        self.users[made.id] = made
        return made

    def token(
        self,
        user: int,
        *,
        name: str,
        scopes: tuple[str, ...],
        expires_at: str | None = None,
        secret: str = "",
        of: Token | None = None,
        project: int | None = None,
        role: Role = Role.NOBODY,
    ) -> Token:
        """A new token; `of`: the one that it comes in place of."""
        number = self.next_id("token")
        made = Token(
            id=number,
            secret=secret or f"glpat-{secrets.token_hex(10)}",
            name=name,
            user=user,
            scopes=scopes,
            expires_at=expires_at,
            created_at=self.now(),
            family=of.family if of else number,
            project=project,
            role=role,
        )
        self.tokens.append(made)
        return made

    def find_token(self, secret: str) -> Token | None:
        """By the secret itself."""
        return next((each for each in self.tokens if each.secret == secret), None)

    def expired(self, token: Token) -> bool:
        """Whether its day has come."""
        return token.expires_at is not None and token.expires_at <= self.now()[:10]

    def user_of(self, secret: str) -> User | None:
        """Whose token it is, if it is good."""
        token = self.find_token(secret)
        return None if token is None or token.revoked or self.expired(token) else self.users[token.user]

    def group(self, path: str, name: str, owner: int) -> Group:
        """A new group."""
        made = Group(id=self.next_id("group"), path=path, name=name, members={owner: Role.OWNER})
        self.groups.append(made)
        return made

    def find_group(self, key: str) -> Group | None:
        """By id or by path."""
        return next((each for each in self.groups if key in {str(each.id), each.path}), None)

    def project(self, path: str, make: Callable[[Path], None], owner: int) -> Project:
        """A new project; `make` makes its repository."""
        number = self.next_id("project")
        repository = self.folder / "repositories" / f"{number}.git"
        make(repository)
        made = Project(
            id=number,
            path=path,
            repository=repository,
            created_at=self.now(),
            group=self.find_group(path.rpartition("/")[0]),
            members={owner: Role.OWNER},
        )
        self.projects.append(made)
        return made

    def find_project(self, key: str) -> Project | None:
        """By id or by path."""
        return next((each for each in self.projects if key in {str(each.id), each.path}), None)

    def pipeline(self, project: Project, *, sha: str, ref: str, source: str, user: int) -> Pipeline:
        """A new pipeline without rows, the newest of its project."""
        made = Pipeline(
            id=self.next_id("pipeline"),
            iid=len(project.pipelines) + 1,
            sha=sha,
            ref=ref,
            source=source,
            user=user,
            created_at=self.now(),
        )
        project.pipelines.append(made)
        return made

    def environment(self, project: Project, name: str, *, url: str | None = None, tier: str = "") -> Environment:
        """The environment of this name, made if it is not there."""
        there = project.environment(name)
        if there is None:
            guessed = next((tier for begin, tier in TIERS.items() if name.lower().startswith(begin)), "other")
            slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:LONGEST_SLUG]
            number = self.next_id("environment")
            there = Environment(id=number, name=name, slug=slug, tier=tier or guessed, created_at=self.now())
            project.environments.append(there)
        there.external_url = url or there.external_url
        return there


def own_pipelines(project: Project) -> list[Pipeline]:
    """The pipelines that count for commits and lists, oldest first: all but the children of others."""
    return [each for each in project.pipelines if each.source != CHILD]
