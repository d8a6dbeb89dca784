"""What the web room asks of the rest of the gate: looks only, never acts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO, Protocol

from gate.model import Gate, Run, Subscription, WorkloadName
from gate.web.answer import Selecting, Unreadable


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is known of a token for a GitLab."""

    address: str
    ends: datetime | None
    """None: not known, or never."""
    problem: str = ""
    """What is wrong with it, or soon will be, in words."""
    taken: bool = True
    """Whether GitLab takes it, as far as is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether the gate can judge, and what its parts say of themselves. What is None is not known yet."""

    ready: bool
    revision: str = ""
    """The catalogue's revision in use; empty: none has been read yet."""
    not_taken: Sequence[str] = ()
    """Newer revisions that cannot take its place; why stands among the problems."""
    catalogue_age: timedelta | None = None
    """Since the catalogue was last fetched."""
    watch_lag: timedelta | None = None
    """Since Kubernetes was last heard."""
    gitlab: str = ""
    """How GitLab is, in words: `ok`, or what does not work."""
    tokens: Sequence[Token] = ()
    """The tokens for GitLab."""
    leads: bool = True
    """Whether this replica is the one that acts. One that does not is as ready: it shows what there is."""
    leader: str = ""
    """Which replica does, as far as is known."""
    problems: Mapping[str, str] = field(default_factory=dict)
    """What does not work just now, by part, in words."""
    webhooks: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """How many came in, by what they were about, and what became of them."""
    outside: Sequence[str] = ()
    """Subscriptions of what is in no namespace of this gate, in words: another gate may have them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How one resource is heard; all namespaces if none is named."""

    resource: str
    namespace: str
    lists: int
    """How often it was listed: once at the start, and again whenever the thread was lost."""
    lag: timedelta | None
    """Since the server was last heard; None before the first list."""


class Views(Protocol):
    """The gate's knowledge at this moment, from memory: no method but `changed` may block."""

    def gates(self) -> Sequence[Gate]:
        """All gates."""
        ...

    def runs(self) -> Sequence[Run]:
        """All runs that the cluster holds."""
        ...

    def subscriptions(self) -> Sequence[Subscription] | None:
        """The catalogue's subscriptions, those by selector once for each workload that they found; None while the
        catalogue or the cluster has not been read, so that nobody takes them for empty.
        """
        ...

    def selecting(self) -> Sequence[Selecting]:
        """The catalogue's subscriptions by selector, whatever they found."""
        ...

    def unreadable(self) -> Sequence[Unreadable]:
        """The catalogue's documents that are, or may be, subscriptions and cannot be read."""
        ...

    def is_there(self, name: WorkloadName) -> bool:
        """Whether the cluster has the workload, as far as this gate looks."""
        ...

    def judges(self, namespace: str) -> bool:
        """Whether workloads of that namespace are this gate's affair."""
        ...

    def watches(self) -> Sequence[Watch]:
        """What is watched, and how it is heard."""
        ...

    def readiness(self) -> Readiness:
        """How the gate is."""
        ...

    def changed(self, since: int, timeout: float) -> int:
        """A number that grows with each change: as soon as it is above `since`, or after `timeout` seconds as it is."""
        ...


class Hearer(Protocol):
    """Who takes webhooks."""

    def insist(self, headers: Mapping[str, str]) -> None:
        """Before the body is read. `Denied` where the headers tell that it is not GitLab's, `Temporary` as below."""
        ...

    def hear(self, headers: Mapping[str, str], body: bytes) -> None:
        """At once. `Denied` for what is not GitLab's, `Temporary` if that cannot be told just now."""
        ...


class Keeper(Protocol):
    """Who keeps the evidence of runs. Both raise `Denied`, `Permanent` for what cannot be, and `Temporary`."""

    def take(self, namespace: str, file: str, token: str, body: IO[bytes]) -> bool:
        """Keep what somebody with this token hands in; False if it was there."""
        ...

    def give(self, namespace: str, file: str, token: str) -> Path:
        """Where it is. Raises `Absent` if it is not here."""
        ...


class Readable(StrEnum):
    """What is read of everybody's, by the name that Kubernetes has for it."""

    GATES = "chaosgates"
    RUNS = "chaosruns"


class Readers(Protocol):
    """Who may read what is everybody's."""

    def insist(self, token: str, what: Readable, namespace: str) -> None:
        """Raises `Denied` unless whoever has the token may read all of these in the namespace, or, if none is named,
        wherever this gate looks; `Temporary` if that cannot be told just now.
        """
        ...


class Askers(Protocol):
    """Who asks, where that is not everybody's."""

    def project(self, token: str) -> str:
        """The GitLab project of the job that has this token. `Denied` if it proves nothing, `Temporary` if that cannot
        be told just now.
        """
        ...
