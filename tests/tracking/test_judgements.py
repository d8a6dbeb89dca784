"""Which runs a gate waits for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gate.model import (
    ContainerImage,
    Gate,
    GateStatus,
    Probe,
    Run,
    RunEntry,
    RunSpec,
    Step,
    Verdict,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.judgements import asks_for, decided

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SHORT = timedelta(seconds=1)
WORKLOAD = Workload(name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="checkout"), uid="w")
RUN = Run(
    namespace="shop",
    name="checkout-1",
    uid="r",
    created=NOW,
    spec=RunSpec(
        workload=WORKLOAD,
        version="v1",
        images=(),
        workflow=Workflow(
            name="loss",
            baseline=SHORT,
            steady_state=(Probe(name="answers", kind="http", settings={}),),
            steps=(Step(name="one", fault="pod-kill", settings={}, hold=SHORT, recover=SHORT),),
        ),
        subscriptions=("checkout",),
        revision="rev",
        seed="1",
        deadline=NOW + timedelta(minutes=5),
    ),
)
ENTRY = RunEntry(name="checkout-1", workflow="loss", subscriptions=("checkout",), decided=decided(RUN.spec))


def gate(entry: RunEntry, *, version: str = "v1", workload: Workload = WORKLOAD) -> Gate:
    status = GateStatus(version=version, runs=(entry,))
    return Gate(namespace="shop", name="deployment-checkout", uid="g", workload=workload, status=status)


@pytest.mark.parametrize("entry", [ENTRY, replace(ENTRY, uid="r")], ids=["not seen yet", "seen"])
def test_a_run_that_the_gate_names_and_has_no_answer_of_is_asked_for(entry: RunEntry) -> None:
    assert asks_for(gate(entry), RUN)


@pytest.mark.parametrize(
    "other",
    [
        None,
        gate(replace(ENTRY, name="checkout-2")),
        gate(replace(ENTRY, uid="of another run of that name")),
        gate(ENTRY, version="v2"),
        gate(ENTRY, workload=replace(WORKLOAD, uid="made anew")),
        gate(replace(ENTRY, verdict=Verdict.ERRORED)),
    ],
    ids=["no gate", "another run", "another uid", "another version", "another workload", "given up"],
)
def test_a_run_that_the_gate_waits_for_no_more_is_not(other: Gate | None) -> None:
    assert not asks_for(other, RUN)


SPEC = RUN.spec


@pytest.mark.parametrize(
    "forged",
    [
        replace(SPEC, asked_by="mallory"),
        replace(SPEC, workflow=replace(SPEC.workflow, steps=())),
        replace(SPEC, images=(ContainerImage("checkout", "sha256:other"),)),
        replace(SPEC, previous=(ContainerImage("checkout", "sha256:other"),)),
        replace(SPEC, seed="2"),
    ],
    ids=["by hand", "another workflow", "other images", "another version before", "another seed"],
)
def test_a_run_that_was_put_under_the_name_of_the_gates_own_is_not_asked_for(forged: RunSpec) -> None:
    assert not asks_for(gate(ENTRY), replace(RUN, spec=forged))


def test_what_was_decided_says_nothing_of_who_subscribed_and_until_when_it_may_last() -> None:
    later = replace(SPEC, subscriptions=("checkout", "cart"), revision="newer", deadline=NOW + timedelta(hours=1))
    assert decided(later) == decided(SPEC)
