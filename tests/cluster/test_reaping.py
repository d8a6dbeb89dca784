"""The reaper goes on beside what it cannot read, and says what that is."""

from datetime import UTC, datetime, timedelta
from typing import Any

from gate.cluster.runs import FINALIZER, SPEC
from gate.model import Probe, RunSpec, Step, Workflow, Workload, WorkloadKind, WorkloadName
from gate.wire.reaping import reap
from tests.grounds import Ground

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
