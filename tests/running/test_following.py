"""A pod that was hit is replaced while the fault is held: it is told, and the replacement is left alone or hit too."""

from dataclasses import dataclass, field, replace

import pytest

from gate.errors import Permanent
from gate.model import Evidence, Reason, RunPhase, Targets, Undo, Verdict
from gate.running.judge import judge
from gate.running.ports import Cluster, World
from tests.running.simulation import POD, STEP, Killed, Life, Outage, Service, Stage, seconds, with_steps

OTHER = replace(POD, name="checkout-2", uid="pod-2")
SAME_NAME = replace(POD, uid="pod-2")
"""As a StatefulSet replaces its pods."""
BASELINE = 2.0
HOLD = 20.0


def stage(targets: Targets, new: object = OTHER, *, after: float = 4.0) -> Stage:
    """A step in which the pod is replaced so many seconds after it was hit."""
    step = replace(STEP, targets=targets, hold=seconds(HOLD))
    made = Stage(Service(suffers=False), spec=with_steps(step))
    replaces(made, new, at=BASELINE + after)
    return made


def replaces(made: Stage, new: object, *, at: float) -> None:
    def tick() -> float:
        if made.clock.monotonic() >= at:
            made.service.pods = (new,)
        return 0.25

    made.clock.beat(tick)


def story(made: Stage) -> str:
    return "\n".join(entry.what for entry in made.journal.status.timeline)


def test_what_replaces_a_fixed_target_is_not_hit_and_the_evidence_says_so() -> None:
    made = stage(Targets.FIXED)
    (undo,) = made.execute().evidence.undo
    assert undo.replaced is not None
    assert made.service.injections == 1
    assert 'Pod shop/checkout-1 was replaced while it was held; what comes in its place in "lights out" is not hit' in (
        story(made)
    )
    assert judge(made.spec, made.journal.status.evidence)[0].verdict is Verdict.PASSED


@pytest.mark.parametrize("new", [OTHER, SAME_NAME])
def test_what_replaces_a_target_that_is_followed_is_hit_with_an_undo_and_an_effect_of_its_own(new: object) -> None:
    made = stage(Targets.FOLLOW, new)
    evidence = made.execute().evidence
    first, second = evidence.undo
    assert (second.follows, second.target, made.service.injections) == (first.id, new, 2)
    assert first.id != second.id
    assert first.replaced is not None
    assert second.replaced is None
    assert evidence.targets == (POD, new)
    assert {effect.undo for effect in evidence.effects} == {first.id, second.id}
    assert first.reverted is not None
    assert second.reverted is not None
    assert judge(made.spec, evidence)[0].verdict is Verdict.PASSED


def test_each_replacement_is_followed_by_the_next_one() -> None:
    made = stage(Targets.FOLLOW)
    replaces(made, replace(POD, name="checkout-3", uid="pod-3"), at=BASELINE + 8)
    first, second, third = made.execute().evidence.undo
    assert (second.follows, third.follows) == (first.id, second.id)


def test_who_was_there_before_is_no_replacement() -> None:
    neighbour = replace(POD, name="neighbour", uid="pod-9")
    step = replace(STEP, targets=Targets.FOLLOW, hold=seconds(HOLD))
    made = Stage(Service(suffers=False, pods=(POD, neighbour)), spec=with_steps(step))
    replaces(made, neighbour, at=BASELINE + 4)
    assert len(made.execute().evidence.undo) == 2
    assert made.service.injections == 2


def test_who_comes_too_late_to_be_proven_is_not_hit() -> None:
    made = stage(Targets.FOLLOW, after=HOLD - 3)
    (undo,) = made.execute().evidence.undo
    assert undo.replaced is not None
    assert judge(made.spec, made.journal.status.evidence)[0].verdict is Verdict.PASSED


@dataclass
class Unanswered(Outage):
    """What comes in the place of a pod is hit, but the answer is lost, and then that pod is gone, too."""

    tried: list[str] = field(default_factory=list)
    """The pods of which it should be taken back."""

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        super().inject(undo, cluster)
        if undo.follows:
            self.service.pods = ()
            raise Permanent("there is no such pod")

    def revert(self, undo: Undo, cluster: Cluster) -> str:
        self.tried.append(undo.target.name)
        return super().revert(undo, cluster)


class Lossy(Stage):
    """Where that happens."""

    fault: Unanswered

    def world(self, life: Life | None = None) -> World:
        self.fault = Unanswered(self.service, self.clock, life or Life(), self.journal)
        return replace(super().world(life), faults={"outage": self.fault})


def lossy(*, stuck: bool) -> Lossy:
    step = replace(STEP, targets=Targets.FOLLOW, hold=seconds(HOLD))
    made = Lossy(Service(suffers=False, stuck=stuck), spec=with_steps(step))
    made.clock.later(BASELINE + 4, lambda: setattr(made.service, "pods", (OTHER,)))
    made.clock.later(BASELINE + HOLD, lambda: setattr(made.service, "stuck", False))
    return made


def test_a_replacement_that_went_before_it_could_be_hit_is_forgotten_once_it_is_taken_back() -> None:
    made = lossy(stuck=False)
    evidence = made.execute().evidence
    assert made.fault.tried == [OTHER.name, POD.name]
    assert ([undo.target for undo in evidence.undo], evidence.targets) == ([POD], (POD,))


def test_a_replacement_of_which_nothing_could_be_taken_back_is_not_forgotten() -> None:
    made = lossy(stuck=True)
    status = made.execute()
    assert made.fault.tried.count(OTHER.name) > 1
    assert [(undo.target, undo.reverted is not None) for undo in status.evidence.undo] == [(POD, True), (OTHER, True)]
    assert "it is not known whether Pod shop/checkout-2 was hit before it went: the switch does not answer" in (
        story(made)
    )


def test_wherever_the_executor_is_killed_everything_that_was_followed_comes_back() -> None:
    point = 0
    while True:
        made = stage(Targets.FOLLOW)
        try:
            made.execute(Life(ends_at=point))
        except Killed:
            made.restart()
            assert made.execute().phase is RunPhase.EXECUTED
            assert not made.service.in_force, point
            assert not made.journal.guarded, point
            point += 1
            continue
        break
    assert point > 20


def followed() -> tuple[Stage, Evidence]:
    made = stage(Targets.FOLLOW)
    return made, made.execute().evidence


def test_a_replacement_that_was_not_felt_is_no_pass() -> None:
    made, evidence = followed()
    judgement, _ = judge(made.spec, replace(evidence, effects=evidence.effects[:1]))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_EFFECT)


def test_a_replacement_that_is_not_on_record_as_a_target_is_no_pass() -> None:
    made, evidence = followed()
    judgement, _ = judge(made.spec, replace(evidence, targets=evidence.targets[:1]))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_TARGETS)


def test_a_replacement_that_was_hit_although_the_targets_are_fixed_is_no_pass() -> None:
    _, evidence = followed()
    judgement, _ = judge(stage(Targets.FIXED).spec, evidence)
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.INTERNAL_ERROR)
    assert "checkout-2 was hit in" in judgement.message
