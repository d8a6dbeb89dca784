"""The world of `tests.running.simulation` with copies: each has a service of its own, as good as its version."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import BaseModel

from gate.documents.target import HOST
from gate.errors import Permanent
from gate.model import (
    COPY,
    Compare,
    ContainerImage,
    Isolation,
    RunSpec,
    Step,
    Target,
    Undo,
    Version,
    Workload,
    WorkloadName,
)
from gate.running.ports import Answer, Asker, Cluster, Surroundings, World
from tests.running.simulation import NAME, PROBE, SPEC, Killed, Life, NoBlock, Outage, Question, Service, Stage

NEW = (ContainerImage("main", "sha256:new"),)
OLD = (ContainerImage("main", "sha256:old"),)
NEW_KEY, OLD_KEY = Version(images=NEW).key, Version(images=OLD).key
ASKING = replace(PROBE, settings={"host": HOST})
"""A probe of whatever is hit."""


def spec(*, isolation: Isolation = Isolation.COPY, compare: bool = False, **changes: Any) -> RunSpec:
    """A run that hits a copy, or compares with one."""
    workflow = replace(
        SPEC.workflow,
        steady_state=(ASKING,),
        isolation=isolation,
        compare=Compare.PREVIOUS if compare else None,
        service="checkout",
    )
    previous = OLD if compare else ()
    return replace(SPEC, version=NEW_KEY, images=NEW, previous=previous, workflow=workflow, **changes)


def pod_of(name: str, images: tuple[ContainerImage, ...]) -> Target:
    return Target(kind="Pod", namespace="shop", name=f"{name}-1", uid=f"{name}-pod", images=images)


def fine(version: str = NEW_KEY) -> Service:
    return Service(suffers=False, version=version, pods=(pod_of("checkout", NEW),))


@dataclass
class CopyingStage(Stage):
    """`service` is the workload itself; copies come and go."""

    service: Service = field(default_factory=fine)
    spec: RunSpec = field(default_factory=spec)
    new: dict[str, Any] = field(default_factory=lambda: {"suffers": False})
    """How a copy of the new version does, in the words of `Service`."""
    old: dict[str, Any] = field(default_factory=lambda: {"suffers": False})
    copies: dict[str, Service] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    runs: tuple[ContainerImage, ...] | None = None
    """What a copy runs, whatever it was to be of."""
    ready: bool = True
    """The pods of copies ever are."""
    refusal_to_copy: str = ""

    def of(self, name: str) -> Service | None:
        """The service of that workload, or behind that host."""
        return self.service if name.partition(".")[0] == NAME.name else self.copies.get(name.partition(".")[0])

    def world(self, life: Life | None = None) -> World:
        life = life or Life()
        faults = {"outage": Anywhere(self, life), COPY: Copying(self, life)}
        return replace(super().world(life), workloads=self, faults=faults, probes={"fake": Asking(self)}, run="run-1")

    def ready_pods(self, name: WorkloadName) -> Sequence[Target]:
        found = self.of(name.name)
        return found.pods if found and (self.ready or found is self.service) else ()

    def version(self, workload: Workload) -> str:
        return self.service.version


@dataclass
class DiesComparing(Life):
    """It is killed at its first point after so many copies of the version before were made."""

    made: list[str] = field(default_factory=list)
    copies: int = 1

    def point(self) -> None:
        if sum(name.startswith("old") for name in self.made) >= self.copies:
            raise Killed


@dataclass
class Asking:
    """The kind of probe: asks the host in its settings."""

    stage: CopyingStage
    Settings: type[BaseModel] = NoBlock
    Expect: type[BaseModel] = NoBlock

    def prepare(self, settings: Mapping[str, Any], expect: Mapping[str, Any], surroundings: Surroundings) -> Asker:
        def ask() -> Answer:
            service = self.stage.of(settings["host"])
            if service is None:
                return Answer(ok=False, detail=f"there is no {settings['host']}")
            answer = Question(service).prepare({}, {}, surroundings)()
            assert isinstance(answer, Answer)
            return answer

        return ask


@dataclass
class Anywhere:
    """The fault, of whichever service the target belongs to. One that is gone with its service is taken back."""

    stage: CopyingStage
    life: Life
    Settings: type[BaseModel] = NoBlock

    def plan(
        self, step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster
    ) -> list[Undo]:
        return [Undo(id=f"{step.name}/{pod.name}", step=step.name, fault="outage", target=pod) for pod in pods]

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        outage = self._of(undo)
        assert outage is not None
        outage.inject(undo, cluster)

    def prove(self, undo: Undo, cluster: Cluster) -> str | None:
        outage = self._of(undo)
        return outage.prove(undo, cluster) if outage else None

    def revert(self, undo: Undo, cluster: Cluster) -> str:
        outage = self._of(undo)
        return outage.revert(undo, cluster) if outage else "it is gone"

    def _of(self, undo: Undo) -> Outage | None:
        service = self.stage.of(undo.target.name.removesuffix("-1"))
        return Outage(service, self.stage.clock, self.life, self.stage.journal) if service else None


@dataclass
class Copying:
    """The act that makes a copy."""

    stage: CopyingStage
    life: Life
    Settings: type[BaseModel] = NoBlock

    def plan(
        self, step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster
    ) -> list[Undo]:
        if self.stage.refusal_to_copy:
            raise Permanent(self.stage.refusal_to_copy)
        assert step.settings["run"] == "run-1"
        assert step.settings["service"] == "checkout"
        kind = "old" if step.settings["pinned"] else "new"
        return [
            Undo(
                id=step.name,
                step=step.name,
                fault=COPY,
                target=Target(kind="Deployment", namespace="shop", name=workload.name, uid="workload-1"),
                settings={
                    "name": f"{kind}{step.settings['attempt']}",
                    "service": step.settings["service"],
                    "replicas": 1,
                },
            )
        ]

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        self.life.point()
        assert any(each.id == undo.id for each in self.stage.journal.status.evidence.undo), "it was saved before"
        assert self.stage.journal.guarded
        name = undo.settings["name"]
        old = name.startswith("old")
        images = self.stage.runs or (OLD if old else NEW)
        how = self.stage.old if old else self.stage.new
        self.stage.copies.setdefault(name, Service(**how, pods=(pod_of(name, images),)))
        self.stage.made.append(name)
        assert len(self.stage.copies) == 1, "one at a time"
        self.life.point()

    def prove(self, undo: Undo, cluster: Cluster) -> str | None:
        return "the copy is there" if undo.settings["name"] in self.stage.copies else None

    def revert(self, undo: Undo, cluster: Cluster) -> str:
        self.life.point()
        self.stage.copies.pop(undo.settings["name"], None)
        self.life.point()
        return "the copy is gone"
