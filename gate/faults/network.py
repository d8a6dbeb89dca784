"""network-delay, network-error and their kin: what a fault proxy in the pod's own sidecar does to its connections.

A workload that speaks to a dependency through `chaos-gate proxy` beside it needs no privilege and nothing re-pointed to
have that dependency slow, broken or gone. Each behaviour of the proxy is a fault here. The proxy ends it by itself when
its time is over, counts whom it hit, and is asked by `exec` in its container: its control API stays on loopback.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from gate.documents.units import Duration, Lasting, Percent, in_words
from gate.errors import Absent, Permanent
from gate.faults.choosing import Choice, choose
from gate.faults.containers import container_of, status_of, where
from gate.faults.objects import Json, found, must_find, named, zone_of
from gate.faults.stress import LONGER
from gate.model import Step, Target, Undo, WorkloadName, fingerprint
from gate.running.ports import Cluster

SIDECAR = "fault-proxy"
"""The container that is asked where nobody names another one."""
ASK = ("chaos-gate", "proxy", "ask")
PROXIES = "/v1/proxies"

Bytes = Annotated[int, Field(ge=0, le=2**40)]
Stream = Annotated[
    Literal["up", "down", "both"],
    Field(description="Which way: up from the workload, down to it, or both.", examples=["down"]),
]


class Through(Choice):
    """Which pods, and which of the proxies in them."""

    touches: ClassVar[str] = "connections that go through the fault proxy in its sidecar"
    comes_back: ClassVar[str] = "the proxy forgets the fault; by itself 30 s after the hold"

    proxy: str = Field(min_length=1, description="The proxy, as its configuration calls it.", examples=["inventory"])
    requests: Percent = Field(
        default=1.0, gt=0, description="Whom it hits: connections, or with `protocol: http` requests.", examples=["30%"]
    )
    container: str = Field(default=SIDECAR, description="The container with the proxy.", examples=[SIDECAR])

    def behaviour(self) -> Json:
        """The parameters of the behaviour, as the proxy reads them."""
        said = self.model_dump(by_alias=True, exclude=set(Through.model_fields), exclude_none=True)
        return {name: in_words(value) if isinstance(value, timedelta) else value for name, value in said.items()}


class Delay(Through):
    """Everything comes later."""

    time: Lasting = Field(default=timedelta(seconds=1), description="By how much.", examples=["400ms"])
    jitter: Duration = Field(default=timedelta(0), description="Give or take.", examples=["50ms"])
    per: Literal["once", "chunk"] = Field(
        default="once", description="For the connection or request, or for each piece.", examples=["once"]
    )
    stream: Stream = "up"


class Error(Through):
    """A wrong answer, and the dependency is never asked."""

    status: int = Field(default=503, ge=400, le=599, description="http: the status.", examples=[500])
    body: str = Field(default="", description="http: the body.", examples=["try later"])
    retry_after: Duration | None = Field(default=None, description="http: the header Retry-After.", examples=["5s"])
    bytes: Annotated[int, Field(ge=1, le=2**40)] = Field(
        default=64, description="tcp: so much garbage, then the end.", examples=[64]
    )


class Reset(Through):
    """The connection is reset."""

    after: Duration = Field(default=timedelta(0), description="After that time.", examples=["100ms"])


class Blackout(Through):
    """The connection is taken, and closed without a byte."""

    after: Duration = Field(default=timedelta(0), description="After that time.", examples=["100ms"])


class Hang(Through):
    """The connection is taken, and never answered."""

    end: Lasting | None = Field(default=None, description="Then it is closed; left out: never.", examples=["10s"])


class Refuse(Through):
    """Nobody listens; for all connections."""

    @model_validator(mode="after")
    def _for_all(self) -> "Refuse":
        if self.requests < 1:
            raise ValueError("nobody listens for all connections or for none: leave requests out")
        return self


class Slow(Through):
    """The stream is narrow."""

    rate: Bytes = Field(default=1024, description="Bytes a second; with 0 nothing passes.", examples=[1024])
    stream: Stream = "down"


class SlowClose(Through):
    """All bytes pass, and the end of the stream comes late."""

    time: Lasting = Field(default=timedelta(seconds=1), description="By how much.", examples=["400ms"])
    stream: Stream = "down"


class Drip(Through):
    """The stream comes in small pieces."""

    size: Annotated[int, Field(ge=1, le=2**40)] = Field(default=1, description="Bytes of a piece.", examples=[8])
    vary: Bytes = Field(default=0, description="Give or take.", examples=[2])
    every: Lasting = Field(
        default=timedelta(milliseconds=10), description="From one piece to the next.", examples=["10ms"]
    )
    stream: Stream = "down"


class Truncate(Through):
    """The stream ends too early."""

    after: Bytes = Field(default=0, description="After so many bytes; http: of the answer's body.", examples=[100])
    stream: Stream = "down"


class Corrupt(Through):
    """Bits are flipped."""

    every: Annotated[int, Field(ge=1, le=2**40)] = Field(
        default=1024, description="One bit in so many bytes; http: of the body.", examples=[1024]
    )
    stream: Stream = "down"


@dataclass(frozen=True, slots=True)
class Network:
    """One behaviour of the proxy, as a fault."""

    behaviour: str
    Settings: type[Through]

    def plan(
        self, step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster
    ) -> list[Undo]:
        """Raises `Permanent` for a pod without such a container or proxy, and `Denied` if we may run nothing in it."""
        settings = self.Settings.model_validate(step.settings)
        victims = choose(settings, step, pods, seed, partial(zone_of, cluster))
        return [self._of(pod, step, settings, seed, cluster) for pod in victims]

    def _of(self, pod: Target, step: Step, settings: Through, seed: str, cluster: Cluster) -> Undo:
        fault = {
            "percent": f"{settings.requests * 100:g}%",
            "ttl": in_words(step.hold + LONGER),
            self.behaviour: settings.behaviour(),
        }
        undo = Undo(
            id=f"{step.name}/{pod.name}",
            step=step.name,
            fault=step.fault,
            target=pod,
            settings={
                "container": container_of(must_find(cluster, pod), settings.container, pod)["name"],
                "proxy": settings.proxy,
                "name": f"chaos-gate-{fingerprint(seed, step.name, pod.uid)}",
                "fault": json.dumps(fault),
            },
        )
        _proxy(undo, cluster)  # or what was never there could not be healed either
        return undo

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        """Set it, once more if it is set: then its time begins anew. Raises `Permanent` if the proxy refuses it."""
        must_find(cluster, undo.target)
        _ask(undo, cluster, "PUT", _path(undo), undo.settings["fault"])

    def prove(self, undo: Undo, cluster: Cluster) -> str | None:
        """The proxy counts whom it hit. Whom nobody listens to it cannot count: it must have been used before."""
        proxy, name = _proxy(undo, cluster), undo.settings["name"]
        counters, through = proxy["counters"], f"the proxy {undo.settings['proxy']} in {where(undo)}"
        hit = counters["affected"].get(name, 0)
        if hit:
            return f"{hit} of {counters['seen']} that went through {through} were hit"
        if self.behaviour == "refuse" and name in _faults(proxy) and counters["connections"]:
            return f"nobody listens any more at {through}, which {counters['connections']} connections went through"
        return None

    def revert(self, undo: Undo, cluster: Cluster) -> str:
        """A proxy that does not run, or is another one by now, has taken it along."""
        proxy = f"the proxy {undo.settings['proxy']} in {where(undo)}"
        state = status_of(found(cluster, undo.target), undo.settings["container"]).get("state") or {}
        if "running" not in state:
            return f"{proxy} does not run; nothing is left in it"
        try:
            known = _proxies(undo, cluster).get(undo.settings["proxy"])
            if known is None or undo.settings["name"] not in _faults(known):
                return f"{proxy} knows nothing of it"
            _ask(undo, cluster, "DELETE", _path(undo))
        except Absent:
            return f"{named(undo.target)} is gone; nothing is left in it"
        return f"{proxy} is healed"


KINDS: Mapping[str, type[Through]] = {
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
}

NETWORK: Mapping[str, Network] = {f"network-{name}": Network(name, settings) for name, settings in KINDS.items()}
"""The faults by their kind."""


def _path(undo: Undo) -> str:
    return f"{PROXIES}/{undo.settings['proxy']}/faults/{undo.settings['name']}"


def _proxy(undo: Undo, cluster: Cluster) -> Json:
    known = _proxies(undo, cluster)
    if undo.settings["proxy"] not in known:
        names = ", ".join(known) or "none"
        raise Permanent(f'{where(undo)} has no proxy "{undo.settings["proxy"]}"; it has {names}')
    proxy: Json = known[undo.settings["proxy"]]
    return proxy


def _faults(proxy: Json) -> set[str]:
    return {each["name"] for each in proxy.get("faults") or ()}


def _proxies(undo: Undo, cluster: Cluster) -> Json:
    said = _ask(undo, cluster, "GET", PROXIES, changing=False)
    try:
        proxies: Json = json.loads(said)["proxies"]
    except (ValueError, KeyError, TypeError) as error:
        raise Permanent(f"{where(undo)} does not answer as a fault proxy does: {said[:80]!r}") from error
    return proxies


def _ask(undo: Undo, cluster: Cluster, *words: Any, changing: bool = True) -> str:
    target = undo.target
    return cluster.execute(target.namespace, target.name, undo.settings["container"], [*ASK, *words], changing=changing)
