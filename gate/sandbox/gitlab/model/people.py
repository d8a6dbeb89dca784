"""Who asks: users, their tokens, roles and groups."""

from dataclasses import dataclass, field
from enum import IntEnum


class Role(IntEnum):
    """What a member may do, as GitLab counts it."""

    NOBODY = 0
    GUEST = 10
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


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
