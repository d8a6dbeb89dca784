"""What administrators may say, as values. Each rule knows where it stands, so that an answer can name it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta, tzinfo
from fnmatch import fnmatchcase

from gate.policy.question import Freeze

DEFAULT = "the safe default"
"""The place of what no document says."""


def matches(word: str, patterns: Iterable[str]) -> bool:
    """`*` stands for anything, `?` for one letter."""
    return any(fnmatchcase(word, pattern) for pattern in patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A part of the document."""

    rule: str
    place: str = DEFAULT


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces(Rule):
    """Where chaos may be at all."""

    opt_in: bool = True
    """A namespace has to say by a label that it may be hit."""
    protected: tuple[str, ...] = ()
    """Patterns of namespaces that are never hit, beside those that nobody may open."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ownership(Rule):
    """What a team may do: whatever one such rule grants."""

    team: str
    paths: tuple[str, ...]
    """Patterns of the team's documents in the catalogue."""
    namespaces: tuple[str, ...]
    workloads: tuple[str, ...] = ("*",)
    faults: tuple[str, ...] = ("*",)
    accounts: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Rule):
    """How far a fault may go. All limits that are about it hold at once; nodes are granted by any of them."""

    faults: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] = ("*",)
    allowed: bool = True
    pods: int | None = None
    percent: int | None = None
    """Where both are there, the larger one counts."""
    time: timedelta | None = None
    leave_ready: int | None = None
    nodes: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    """Empty: all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window(Rule):
    """A time of the week in which chaos may be; one that ends before it begins goes on into the next day."""

    days: frozenset[int]
    """0 is Monday."""
    start: int
    """Minutes since midnight."""
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen(Rule):
    """A freeze that the policy itself knows of."""

    freeze: Freeze


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed(Rule):
    """Days on which nothing is done."""

    is_closed: Callable[[date], str]
    """What the day is; empty for any other day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotDuring(Rule):
    """Nothing begins while one of these alerts fires."""

    alerts: tuple[str, ...]
    prometheus: str = ""
    alertmanager: str = ""
    """Where it is asked: exactly one of the two is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenInGitLab(Rule):
    """Nothing begins in a freeze period of a GitLab project that the workload is subscribed for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Rule):
    """How long a workload is left in peace after a run."""

    least: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Mandatory(Rule):
    """A workflow that workloads of some namespaces must have passed within some time, before anything else begins."""

    workflow: str
    within: timedelta
    namespaces: tuple[str, ...] = ("*",)


@dataclass(frozen=True, slots=True, kw_only=True)
class When(Rule):
    """The times."""

    zone: tzinfo = UTC
    windows: tuple[Window, ...] = ()
    closed: tuple[Closed, ...] = ()
    freezes: tuple[Frozen, ...] = ()
    gitlab: FrozenInGitLab | None = None
    not_during: tuple[NotDuring, ...] = ()
    interval: Interval | None = None
    mandatory: tuple[Mandatory, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Images(Rule):
    """Where images may come from."""

    registries: tuple[str, ...]
    privileged: tuple[str, ...] = ()
    """Those that may run privileged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class People(Rule):
    """Who is a viewer, a developer of a team, an SRE, an administrator, and what they may do by hand."""

    role: str
    team: str = ""
    """For developers: whose namespaces are theirs."""
    groups: tuple[str, ...] = ()
    users: tuple[str, ...] = ()
    """As the API server knows them."""
    deeds: tuple[str, ...] = ()
    """What they may beside looking."""


WORKING_HOURS = Window(rule="spec.when.windows", days=frozenset(range(5)), start=9 * 60, end=17 * 60)
ONE_POD = Limit(rule="spec.blastRadius", pods=1, percent=34)
OWN_PROGRAMS = "job"
"""The fault that may do anything: only a limit that names it opens it, and no pattern."""
NO_OWN_PROGRAMS = Limit(rule="spec.blastRadius", faults=(OWN_PROGRAMS,), allowed=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All rules. As it is made, it is the safe default for where no administrator has said anything."""

    namespaces: Namespaces = Namespaces(rule="spec.namespaces")
    ownership: tuple[Ownership, ...] = ()
    """Empty: whoever may write into the catalogue."""
    limits: tuple[Limit, ...] = (ONE_POD, NO_OWN_PROGRAMS)
    when: When = When(rule="spec.when", windows=(WORKING_HOURS,))
    images: Images | None = None
    """None: no image that a document names."""
    people: tuple[People, ...] = ()
    """Empty: whom Kubernetes lets, and no other."""
    own: frozenset[str] = field(default=frozenset())
    """Namespaces of the gate itself."""
