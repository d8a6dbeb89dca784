"""Runs that could not go well: each has an outcome that was decided on, with one line that says why."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gate.errors import Temporary
from gate.model import Judgement, Reason, Target, Verdict
from gate.policy.namespaces import OPT_IN, OPTED_IN
from gate.policy.rules import Namespaces, Policy
from gate.running.judge import judge
from gate.running.mode import Mode
from gate.running.permit import Permit
from tests.running.simulation import POD, SPEC, START, STEP, Service, Simulation, Stage, seconds, with_steps

OPEN, USUAL = {OPT_IN: OPTED_IN}, Policy()


def said(stage: Stage) -> tuple[Verdict, Reason | None, str]:
    judgement, _ = judge(stage.spec, stage.execute().evidence)
    assert "\n" not in judgement.message
    return judgement.verdict, judgement.reason, judgement.message


def permit(labels: Mapping[str, str] = OPEN, mode: Mode = Mode.RUN, policy: Policy = USUAL) -> Permit:
    return Permit(
        policy=lambda: policy, mode=lambda: mode, labels=lambda _: labels, clock=Simulation(), stop=lambda: None
    )


def refusal(asked: Permit, *targets: Target) -> str:
    answer = asked(SPEC, STEP, targets or (POD,))
    return f"{answer.verdict} {answer.reason}: {answer.message}" if answer else ""


def test_a_workload_without_pods_is_told_so() -> None:
    assert said(Stage(Service(pods=()))) == (
        Verdict.ERRORED,
        Reason.NO_TARGETS,
        '"lights out" found nothing to hit: Deployment shop/checkout has 0 ready pods',
    )


def test_a_workflow_that_is_longer_than_its_deadline_ends_with_it_and_leaves_nothing_in_force() -> None:
    steps = [replace(STEP, name=f"step {number}") for number in range(5)]
    stage = Stage(Service(suffers=False), spec=replace(with_steps(*steps), deadline=START + seconds(12)))
    assert said(stage) == (
        Verdict.ERRORED,
        Reason.DEADLINE_EXCEEDED,
        "the deadline of the run, 12:00:12, is over",
    )
    assert not stage.service.in_force
    assert stage.clock.monotonic() < 13


def test_a_protected_namespace_is_refused_before_anything_is_done_whatever_its_labels_say() -> None:
    asked = permit(policy=Policy(namespaces=Namespaces(rule="spec.namespaces", protected=("shop",))))
    why = "the namespace shop is protected, whatever its labels say; choose a workload elsewhere"
    assert refusal(asked) == f"ERRORED PolicyDenied: {why}"
    stage = Stage(refusal=Judgement(verdict=Verdict.ERRORED, reason=Reason.POLICY_DENIED, message=why))
    assert said(stage) == (Verdict.ERRORED, Reason.POLICY_DENIED, why)
    assert stage.service.injections == 0


def test_a_namespace_that_has_not_opted_in_is_told_how_to() -> None:
    assert refusal(permit({})) == (
        "ERRORED PolicyDenied: the namespace shop has not opted in to outage; label it: "
        "kubectl label namespace shop chaosgate.dev/chaos=allowed"
    )


def test_a_target_in_another_namespace_than_the_one_that_was_asked_for_is_refused() -> None:
    elsewhere = replace(POD, namespace="kube-system")
    assert "Pod kube-system/checkout-1 is not in the namespace shop" in refusal(permit(), elsewhere)


def test_a_policy_that_cannot_be_asked_is_no_permission() -> None:
    def labels(namespace: str) -> Mapping[str, str]:
        raise Temporary("the API server is away")

    why = refusal(replace(permit(), labels=labels))
    assert why == "ERRORED PolicyDenied: the policy could not be asked: the API server is away"


class SetBack(Simulation):
    """A machine whose clock somebody sets back by a day as soon as time passes."""

    def now(self) -> datetime:
        return super().now() - timedelta(days=1) * (self.monotonic() > 1)


@pytest.mark.parametrize("clock", [Simulation(), SetBack()])
def test_a_run_waits_in_a_paused_gate_until_its_deadline_and_no_longer(clock: Simulation) -> None:
    why = refusal(replace(permit(mode=Mode.PAUSE), clock=clock))
    assert why == "ERRORED DeadlineExceeded: the gate was paused until the deadline"
    assert clock.monotonic() == pytest.approx(30 * 60, abs=1)


@pytest.mark.parametrize(("after", "why"), [(600, ""), (1200, "ERRORED PolicyDenied: the policy: it is late")])
def test_after_a_pause_all_of_the_policy_is_asked_again(after: float, why: str) -> None:
    """It is late from a quarter past twelve on; the run began at noon."""
    clock = Simulation()
    asked = replace(
        permit(),
        clock=clock,
        mode=lambda: Mode.PAUSE if clock.monotonic() < after else Mode.RUN,
        again=lambda *_: "the policy: it is late" if clock.now() >= START + timedelta(minutes=15) else "",
    )
    refused = refusal(asked)
    assert refused.startswith(why)
    assert bool(refused) is bool(why)
    assert refusal(asked) == "", "whoever does not wait was asked before the step"
