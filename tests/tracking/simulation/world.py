"""The whole of one history: cluster, people, git, executor and replicas of the gate, and a seed that says what happens.

Nothing runs by itself: `step` lets one of them take one small step. While a request of the gate is under way the others
go on, so that everything may happen between any two requests of one comparison.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.cluster.gates import gate_from
from gate.cluster.known import CONFIG_MAP
from gate.cluster.mirror import COMPARE_AFTER
from gate.cluster.runs import ABORT, run_from
from gate.documents.catalogue import Catalogue
from gate.model import Gate, Reason, Run
from gate.sandbox.kubernetes.registry.resources import CONFIG_MAPS, DEPLOYMENTS
from gate.sandbox.kubernetes.store.changes import Change, ChangeType
from gate.tracking.judgements import asks_for
from tests.tracking.simulation.catalogues import Folder, wish
from tests.tracking.simulation.executing import Executor
from tests.tracking.simulation.replica import Replica
from tests.tracking.simulation.server import NAMESPACE, Server
from tests.tracking.simulation.shop import Shop
from tests.tracking.simulation.wire import Asked, EventFate, Fate, Killed, Wire, serve

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
OF_WRITES = [fate for fate in Fate if fate is not Fate.WELL]
OF_READS = [*(Fate.LOST, Fate.REFUSED, Fate.HTML) * 3, Fate.KILLED_BEFORE]
PATIENCE = 300
"""How often the world may go on, once it is calm, before it has to have come to rest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Roughness:
    """How much goes wrong, as shares of what could; all are 0 once the world is calm."""

    requests: float = 0.0
    watches: float = 0.0
    between: float = 0.0
    """Something happens while a request is under way."""
    leaders: float = 0.0
    clocks: float = 0.0
    people: float = 0.0
    """They delete and abort what is the gate's."""


CALM = Roughness()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateWrite:
    """A gate as it was after a write; None: it was deleted."""

    at: float
    before: Gate | None
    after: Gate | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMade:
    """A run at the moment of its creation, and the other runs of the same gate then."""

    at: float
    run: Run
    gate: str
    """Its owner's uid."""
    named: bool
    """Its gate names it at that moment. One that it does not name any more was made too late."""
    beside: tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run at the moment at which its faults begin."""

    run: Run
    gate: Gate | None
    guarded: tuple[str, ...]
    """Other runs that still have something to take back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A workload at the moment of its creation."""

    at: float
    uid: str
    known: Mapping[str, datetime]
    """When it had been kept, by the API server's clock, that the gate knows which subscription."""


@dataclass
class Record:
    """What an observer of the API server saw, for the invariants."""

    gates: list[GateWrite] = field(default_factory=list)
    made: list[RunMade] = field(default_factory=list)
    runs: dict[str, Run] = field(default_factory=dict)
    """Each run that ever was, by its uid, in its last state."""
    deleted: set[str] = field(default_factory=set)
    """Uids of runs and gates that somebody deleted."""
    begun: list[Begun] = field(default_factory=list)
    workloads: list[Made] = field(default_factory=list)
    folders: dict[str, Folder] = field(default_factory=dict)
    subscribed: list[tuple[float, Folder]] = field(default_factory=list)
    """When each commit to the catalogue was pushed."""
    subscribed_anew: list[float] = field(default_factory=lambda: [0.0])
    """When the catalogue got subscriptions after it had none, as far as every replica had noticed that."""


