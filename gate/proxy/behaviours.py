"""What can happen to a connection or a request: one frozen dataclass for each behaviour, and the table of them.

The docstring of a behaviour says what the client sees; docs/proxy.md and the OpenAPI document repeat it word for word.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated

from gate.errors import Permanent
from gate.proxy.forms import Between, Count, mapping, nearest, plain, read
from gate.quantities import in_words

NOW = timedelta()


class Stream(StrEnum):
    """The way of the bytes: up from the client, down to it."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


class Per(StrEnum):
    """How often a delay strikes: once for the connection or request, or for each piece that arrives."""

    ONCE = "once"
    CHUNK = "chunk"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """Something that the client sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dummy(Behaviour):
    """Nothing: all bytes and the end of the stream pass as they come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay(Behaviour):
    """Everything comes later by `time`, give or take `jitter`; never before it was sent.

    `per: once` waits before the upstream is connected (tcp), before the request goes on (http, `up`) or before its
    answer begins (http, `down`); `per: chunk` delays each piece of the stream, in order.
    """

    time: timedelta = timedelta(seconds=1)
    jitter: timedelta = NOW
    per: Per = Per.ONCE
    stream: Stream = Stream.UP


@dataclass(frozen=True, slots=True, kw_only=True)
class Error(Behaviour):
    """A wrong answer, and the upstream is never asked. http: `status`, `body`, `Retry-After`; tcp: `bytes` of garbage,
    then the end.
    """

    status: Annotated[int, Between(least=400, most=599)] = 503
    body: str = ""
    retry_after: timedelta | None = None
    bytes: Count = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset(Behaviour):
    """A true RST (ECONNRESET) after `after`; what was on the way is lost."""

    after: timedelta = NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Blackout(Behaviour):
    """Accepted, and closed with a FIN after `after`, without a byte."""

    after: timedelta = NOW


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang(Behaviour):
    """Accepted, and never answered; the connection stays open, until `end` if that is said (then a FIN)."""

    end: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse(Behaviour):
    """Nobody listens (ECONNREFUSED), and what was connected is reset. For all connections or for none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Behaviour):
    """The stream passes with `rate` bytes a second at most; with 0 nothing passes."""

    rate: Annotated[int, Between(least=0, most=2**40)] = 1024
    stream: Stream = Stream.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowClose(Behaviour):
    """All bytes pass; the end of the stream is seen `time` later."""

    time: timedelta = timedelta(seconds=1)
    stream: Stream = Stream.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Drip(Behaviour):
    """The stream arrives in pieces of `size` bytes, give or take `vary`, one in every `every`."""

    size: Count = 1
    vary: Annotated[int, Between(least=0, most=2**40)] = 0
    every: timedelta = timedelta(milliseconds=10)
    stream: Stream = Stream.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncate(Behaviour):
    """The stream ends with a FIN after its first `after` bytes (http: of the answer's body)."""

    after: Annotated[int, Between(least=0, most=2**40)] = 0
    stream: Stream = Stream.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrupt(Behaviour):
    """One bit of every `every` bytes is flipped (http: of the body); which one follows from the seed."""

    every: Count = 1024
    stream: Stream = Stream.DOWN


def behaviour(given: object, path: str) -> Behaviour:
    """`{"delay": {"time": "400ms"}}`, or the bare name for the defaults. Raises Permanent."""
    if isinstance(given, str):
        given = {given: {}}
    values = mapping(given, path)
    if len(values) != 1:
        raise Permanent(f"{path}: says {', '.join(values) or 'no behaviour'}; it has to be exactly one")
    ((kind, parameters),) = values.items()
    if kind not in BEHAVIOURS:
        raise Permanent(f"{path}: {nearest(kind, BEHAVIOURS)}")
    return read(BEHAVIOURS[kind], {} if parameters is None else parameters, f"{path}.{kind}")


def _within(given: object, path: str) -> Behaviour:
    found = behaviour(given, path)
    if isinstance(found, Transient | Outage | Ramp | Refuse):
        raise Permanent(f"{path}: {kind_of(found)} cannot stand within another behaviour")
    return found


Within = Annotated[Behaviour, _within]


@dataclass(frozen=True, slots=True, kw_only=True)
class Transient(Behaviour):
    """The first `first` of those it picks get `by`, all later ones nothing. Counted as they arrive."""

    first: Count = 1
    by: Within = Error()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage(Behaviour):
    """`by` for the first `bad` of every `every`, nothing for the rest of it; the first outage begins at once."""

    every: timedelta = timedelta(seconds=60)
    bad: timedelta = timedelta(seconds=5)
    by: Within = Error()

    def __post_init__(self) -> None:
        if not NOW < self.bad <= self.every:
            raise ValueError(f"bad, {in_words(self.bad)}, has to be more than nothing and not more than every")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ramp(Behaviour):
    """`by` for a share that grows from nothing to the whole percentage in `over`. Who is hit stays hit."""

    over: timedelta = timedelta(seconds=60)
    by: Within = Error()

    def __post_init__(self) -> None:
        if self.over <= NOW:
            raise ValueError("over has to be more than nothing")


BEHAVIOURS: Mapping[str, type[Behaviour]] = {
    "dummy": Dummy,
    "delay": Delay,
    "error": Error,
    "reset": Reset,
    "blackout": Blackout,
    "hang": Hang,
    "refuse": Refuse,
    "slow": Slow,
    "slow-close": SlowClose,
    "drip": Drip,
    "truncate": Truncate,
    "corrupt": Corrupt,
    "transient": Transient,
    "outage": Outage,
    "ramp": Ramp,
}
"""Kind -> its parameters."""

_KINDS = {form: kind for kind, form in BEHAVIOURS.items()}


def kind_of(what: Behaviour) -> str:
    """The name of a behaviour in documents."""
    return _KINDS[type(what)]


def written(what: Behaviour) -> dict[str, object]:
    """What `behaviour` reads again."""
    parameters = plain(what)
    if isinstance(what, Transient | Outage | Ramp) and "by" in parameters:
        parameters["by"] = written(what.by)
    return {kind_of(what): parameters}
