"""One proxy as a value: where it listens, where it leads, what it does to whom."""

import ipaddress
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase

from gate.errors import Permanent
from gate.proxy.behaviours import Outage, Ramp, Refuse, kind_of
from gate.proxy.forms import mapping, nearest, plain, read, scalar
from gate.proxy.mix import Fault, Mix, fault, mix, said

SECONDS_10 = timedelta(seconds=10)


class Protocol(StrEnum):
    """What a proxy understands of the bytes; with `tcp` a connection is one request."""

    TCP = "tcp"
    HTTP = "http"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Host and port; port 0 means any that is free, and is for listening only."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def address(given: object, path: str) -> Address:
    """`host:port` or `[host]:port`; without a host, of IPv4 loopback. Raises Permanent."""
    host, colon, port = str(given).rpartition(":")
    if not isinstance(given, str) or not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise Permanent(f"{path}: {given!r} is not an address; write it like 127.0.0.1:8666")
    name = host.removeprefix("[").removesuffix("]") or "127.0.0.1"
    if not _can_be_a_host(name):
        raise Permanent(f"{path}: {name!r} is not the name of a host; write it like 127.0.0.1:8666")
    return Address(host=name, port=int(port))


def _can_be_a_host(name: str) -> bool:
    try:
        name.encode("idna")
    except UnicodeError:
        return False
    return name.isprintable() and " " not in name


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What of an HTTP request decides; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """Which HTTP requests; what is not said does not matter. `*` and `?` in the path stand for what they do in file
    names, and the query does not count.
    """

    method: str | None = None
    path: str | None = None
    header: str | None = None
    """`name: value`, or a name alone for any value."""

    def matches(self, request: Request) -> bool:
        """Whether all that is said is true of the request."""
        return (
            (self.method is None or request.method == self.method.upper())
            and (self.path is None or fnmatchcase(request.path.partition("?")[0], self.path))
            and (self.header is None or self._has(request.headers))
        )

    def _has(self, headers: Mapping[str, str]) -> bool:
        name, colon, value = (self.header or "").partition(":")
        found = headers.get(name.strip().lower())
        return found is not None and (not colon or found == value.strip())


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A mix for the requests that it is about. Of several rules the first that matches counts."""

    where: Where | None
    mix: Mix

    def about(self, request: Request | None) -> bool:
        """Whether it is about that request; a connection that is not HTTP has none."""
        return self.where is None or (request is not None and self.where.matches(request))


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """One proxy, with its behaviour: what is created at once."""

    name: str
    listen: Address
    upstream: Address
    protocol: Protocol = Protocol.TCP
    enabled: bool = True
    request_id: str = "x-request-id"
    """The header that names a request, in lower case."""
    connect_timeout: timedelta = SECONDS_10
    rules: tuple[Rule, ...] = ()
    faults: tuple[Fault, ...] = ()
    """Independent of the mixes and of each other, and applied on top, in this order."""

    def __post_init__(self) -> None:
        if not self.name or "/" in self.name:
            raise ValueError(f"{self.name!r} is not a name; it needs a character, and no slash")
        if self.listen == self.upstream:
            raise ValueError(f"{self.listen} is both where it listens and where it leads; name the real upstream")
        if self.upstream.port == 0:
            raise ValueError(f"upstream {self.upstream} has no port")
        _only_what_it_understands(self)

    @property
    def refuses(self) -> bool:
        """Whether nobody is to listen."""
        return not self.enabled or any(isinstance(each.does, Refuse) for each in self.everything())

    def everything(self) -> Iterator[Fault]:
        """All its faults, those of the mixes first."""
        for rule in self.rules:
            yield from rule.mix.faults
        yield from self.faults

    def without(self, now: float) -> "Spec":
        """The same without the faults whose time is over."""
        if not any(each.over(now) for each in self.everything()):
            return self
        rules = tuple(replace(rule, mix=rule.mix.without(now)) for rule in self.rules)
        return replace(self, rules=rules, faults=tuple(each for each in self.faults if not each.over(now)))

    def next_change(self, now: float) -> float | None:
        """When the same request may be decided differently, as far as time alone is the reason."""
        return min((at for each in self.everything() for at in _changes(each, now)), default=None)


def _changes(one: Fault, now: float) -> Iterator[float]:
    if one.ends is not None:
        yield one.ends
    if isinstance(one.does, Outage):
        every, bad = one.does.every.total_seconds(), one.does.bad.total_seconds()
        begin = one.since + (now - one.since) // every * every
        yield begin + bad if now < begin + bad else begin + every
    if isinstance(one.does, Ramp) and now < one.since + one.does.over.total_seconds():
        yield now + one.does.over.total_seconds() / 100


def _only_what_it_understands(spec: Spec) -> None:
    if spec.protocol is Protocol.TCP and any(rule.where for rule in spec.rules):
        raise ValueError("a rule with where needs protocol: http")
    if any(isinstance(each.does, Refuse) for rule in spec.rules if rule.where for each in rule.mix.faults):
        raise ValueError("refuse is for all connections: it cannot stand in a rule with where")
    twice = [name for name, times in Counter(each.name for each in spec.everything()).items() if times > 1]
    if twice:
        raise ValueError(f'two faults are called "{twice[0]}"; give each a name of its own')


_FIELDS = ("name", "listen", "upstream", "protocol", "enabled", "requestId", "connectTimeout", "mix", "rules", "faults")


def spec(given: object, path: str) -> Spec:
    """A proxy as a document says it. Raises Permanent."""
    values = mapping(given, path)
    for name in values:
        if name not in _FIELDS:
            raise Permanent(f"{path}.{name}: {nearest(name, _FIELDS)}")
    for name in ("name", "listen", "upstream"):
        if name not in values:
            raise Permanent(f"{path}.{name}: is missing")
    try:
        return Spec(
            name=scalar(str, values["name"], f"{path}.name"),
            listen=address(values["listen"], f"{path}.listen"),
            upstream=address(values["upstream"], f"{path}.upstream"),
            protocol=scalar(Protocol, values.get("protocol", "tcp"), f"{path}.protocol"),
            enabled=scalar(bool, values.get("enabled", True), f"{path}.enabled"),
            request_id=scalar(str, values.get("requestId", "x-request-id"), f"{path}.requestId").lower(),
            connect_timeout=scalar(timedelta, values.get("connectTimeout", SECONDS_10), f"{path}.connectTimeout"),
            rules=rules(values, path),
            faults=tuple(fault(each, f"{path}.faults[{n}]") for n, each in enumerate(_list(values, "faults", path))),
        )
    except ValueError as error:
        raise Permanent(f"{path}: {error}") from error


def rules(values: Mapping[str, object], path: str) -> tuple[Rule, ...]:
    """`rules`, and `mix` as the last of them, which is about everything else. Raises Permanent."""
    found = []
    for number, each in enumerate(_list(values, "rules", path)):
        here = f"{path}.rules[{number}]"
        rule = mapping(each, here)
        if rule.keys() - {"where", "mix"} or "mix" not in rule:
            raise Permanent(f"{here}: a rule says mix, and where if it is not about everything; nothing else")
        about = None if rule.get("where") is None else read(Where, rule["where"], f"{here}.where")
        found.append(Rule(where=about, mix=mix(rule["mix"], f"{here}.mix")))
    if "mix" in values:
        found.append(Rule(where=None, mix=mix(values["mix"], f"{path}.mix")))
    return tuple(found)


def _list(values: Mapping[str, object], name: str, path: str) -> list[object]:
    given = values.get(name, [])
    if not isinstance(given, list):
        raise Permanent(f"{path}.{name}: {given!r} is not a list")
    return given


def document(one: Spec) -> dict[str, object]:
    """What `spec` reads again."""
    whole: dict[str, object] = {
        "name": one.name,
        "listen": str(one.listen),
        "upstream": str(one.upstream),
        "protocol": str(one.protocol),
        "enabled": one.enabled,
        "requestId": one.request_id,
        "connectTimeout": plain(one.connect_timeout),
    }
    for each in one.rules:
        shares = [said(share) for share in each.mix.faults]
        if each.where is None and each is one.rules[-1]:
            whole["mix"] = shares
        else:
            about = {} if each.where is None else {"where": plain(each.where)}
            whole.setdefault("rules", []).append({**about, "mix": shares})  # type: ignore[attr-defined]
    return whole | {"faults": [said(each) for each in one.faults]}


def kinds(one: Spec) -> list[str]:
    """The names of the behaviours in force, for logs."""
    return [kind_of(each.does) for each in one.everything()]
