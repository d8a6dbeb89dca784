"""The reaper goes on beside what it cannot read, and says what that is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.cluster.runs import FINALIZER, SPEC, RunJournal, Runs
from gate.model import (
    Evidence,
    Probe,
    RunPhase,
    RunSpec,
    RunStatus,
    Step,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.wire.reaping import reap
from tests.faults.application import through
from tests.grounds import Ground
from tests.runs import created, found, unreverted

SHORT = timedelta(seconds=1)
SPEC_OF_A_RUN = SPEC.write_new(
    RunSpec(
        workload=Workload(name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="shop", name="web"), uid="u"),
        version="0123456789",
        images=(),
        workflow=Workflow(
            name="survives",
            baseline=SHORT,
            steady_state=(Probe(name="answers", kind="http", settings={}),),
            steps=(Step(name="one", fault="pod-kill", settings={}, hold=SHORT, recover=SHORT),),
        ),
        subscriptions=("web",),
        revision="r1",
        seed="1",
        deadline=datetime(2030, 1, 1, tzinfo=UTC),
    )
)


def guarded(cluster: Ground, namespace: str, name: str, spec: dict[str, Any]) -> None:
    cluster.api.create(
        "chaosruns",
        namespace,
        {
            "apiVersion": "chaosgate.dev/v1alpha1",
            "kind": "ChaosRun",
            "metadata": {"name": name, "finalizers": [FINALIZER]},
            "spec": spec,
        },
    )


def test_a_run_that_cannot_be_read_is_named_and_keeps_no_other_from_being_taken_back(
    cluster: Ground, namespace: str
) -> None:
    guarded(
        cluster,
        namespace,
        "a-of-another-version",
        {key: value for key, value in SPEC_OF_A_RUN.items() if key != "subscriptions"},
    )
    guarded(cluster, namespace, "b-readable", SPEC_OF_A_RUN)
    _, left = reap(cluster.api)
    (line,) = [each for each in left if namespace in each]
    assert f"{namespace}/a-of-another-version" in line
    assert "subscriptions" in line
    after = cluster.api.get("chaosruns", namespace, "b-readable")
    assert after is not None
    assert not after["metadata"].get("finalizers")


def test_a_run_that_its_executor_has_ended_since_the_reaper_saw_it_is_left_as_it_is(
    cluster: Ground, namespace: str
) -> None:
    run = created(cluster.api, namespace, "alive", finalizers=[FINALIZER])
    undo = replace(unreverted(namespace), error="")
    status = RunStatus(phase=RunPhase.RUNNING, attempt=1, evidence=Evidence(undo=(undo,)))
    journal = RunJournal(Runs(cluster.api), found(cluster.api, namespace, "alive"))
    journal.save(status, guarded=True)
    ended = replace(status, phase=RunPhase.EXECUTED, evidence=Evidence(undo=(replace(undo, reverted=run.created),)))
    to_end = [ended]

    def before() -> None:
        """The reaper has looked, and is about to take the lease that the executor has just given up."""
        if to_end:
            journal.save(to_end.pop(), guarded=False)

    _, left = reap(through(cluster.kubeconfig, before))
    assert to_end == []
    assert not any(namespace in each for each in left)
    after = found(cluster.api, namespace, "alive")
    assert (after.status, after.guarded) == (ended, False)
