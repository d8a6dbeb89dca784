"""The mix: which share of all requests gets which behaviour, each request at most one; and faults that stack on it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import accumulate

from gate.errors import Permanent
from gate.proxy.behaviours import BEHAVIOURS, Behaviour, Dummy, Refuse, behaviour, kind_of, written
from gate.proxy.forms import WHOLE, in_percent, mapping, nearest, parts_per_million, plain, read, scalar


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who has to renew a fault, and within what time; when the owner goes silent, the fault ends."""

    owner: str
    time: timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A behaviour for a share of all requests, and how long it stays in force.

    In a mix the shares exclude each other; elsewhere each fault is drawn by itself. The moments are seconds of the
    proxy's clock; they are not compared, so the same fault said again is the same fault.
    """

    name: str
    share: int
    """In millionths."""
    does: Behaviour
    ttl: timedelta | None = None
    lease: Lease | None = None
    toxic: str | None = None
    """The toxic that it is, as Toxiproxy's API said it; see `toxiproxy`."""
    since: float = field(default=0.0, compare=False)
    ends: float | None = field(default=None, compare=False)
    """When the time to live is over, or the lease lapses if that is sooner."""
    latest: float | None = field(default=None, compare=False)
    """When the time to live is over, however often the lease is renewed."""

    def begun(self, now: float, before: "Fault | None") -> "Fault":
        """This fault in force from now on; where it was there before, it has been in force since then. One that was
        not said again, but is the very one of before, keeps also its end.
        """
        if self is before:
            return self
        latest = None if self.ttl is None else now + self.ttl.total_seconds()
        begun = replace(
            self, since=before.since if before is not None and before == self else now, ends=latest, latest=latest
        )
        return begun._leased(now)

    def renewed(self, owner: str, now: float) -> "Fault":
        """This fault with its lease renewed, if the owner holds one that has not lapsed. A time to live stays."""
        if self.lease is None or self.lease.owner != owner or self.over(now):
            return self
        return self._leased(now)

    def over(self, now: float) -> bool:
        """Whether its time has come."""
        return self.ends is not None and self.ends <= now

    def _leased(self, now: float) -> "Fault":
        if self.lease is None:
            return self
        lapses = now + self.lease.time.total_seconds()
        return replace(self, ends=lapses if self.latest is None else min(lapses, self.latest))


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Faults side by side on one line of 100 %: each has its place there, what is left is clean.

    A fault added at the end changes the lot of nobody who was hit; one that is over keeps its place as `dummy`.
    """

    faults: tuple[Fault, ...] = ()

    def __post_init__(self) -> None:
        total = sum(each.share for each in self.faults)
        if total > WHOLE:
            raise ValueError(f"the shares of a mix are {in_percent(total)} together; they may be 100% at most")
        if any(isinstance(each.does, Refuse) and each.share != WHOLE for each in self.faults):
            raise ValueError("refuse is for all connections or for none: give it 100%")

    def at(self, point: int) -> tuple[Fault, int] | None:
        """The fault at a point of the line, in millionths, and how far into its place the point is."""
        for fault, end in zip(self.faults, accumulate(each.share for each in self.faults), strict=True):
            if point < end:
                return fault, point - (end - fault.share)
        return None

    def without(self, now: float) -> "Mix":
        """The same with a `dummy` in the place of each fault that is over."""
        return Mix(faults=tuple(_healed(each) if each.over(now) else each for each in self.faults))


def _healed(fault: Fault) -> Fault:
    return Fault(name=fault.name, share=fault.share, does=Dummy(), since=fault.since)


def fault(given: object, path: str) -> Fault:
    """`{percent: 10%, delay: {time: 400ms}, ttl: 30s, lease: {owner: x, time: 5s}}`; the name is the behaviour's unless
    it is said. Raises Permanent.
    """
    values = dict(mapping(given, path))
    does = behaviour({name: values.pop(name) for name in list(values) if name in BEHAVIOURS}, path)
    for name in values:
        if name not in _BESIDE:
            raise Permanent(f"{path}.{name}: {nearest(name, [*_BESIDE, *BEHAVIOURS])}")
    return Fault(
        name=scalar(str, values.get("name", kind_of(does)), f"{path}.name"),
        share=parts_per_million(values.get("percent", "100%"), f"{path}.percent"),
        does=does,
        ttl=scalar(timedelta | None, values.get("ttl"), f"{path}.ttl"),
        lease=None if values.get("lease") is None else read(Lease, values["lease"], f"{path}.lease"),
    )


_BESIDE = ("name", "percent", "ttl", "lease")


def said(one: Fault) -> dict[str, object]:
    """What `fault` reads again."""
    whole: dict[str, object] = {"name": one.name, "percent": in_percent(one.share), **written(one.does)}
    return whole | {name: plain(value) for name, value in (("ttl", one.ttl), ("lease", one.lease)) if value}


def mix(given: object, path: str) -> Mix:
    """A list of faults, or Vaurien's words `5:error,10:delay`. Raises Permanent."""
    items = _vaurien(given, path) if isinstance(given, str) else given
    if not isinstance(items, list):
        raise Permanent(f"{path}: {given!r} is neither a list nor words like 5:error,10:delay")
    return _made(tuple(fault(each, f"{path}[{number}]") for number, each in enumerate(items)), path)


def _made(faults: tuple[Fault, ...], path: str) -> Mix:
    try:
        return Mix(faults=faults)
    except ValueError as error:
        raise Permanent(f"{path}: {error}") from error


def _vaurien(words: str, path: str) -> list[Mapping[str, object]]:
    found: list[Mapping[str, object]] = []
    for word in filter(None, words.replace(" ", "").split(",")):
        share, colon, kind = word.partition(":")
        if not colon or not share.replace(".", "", 1).isascii() or not share.replace(".", "", 1).isdigit():
            raise Permanent(f"{path}: {word!r} is not a share; write it like 5:error")
        if kind not in BEHAVIOURS:
            raise Permanent(f"{path}: {nearest(kind, BEHAVIOURS)}")
        found.append({"percent": float(share), kind: {}})
    return found
