"""Whatever crashes, repeats and races there are, each status name ends with one row, in the right state and pipeline.

Two replicas report to the embedded GitLab. Every seed is one history; a failure prints it, and its test id replays it.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from gate.errors import Conflict
from gate.gitlab.outbox import LANDED, Outbox
from gate.gitlab.protocol import Request
from gate.gitlab.reporter import Reporter
from gate.gitlab.statuses import Row
from gate.model import Announcement, Commit, Gate, GateStatus, StatusState, Workload, WorkloadKind, WorkloadName
from gate.sandbox.gitlab.trouble import Trouble
from tests.clocks import HandClock
from tests.gitlab.ground import ASKED, PATH, World

SEEDS = [*range(6), *(pytest.param(seed, marks=pytest.mark.thorough) for seed in range(6, 1000))]
WORKLOAD = Workload(name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web"), uid="u")
KEY = ("shop", "deployment-web")
FINAL = [StatusState.SUCCESS, StatusState.FAILED, StatusState.CANCELED]


class Crash(Exception):
    """The process dies here."""


@dataclass
class Cluster:
    """The gate as the API server has it."""

    gate: Gate = field(default_factory=lambda: Gate(namespace=KEY[0], name=KEY[1], uid="g", workload=WORKLOAD))
    version: int = 0

    def says(self, announcements: Sequence[Announcement]) -> None:
        self._write(replace(self.gate, status=GateStatus(announcements=tuple(announcements))))

    def save(self, seen: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        if seen.resource_version != self.gate.resource_version:
            raise Conflict("somebody wrote it meanwhile")
        kept = {key: value for key, value in {**self.gate.accepted, **accepted}.items() if value is not None}
        self._write(replace(self.gate, accepted=kept, reported=problem))

    def _write(self, gate: Gate) -> None:
        self.version += 1
        self.gate = replace(gate, resource_version=str(self.version))


@dataclass
class Replica:
    """One process: its copy of the gate, which may lag, its outbox, and a way to GitLab on which it may die."""

    history: "History"
    copy: Gate | None = None

    def __post_init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self.outbox = Outbox(self, Reporter(self).report, lambda _: "", monotonic=self.history.clock.monotonic)
        self.outbox.doubt()

    def latest(self, namespace: str, name: str) -> Gate | None:
        return self.copy

    def save_accepted(self, gate: Gate, accepted: Mapping[str, str | None], problem: str) -> None:
        self.history.perhaps("crash", "dies before it saves")
        self.history.cluster.save(gate, accepted, problem)
        self.history.perhaps("crash", "dies after it saved")

    def user(self) -> int:
        return self.history.world.bot

    def statuses(self, project: str, sha: str, *, pipeline: int, name: str) -> Sequence[Row]:
        self.history.perhaps("crash", "dies before it reads")
        return self.history.world.client.statuses(project, sha, pipeline=pipeline, name=name)

    def external(self, project: str, sha: str, *, pipeline: int) -> Sequence[Row]:
        return self.history.world.client.external(project, sha, pipeline=pipeline)

    def send(self, request: Request) -> Any:
        self.history.perhaps("crash", "dies before it posts")
        self.history.perhaps("hold", "dies, and its post is still on the way", request)
        said = self.history.world.client.send(request)
        self.history.perhaps("crash", "dies after it posted")
        return said


class History:
    """One seed's story, line by line."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.random, self.name = world, random.Random(seed), f"chaos/seed-{seed}/web"
        self.clock, self.cluster, self.calm = HandClock(), Cluster(), False
        self.lines: list[str] = []
        self.late: list[tuple[float, Request]] = []
        self.replicas = [Replica(self), Replica(self)]
        self.leader = self.replicas[0]

    def say(self, line: str) -> None:
        self.lines.append(f"{self.clock.seconds:7.1f} {line}")

    def perhaps(self, what: str, line: str, request: Request | None = None) -> None:
        if self.calm or self.random.random() > 0.08:
            return
        if request is not None:
            self.late.append((self.clock.seconds + self.random.random() * LANDED.total_seconds(), request))
        self.say(f"{line} {request.body['state'] if request and request.body else ''}")
        raise Crash

    def land(self, until: float) -> None:
        for due in sorted(self.late, key=lambda each: each[0]):
            if due[0] <= until:
                self.late.remove(due)
                self.say(f"what was on the way lands: {due[1].body['state'] if due[1].body else ''}")
                self.world.lands(due[1])

    def passes(self, by: timedelta) -> None:
        self.land(self.clock.seconds + by.total_seconds())
        self.clock.advance(by)

    def trouble(self) -> None:
        if self.calm or self.random.random() > 0.3:
            return
        trouble, method = self.random.choice(list(Trouble)), self.random.choice(["GET", "POST"])
        self.say(f"GitLab: the next {method} meets {trouble}")
        self.world.server.troubles.order(trouble, method=method, path=f"{ASKED}/.*statuses")

    def delivers(self, *, copied: bool) -> timedelta | None:
        """The leader looks at its gate once."""
        if copied or self.leader.copy is None:
            self.leader.copy = self.cluster.gate
        try:
            return self.leader.outbox.deliver(*KEY)
        except Crash:
            self.leader.begin()
            return timedelta(0)

    def moves(self) -> None:
        """Something happens."""
        self.trouble()
        if self.random.random() < 0.15:
            self.leader = next(each for each in self.replicas if each is not self.leader)
            self.leader.outbox.doubt()
            self.say("the other replica leads")
        for _ in range(self.random.randint(0, 3)):
            self.delivers(copied=self.random.random() < 0.8)
            self.checks()
            self.passes(timedelta(seconds=self.random.choice([0, 1, 5, 20])))

    def announced(self) -> Iterator[list[Announcement]]:
        """What a gate would say, step by step; the last word about each pipeline is a final one."""
        older: list[Announcement] = []
        for pipeline in self.world.pipelines[: self.random.randint(1, 2)]:
            commit = Commit(project=PATH, sha=self.world.sha, pipeline=pipeline)
            said = Announcement(name=self.name, commit=commit, version="v", state=StatusState.PENDING, description="d")
            for _ in range(self.random.randint(1, 3)):
                for state in (StatusState.PENDING, StatusState.RUNNING, self.random.choice(FINAL)):
                    said = replace(said, state=state, description=f"{state} {self.random.randint(0, 9)}")
                    yield [*older, said]
            older = [said]

    def checks(self) -> None:
        for pipeline in self.world.pipelines:
            assert len(self.world.shown(self.name, pipeline)) <= 1, "\n".join(self.lines)

    def plays(self) -> list[Announcement]:
        last: list[Announcement] = []
        for last in self.announced():
            self.say(f"the gate says {', '.join(f'{each.state} in {each.commit.pipeline}' for each in last)}")
            self.cluster.says(last)
            self.moves()
        self.calm = True
        while (pause := self.delivers(copied=True)) is not None:
            self.passes(pause)
            assert self.clock.seconds < 3600, "\n".join([*self.lines, "GitLab is never told"])
        return last


@pytest.mark.parametrize("seed", SEEDS)
def test_one_row_of_each_name_is_left_in_the_right_state_on_the_right_pipeline(world: World, seed: int) -> None:
    history = History(world, seed)
    try:
        wanted = history.plays()
    finally:
        world.calm()
    said = {each.commit.pipeline: str(each.state) for each in wanted}
    shown = {pipeline: world.shown(history.name, pipeline) for pipeline in world.pipelines}
    found = {pipeline: [row["status"] for row in rows] for pipeline, rows in shown.items() if rows}
    assert found == {pipeline: [state] for pipeline, state in said.items()}, "\n".join(history.lines)
    assert {row["author"]["id"] for rows in shown.values() for row in rows} == {world.bot}
    assert history.cluster.gate.told == set(wanted)
    assert not history.late
