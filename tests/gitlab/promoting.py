"""What tests of promotions share: a gate that wants production, and replicas that die anywhere on the way to it."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from gate.errors import Conflict
from gate.gitlab.client import Deployment, Pipeline
from gate.gitlab.outbox import LANDED
from gate.gitlab.promoter import Promoter
from gate.gitlab.promotion.agreed import Agreed
from gate.gitlab.protocol import Method, Request
from gate.model import (
    Gate,
    GateStatus,
    Promoted,
    PromotedState,
    Promotion,
    Stance,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.sandbox.gitlab.trouble import Trouble
from tests.clocks import HandClock
from tests.gitlab.ground import World

WORKLOAD = Workload(name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web"), uid="u")
KEY = ("shop", "deployment-web")
STAGING = "staging"
HOUR = 3600.0


class Crash(Exception):
    """The process dies here."""


@dataclass
class Cluster:
    """The gate as the API server has it."""

    gate: Gate = field(default_factory=lambda: Gate(namespace=KEY[0], name=KEY[1], uid="g", workload=WORKLOAD))
    version: int = 0

    def wants(self, promotion: Promotion | None) -> None:
        self._write(replace(self.gate, status=GateStatus(promotion=promotion)))

    def save(self, seen: Gate, promoted: Mapping[str, Promoted | None]) -> Gate:
        if seen.resource_version != self.gate.resource_version:
            raise Conflict("somebody wrote it meanwhile")
        kept = {key: value for key, value in {**self.gate.promoted, **promoted}.items() if value is not None}
        return self._write(replace(self.gate, promoted=kept))

    def _write(self, gate: Gate) -> Gate:
        self.version += 1
        self.gate = replace(gate, resource_version=str(self.version))
        return self.gate


class Nothing:
    """Nothing goes wrong."""

    def perhaps(self, line: str, request: Request | None = None) -> None: ...


@dataclass
class Replica:
    """One process: its copy of the gate, which may lag, its promoter, and a way to GitLab on which it may die."""

    world: World
    cluster: Cluster
    clock: HandClock
    fate: Any = field(default_factory=Nothing)
    copy: Gate | None = None
    lagging: bool = False
    deployed: bool = True
    """What is wanted has been on staging; else GitLab says what has."""

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.promoter = Promoter(self, lambda _: self, self.agree, now=self.clock.now, monotonic=self.clock.monotonic)

    def agree(self, gate: Gate, *, anew: bool = False) -> Agreed | None:
        """It is the only gate of its production."""
        now = self.cluster.gate if anew else gate
        wanted = now.status.promotion
        return Agreed(wanted=wanted, keeper=now, environments=frozenset({STAGING})) if wanted else None

    @property
    def client(self) -> "Replica":
        return self

    def latest(self, namespace: str, name: str) -> Gate | None:
        if not self.lagging or self.copy is None:
            self.copy = self.cluster.gate
        return self.copy

    def save_promoted(self, gate: Gate, promoted: Mapping[str, Promoted | None]) -> Gate:
        self.fate.perhaps("dies before it saves")
        saved = self.cluster.save(gate, promoted)
        self.fate.perhaps("dies after it saved")
        return saved

    def pipeline(self, project: str, pipeline: int) -> Pipeline:
        return self.world.client.pipeline(project, pipeline)

    def user(self) -> int:
        return self.world.bot

    def deployments(self, project: str, *, environment: str) -> Sequence[Deployment]:
        self.fate.perhaps("dies before it looks")
        wanted = self.cluster.gate.status.promotion
        if environment == STAGING and self.deployed and wanted:
            commit = wanted.commit
            return [Deployment(id=1, sha=commit.sha, status="success", pipeline=commit.pipeline)]
        return self.world.client.deployments(project, environment=environment)

    def pages(self, request: Request) -> Iterator[Mapping[str, Any]]:
        return self.world.client.pages(request)

    def send(self, request: Request) -> Any:
        if request.method is Method.GET:
            return self.world.client.send(request)
        self.fate.perhaps("dies before it sends")
        for _ in range(3):
            self.fate.perhaps("dies, and what it sent is still on the way", request)
        said = self.world.client.send(request)
        self.fate.perhaps("dies after it sent")
        return said

    def steps(self) -> timedelta | None:
        return self.promoter.promote(*KEY)


def settled(
    replica: Replica, passes: Callable[[timedelta], None] | None = None, lines: Sequence[str] = ()
) -> Promoted | None:
    """Go on until there is nothing to do, or a person has to act; what became of what is wanted."""
    begin, passes = replica.clock.seconds, passes or replica.clock.advance
    while (pause := replica.steps()) is not None:
        wanted = replica.cluster.gate.status.promotion
        became = replica.cluster.gate.promoted.get(wanted.key) if wanted else None
        if became is not None and became.state is PromotedState.REFUSED:
            return became
        passes(pause)
        assert replica.clock.seconds - begin < HOUR, "\n".join([*lines, "it never ends"])
    wanted = replica.cluster.gate.status.promotion
    return replica.cluster.gate.promoted.get(wanted.key) if wanted else None


class History:
    """One seed's story, line by line: two replicas, a promotion that is awaited and then opened."""

    def __init__(self, world: World, seed: int, promotion: Promotion, ended: Callable[[], object], path: str) -> None:
        """`ended` waits until GitLab has nothing under way; `path` is what trouble meets."""
        self.world, self.random, self.promotion = world, random.Random(seed), promotion
        self.ended, self.path = ended, path
        self.clock, self.cluster, self.calm = HandClock(), Cluster(), False
        self.lines: list[str] = []
        self.late: list[tuple[float, Request]] = []
        self.replicas = [Replica(world, self.cluster, self.clock, self) for _ in range(2)]
        self.leader = self.replicas[0]

    def say(self, line: str) -> None:
        self.lines.append(f"{self.clock.seconds:7.1f} {line}")

    def perhaps(self, line: str, request: Request | None = None) -> None:
        if self.calm or self.random.random() > 0.12:
            return
        if request is not None:
            self.late.append((self.clock.seconds + self.random.random() * LANDED.total_seconds(), request))
        self.say(line)
        raise Crash

    def passes(self, by: timedelta) -> None:
        for due in sorted(self.late, key=lambda each: each[0]):
            if due[0] <= self.clock.seconds + by.total_seconds():
                self.late.remove(due)
                self.ended()
                self.say("what was on the way lands")
                self.world.lands(due[1])
        self.clock.advance(by)

    def moves(self) -> None:
        """Something happens, and the leader takes a step."""
        if self.random.random() < 0.4:
            trouble, method = self.random.choice(list(Trouble)), self.random.choice(["GET", "POST", "POST"])
            self.say(f"GitLab: the next {method} meets {trouble}")
            self.world.server.troubles.order(trouble, method=method, path=self.path)
        if self.random.random() < 0.2:
            self.leader = next(each for each in self.replicas if each is not self.leader)
            self.leader.promoter.hurry()
            self.say("the other replica leads")
        self.leader.lagging = self.random.random() < 0.2
        try:
            self.leader.steps()
        except Crash:
            self.leader.begin()
        self.passes(timedelta(seconds=self.random.choice([0, 1, 5, 20, 70])))

    def plays(self) -> Promoted | None:
        for stance in (Stance.AWAIT, Stance.OPEN):
            self.cluster.wants(replace(self.promotion, stance=stance))
            self.say(f"the gate says {stance}")
            for _ in range(self.random.randint(1, 6)):
                self.moves()
        self.calm = True
        for replica in self.replicas:
            replica.lagging = False
            replica.begin()
        became = None
        for replica in self.replicas:
            became = settled(replica, self.passes, self.lines)
            self.ended()
        self.passes(LANDED)
        return became
