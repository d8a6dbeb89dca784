"""What is hit must have been used, where the workflow says what shows it."""

from dataclasses import replace

import pytest

from gate.model import Evidence, Judgement, Reason, RunSpec, Tolerance, Verdict, Window
from gate.running.judge import judge
from tests.running.evidence import OTHER, PLAN, WITNESSED, whole, with_summary, without
from tests.running.simulation import PROBE, SPEC, STEP, WORKFLOW, Service, Stage

PASSED = Judgement(verdict=Verdict.PASSED)
BASELINE_OF_CARTS = 1
DEPENDENCY = replace(SPEC.workload.name, name="inventory")


def with_witness(**changes: object) -> RunSpec:
    """The plan, whose second probe is another one; the first step says that it shows the use."""
    step = replace(STEP, used=OTHER.name, target=DEPENDENCY)
    probes = (PROBE, replace(OTHER, **changes))
    return replace(PLAN, workflow=replace(PLAN.workflow, steady_state=probes, steps=(step,)))


LENIENT = with_witness(tolerate=Tolerance(failures=1), when=(Window.BEFORE,))


def answered(good: int, of: int = 10) -> Evidence:
    """The witness had so many good answers in the baseline."""
    return with_summary(whole(LENIENT), BASELINE_OF_CARTS, due=of, samples=of, failures=of - good)


def test_a_good_answer_before_the_fault_shows_that_the_target_had_been_used() -> None:
    assert judge(LENIENT, answered(10))[0] == PASSED
    assert judge(LENIENT, answered(1))[0] == PASSED


def test_without_one_nothing_shows_it() -> None:
    judgement, _ = judge(LENIENT, answered(0))
    assert (judgement.verdict, judgement.reason) == (Verdict.ERRORED, Reason.NO_EFFECT)
    assert judgement.message == (
        'nothing shows that Deployment shop/inventory was used before "lights out": "carts answer" had no good answer'
    )


@pytest.mark.parametrize("number", [0, BASELINE_OF_CARTS])
def test_an_account_that_is_missing_shows_nothing(number: int) -> None:
    assert judge(WITNESSED, without(whole(), "summaries", number))[0].verdict is Verdict.ERRORED


def test_a_probe_that_does_not_count_before_shows_nothing() -> None:
    later = with_witness(when=(Window.DURING, Window.AFTER))
    assert judge(later, whole(LENIENT))[0].reason is Reason.NO_EFFECT
    strange = replace(PLAN, workflow=replace(PLAN.workflow, steps=(replace(STEP, used="nobody asks this"),)))
    assert judge(strange, whole())[0].reason is Reason.NO_EFFECT


def test_a_failure_of_the_service_is_one_also_where_nothing_shows_the_use() -> None:
    broken = with_summary(answered(0), 2, failures=30)
    assert judge(LENIENT, broken)[0].reason is Reason.PROBE_FAILED


def test_what_nobody_uses_is_not_broken() -> None:
    patient = replace(PROBE, name="patient", tolerate=Tolerance(failures=1), when=(Window.BEFORE,))
    probes, steps = (patient, replace(PROBE, when=(Window.AFTER,))), (replace(STEP, used="patient"),)
    spec = replace(SPEC, workflow=replace(WORKFLOW, steady_state=probes, steps=steps))
    stage = Stage(Service(unsteady=True), spec=spec)
    status = stage.execute()
    assert judge(stage.spec, status.evidence)[0].reason is Reason.NO_EFFECT
    assert stage.service.injections == 0
    assert status.evidence.undo == ()


def test_what_is_used_is_broken_as_before() -> None:
    steps = (replace(STEP, used=PROBE.name),)
    stage = Stage(Service(suffers=False), spec=replace(SPEC, workflow=replace(WORKFLOW, steps=steps)))
    assert judge(stage.spec, stage.execute().evidence) == (PASSED, 100)
