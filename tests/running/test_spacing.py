"""Acts that keep their distance wait for the workload to be whole again, and no longer than they have to."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import pytest

from gate.errors import Temporary
from gate.model import RunStatus, Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster, World
from tests.running.simulation import POD, SPEC, START, Life, Outage, Service, Simulation, Stage, seconds

OTHER = replace(POD, name="checkout-2", uid="pod-2")
HOLD = replace(SPEC.workflow.steps[0], hold=seconds(30), recover=seconds(3))


@dataclass
class OneByOne(Outage):
    """Hits each pod, with some distance, and notes when."""

    spacing: float = 0.0
    times: list[float] = field(default_factory=list)

    def plan(
        self, step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster
    ) -> list[Undo]:
        first, *others = super().plan(step, workload, pods, seed, cluster)
        return [first, *(replace(undo, spacing=seconds(self.spacing)) for undo in others)]

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        super().inject(undo, cluster)
        self.times.append(self.clock.monotonic())


@dataclass
class Pods:
    """One of the pods is missing for a while after each act."""

    service: Service
    clock: Simulation
    fault: OneByOne
    replaced_after: float

    def ready_pods(self, name: WorkloadName) -> Sequence[Target]:
        last = self.fault.times[-1] if self.fault.times else float("-inf")
        return self.service.pods[: None if self.clock.monotonic() >= last + self.replaced_after else -1]

    def version(self, workload: object) -> str:
        return self.service.version


@dataclass
class Spaced(Stage):
    spacing: float = 0.0
    replaced_after: float = 0.0
    fault: OneByOne | None = None

    def world(self, life: Life | None = None) -> World:
        self.fault = OneByOne(self.service, self.clock, life or Life(), self.journal, spacing=self.spacing)
        pods = Pods(self.service, self.clock, self.fault, self.replaced_after)
        return replace(super().world(life), faults={"outage": self.fault}, workloads=pods)


def played(spacing: float, replaced_after: float) -> tuple[float, RunStatus]:
    """How far the second act was from the first."""
    spec = replace(SPEC, workflow=replace(SPEC.workflow, steps=(HOLD,)))
    stage = Spaced(Service(suffers=False, pods=(POD, OTHER)), spec=spec, spacing=spacing, replaced_after=replaced_after)
    status = stage.execute()
    assert stage.fault is not None
    first, second = stage.fault.times
    return second - first, status


@pytest.mark.parametrize(
    ("spacing", "replaced_after", "apart"),
    [(0.0, 60.0, 0.0), (20.0, 3.0, 3.0), (20.0, 60.0, 20.0), (20.0, 0.0, 0.0)],
    ids=["no distance", "replaced soon", "never replaced", "replaced at once"],
)
def test_the_next_act_comes_when_the_workload_is_whole_or_the_time_is_over(
    spacing: float, replaced_after: float, apart: float
) -> None:
    found, status = played(spacing, replaced_after)
    assert apart <= found <= apart + 0.5
    assert len(status.evidence.effects) == 2


@dataclass
class Asked(Spaced):
    """Notes how many targets each permission was for."""

    numbers: list[int] = field(default_factory=list)

    def world(self, life: Life | None = None) -> World:
        def permission(_spec: object, _step: object, targets: Sequence[Target]) -> None:
            self.numbers.append(len(targets))

        return replace(super().world(life), permission=permission)


def test_before_each_act_the_policy_is_asked_about_all_that_its_step_hits() -> None:
    """It may have become tighter in a pause between two acts: what each of them may do alone, both may not."""
    spec = replace(SPEC, workflow=replace(SPEC.workflow, steps=(HOLD,)))
    stage = Asked(Service(suffers=False, pods=(POD, OTHER)), spec=spec, spacing=20.0, replaced_after=3.0)
    stage.execute()
    assert stage.numbers == [2, 2, 2]


@dataclass
class Pulled(OneByOne):
    """Each act waits for an image, as long as it takes to come."""

    pull: float = 0.0
    asked: dict[str, float] = field(default_factory=dict)

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        if self.clock.monotonic() < self.asked.setdefault(undo.id, self.clock.monotonic()) + self.pull:
            raise Temporary("the image is being pulled")
        super().inject(undo, cluster)


@dataclass
class Pulling(Stage):
    pull: float = 0.0
    fault: Pulled | None = None

    def world(self, life: Life | None = None) -> World:
        self.fault = self.fault or Pulled(self.service, self.clock, life or Life(), self.journal, pull=self.pull)
        return replace(super().world(life), faults={"outage": self.fault})


@pytest.mark.parametrize("pods", [(POD,), (POD, OTHER)], ids=["one", "two"])
def test_the_time_that_an_image_takes_is_no_time_of_the_fault(pods: tuple[Target, ...]) -> None:
    step = replace(HOLD, hold=seconds(20))
    spec = replace(SPEC, workflow=replace(SPEC.workflow, steps=(step,)))
    stage = Pulling(Service(suffers=False, pods=pods), spec=spec, pull=18.0)
    status = stage.execute()
    assert stage.fault is not None
    (record,) = status.evidence.steps
    assert record.injected is not None
    assert record.reverted is not None
    assert record.injected == START + seconds(stage.fault.times[0]), "what is seen meanwhile is not under the fault"
    assert record.reverted >= START + seconds(stage.fault.times[-1]) + step.hold, "each is held for the whole time"


def test_the_fault_is_found_as_fast_as_it_is_however_long_its_image_takes() -> None:
    stage = Pulling(Service(), pull=18.0)
    (record,) = stage.execute().evidence.steps
    assert record.detection is not None
    assert record.detection <= seconds(0.2)