class World:
    """One history; one of four has three replicas. `worse` parts of a replica take the place of the real ones."""

    def __init__(self, seed: int, **worse: Callable[[Any], Any]) -> None:
        self.random = random.Random(seed)
        self.seed, self.now, self.rough = seed, 0.0, CALM
        self.story: list[str] = []
        self.record = Record()
        self.server = Server(self.time, random.Random(seed))
        self.server.observe(self.server.gates, self._gate_written)
        self.server.observe(self.server.runs, self._run_written)
        self.server.observe(DEPLOYMENTS, self._workload_written)
        self._kept: dict[str, datetime] = {}
        self.server.observe(CONFIG_MAPS, self._known_written)
        self.shop = Shop(self.server, self.random)
        self.executor = Executor(self.server, self.random, self.time, self.gate, self._begun)
        self.folder = Folder(wishes=(wish("checkout", self.random),))
        self._worse = worse
        self.restless = False
        """It did not come to rest when everything was calm."""
        self._late: list[Asked] = []
        self._depth = 0
        self.leader = 0
        self._count = 3 if seed % 4 == 3 else 2
        self.offsets = [0.0] * self._count
        self._lives = 0
        self.push(self.folder)
        self.replicas: list[Replica] = [self._born(index) for index in range(self._count)]
        self.replicas[0].lead(True)
        self._dead_until = [0.0] * self._count

    def time(self) -> datetime:
        """The API server's clock."""
        return START + timedelta(seconds=self.now)

    def tell(self, who: str, what: str) -> None:
        if what:
            self.story.append(f"{self.now:9.2f}s {'  ' * self._depth}{who}: {what}")

    # ---------------------------------------------------------------------------------------------------- who is there

    def _born(self, index: int) -> Replica:
        self._lives += 1
        return Replica(
            f"replica {index} (life {self._lives})",
            Wire(self.server, _Ways(self, index)),
            now=lambda: self.time() + timedelta(seconds=self.offsets[index]),
            monotonic=lambda: self.now,
            draw=self.random.random,
            leads=lambda: self.leader == index,
            newest=self._newest,
            **self._worse,
        )

    def _newest(self) -> Catalogue:
        return self.folder.catalogue(self.time())

    def push(self, folder: Folder) -> None:
        """A commit to the catalogue."""
        begins = folder.wishes and not self.folder.wishes and not self.known()
        if begins and all(replica.subscribed.revision == self.folder.revision for replica in self.replicas):
            self.record.subscribed_anew.append(self.now)
        self.folder = folder
        self.record.folders[folder.revision] = folder
        self.record.subscribed.append((self.now, folder))
        self.tell("git", str(folder))

    # -------------------------------------------------------------------------------------------------------- steps

    def step(self) -> None:
        """One of those who are there takes one step, or time goes on."""
        choice = self.random.random()
        if choice < 0.40:
            self._gate_step()
        elif choice < 0.60:
            self.tell("controller", self.shop.advance(self.now))
        elif choice < 0.70:
            self.tell("executor", self.executor.advance())
        elif choice < 0.75:
            self._collect()
        elif choice < 0.80:
            self._trouble()
        else:
            self._serve_late()
            self.now += self.random.choice((0.05, 0.3, 1.0, 2.5))

    def _gate_step(self) -> None:
        index = self.random.choice([self.leader, self.leader, *range(self._count)])
        if self.now < self._dead_until[index]:
            return
        if able := self.replicas[index].ready():
            self.run(index, able[-1] if self.random.random() < 0.7 else self.random.choice(able))

    def start(self) -> None:
        """Let the replicas read everything once."""
        for index in range(self._count):
            for step in self.replicas[index].all_steps():
                self.run(index, step)

    def run(self, index: int, work: Callable[[], str]) -> None:
        """A step of one replica, which may be its last."""
        replica = self.replicas[index]
        before = len(self.story)
        try:
            said = work()
        except Killed as killed:
            self.tell(replica.name, f"dies: {killed}")
            self.replicas[index] = self._born(index)
            self._dead_until[index] = self.now + self.random.choice((0.0, 1.0, 5.0))
            if self.leader == index and self.random.random() < 0.5:
                self._elect(self._another())
            elif self.leader == index:
                self.replicas[index].lead(True)  # it was back before its Lease ended, and has to wait for that
            return
        if said and (len(self.story) > before or said != "looked"):
            self.tell(replica.name, said)

    def _another(self) -> int:
        """A replica that does not lead."""
        return self.random.choice([index for index in range(self._count) if index != self.leader])

    def _elect(self, index: int) -> None:
        if index != self.leader:
            self.replicas[self.leader].lead(False)
            self.leader = index
            self.tell(f"replica {index}", "leads now")
            self.replicas[index].lead(True)

    def _collect(self) -> None:
        """The garbage collector: what is owned goes with its owner."""
        uids = {item["metadata"]["uid"] for item in self.server.all(DEPLOYMENTS) + self.server.all(self.server.gates)}
        for resource in (self.server.gates, self.server.runs):
            for item in self.server.all(resource):
                (owner,) = item["metadata"]["ownerReferences"]
                if owner["uid"] not in uids and "deletionTimestamp" not in item["metadata"]:
                    self.tell("collector", f"deletes {item['kind']} {item['metadata']['name']}")
                    self.server.store.delete(resource, NAMESPACE, item["metadata"]["name"])
                    return

    def _trouble(self) -> None:
        if self.random.random() < self.rough.leaders:
            self._elect(self._another())
        if self.random.random() < self.rough.clocks:
            index = self.random.randrange(self._count)
            self.offsets[index] += self.random.choice((-3600.0, -7.0, -2.0, 2.0, 7.0, 3600.0))
            self.tell(f"replica {index}", f"its clock is set, and off by {self.offsets[index]:.0f}s")
        if self.random.random() < self.rough.watches:
            self.server.store.forget()
        if self.random.random() < self.rough.people:
            self._meddle()

    def _meddle(self) -> None:
        gates, runs = self.server.all(self.server.gates), self.server.all(self.server.runs)
        resource, items = self.random.choice(((self.server.gates, gates), (self.server.runs, runs)))
        if not items:
            return
        item = self.random.choice(items)
        name = item["metadata"]["name"]
        if resource is self.server.runs and self.random.random() < 0.5:
            self.tell("somebody", f"aborts {name}")
            annotations = {ABORT: str(Reason.ABORTED)}
            self.server.change(resource, name, lambda each: each["metadata"].setdefault("annotations", annotations))
            return
        self.tell("somebody", f"deletes {item['kind']} {name}")
        self.record.deleted.add(item["metadata"]["uid"])
        self.server.store.delete(resource, NAMESPACE, name)

    # ------------------------------------------------------------------------------------------ what befalls requests

    def meanwhile(self, index: int, *, writes: bool) -> None:
        """The others go on while a request of a replica is under way. None of its own threads is played meanwhile."""
        if self._depth > 1 or self.random.random() >= self.rough.between:
            return
        until, self._dead_until[index] = self._dead_until[index], float("inf")
        self._depth += 1
        if writes and self.random.random() < self.rough.leaders:
            # The fence is passed, and the process stopped right behind it for as long as it takes to lose the Lease.
            self._elect(self._another())
            self.now += self.random.choice((0.1, 1.0, 5.0))
            for _ in range(self.random.choice((5, 40))):
                self._gate_step()
        for _ in range(self.random.randint(1, 6)):
            self.step()
        self._depth -= 1
        self._dead_until[index] = until

    def later(self, asked: Asked) -> None:
        self._late.append(asked)

    def _serve_late(self) -> None:
        if self._late and self.random.random() < 0.3:
            asked = self._late.pop(self.random.randrange(len(self._late)))
            status, _ = serve(self.server, asked)
            self.tell("server", f"now gets to {asked.point} {asked.path.rpartition('/')[2]}: {status}")

    # ------------------------------------------------------------------------------------------------------------- calm

    def calm(self) -> None:
        """Nothing goes wrong any more, everything arrives, and time goes on until nothing more happens."""
        self.tell("world", "is calm from here on")
        self.rough = CALM
        self._dead_until = [0.0] * self._count
        if self.shop.stuck:
            self.tell("people", self.shop.stick(self.now))
        while self._late:
            self._serve_late()
        self.push(self.folder.mended())
        if not self.shop.uid:
            self.tell("people", self.shop.create(self.now))
        self.come_to_rest()
        self.now += COMPARE_AFTER.total_seconds() + 1  # by then everything was compared once more
        self.come_to_rest()

    def come_to_rest(self) -> None:
        """Let all do what there is to do until there is nothing left, and nobody waits for anything but the clock."""
        self.start()
        for _ in range(PATIENCE):
            self._deliver_all()
            waits = self.replicas[self.leader].due.due_in()
            if waits is None:
                return
            self.now += max(0.01, waits)
        self.restless = True

    def _deliver_all(self) -> None:
        leader = self.replicas[self.leader]
        for _ in range(50):
            told = ""
            for _ in range(self.random.randint(1, 4)):
                if told := self.shop.advance(self.now) or self.executor.advance():
                    self.tell("cluster", told)
            self._collect()
            for step in leader.all_steps()[1:]:
                self.run(self.leader, step)
            while leader.due.due_in() == 0:
                self.run(self.leader, leader.ready()[-1])
                told = told or "the gate acts"
            if not told:
                return

    # ------------------------------------------------------------------------------------------------------- observing

    def gate(self) -> Gate | None:
        """The workload's gate as it is in the API server."""
        items = self.server.all(self.server.gates)
        return gate_from(items[0]) if items else None

    def known(self) -> dict[str, str]:
        """Since when the gate knows which subscription, as it is kept."""
        found = self.server.find(CONFIG_MAPS, CONFIG_MAP)
        return dict(found.get("data") or {}) if found else {}

    def _gate_written(self, change: Change) -> None:
        after = None if change.type is ChangeType.DELETED else gate_from(change.object)
        before = gate_from(change.before.copy()) if change.before else None
        self.record.gates.append(GateWrite(at=self.now, before=before, after=after))
        if after:
            status = after.status
            runs = ", ".join(f"{each.name}={each.verdict or '?'}" for each in status.runs)
            self.tell(
                "gate", f"{status.phase} version={status.version or '-'} {status.reason}: {status.message} [{runs}]"
            )
        else:
            self.tell("gate", "is gone")

    def _run_written(self, change: Change) -> None:
        run = run_from(change.object)
        self.record.runs[run.uid] = run
        if change.type is not ChangeType.ADDED:
            self.tell("run", f"{run.name} {run.status.phase} {run.status.verdict or ''} abort={run.abort}")
            return
        owner = _owner(change.object)
        others = [item for item in self.server.all(self.server.runs) if _owner(item) == owner]
        beside = tuple(each for each in map(run_from, others) if each.uid != run.uid)
        made = RunMade(at=self.now, run=run, gate=owner, named=asks_for(self.gate(), run), beside=beside)
        self.record.made.append(made)
        self.tell("run", f"{run.name} is made: {run.spec.workflow.name} of version {run.spec.version}")

    def _workload_written(self, change: Change) -> None:
        if change.type is ChangeType.ADDED:
            uid = change.object["metadata"]["uid"]
            self.record.workloads.append(Made(at=self.now, uid=uid, known=dict(self._kept)))

    def _known_written(self, change: Change) -> None:
        if change.object["metadata"]["name"] == CONFIG_MAP:
            present = change.object.get("data") or {}
            self._kept = {key: self._kept.get(key, self.time()) for key in present}

    def _begun(self, run: Run) -> None:
        others = [each for each in map(run_from, self.server.all(self.server.runs)) if each.uid != run.uid]
        guarded = tuple(each.name for each in others if each.guarded)
        self.record.begun.append(Begun(run=run, gate=self.gate(), guarded=guarded))


def _owner(item: dict[str, Any]) -> str:
    (owner,) = item["metadata"]["ownerReferences"]
    return str(owner["uid"])


class _Ways:
    """What the world does with the requests of one replica."""

    def __init__(self, world: World, index: int) -> None:
        self._world, self._index = world, index

    def fate(self, asked: Asked) -> Fate:
        world = self._world
        if world.random.random() >= world.rough.requests:
            return Fate.WELL
        fate = world.random.choice(OF_WRITES if asked.writes else OF_READS)
        world.tell(world.replicas[self._index].name, f"to {asked.point}: {fate.value}")
        return fate

    def event_fate(self) -> tuple[EventFate, float]:
        world = self._world
        if world.random.random() >= world.rough.watches:
            return EventFate.WELL, 0.0
        return world.random.choice(list(EventFate)), world.random.random()

    def meanwhile(self, asked: Asked) -> None:
        self._world.meanwhile(self._index, writes=asked.writes)

    def later(self, asked: Asked) -> None:
        self._world.later(asked)
