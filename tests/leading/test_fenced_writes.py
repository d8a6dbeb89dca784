"""What a leader of yesterday writes is refused: by its own client, and where that cannot be, by the API server."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gate.cluster.api import Api
from gate.cluster.gates import Gates
from gate.cluster.runs import Runs
from gate.errors import Conflict, Permanent
from gate.model import (
    Gate,
    GateStatus,
    Judgement,
    Probe,
    Reason,
    Run,
    RunPhase,
    RunSpec,
    RunStatus,
    Step,
    Tolerance,
    Verdict,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.leading import NotLeading
from tests.grounds import Ground

PROBE = Probe(
    name="there", kind="kubernetes", settings={"resource": "deployments", "name": "idle"}, tolerate=Tolerance()
)
STEP = Step(name="one dies", fault="pod-kill", settings={}, hold=timedelta(seconds=1), recover=timedelta(seconds=1))
PASSED = Judgement(verdict=Verdict.PASSED, reason=None, message="all held")


def gate_of(api: Api, namespace: str) -> Gate:
    """The gate of a workload that is there, so that the gate is not collected."""
    owner = api.create("deployments", namespace, IDLE)
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="idle")
    return Gates(api).create(Workload(name=name, uid=owner["metadata"]["uid"]))


def run_of(api: Api, gate: Gate) -> Run:
    spec = RunSpec(
        workload=gate.workload,
        version="0123456789",
        images=(),
        workflow=Workflow(name="loss", baseline=timedelta(seconds=1), steady_state=(PROBE,), steps=(STEP,)),
        subscriptions=("idle",),
        revision="r",
        seed="s",
        deadline=datetime.now(UTC) + timedelta(minutes=5),
    )
    return Runs(api).create(gate, "run", spec)


IDLE = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "idle"},
    "spec": {
        "replicas": 0,
        "selector": {"matchLabels": {"app": "idle"}},
        "template": {
            "metadata": {"labels": {"app": "idle"}},
            "spec": {"containers": [{"name": "idle", "image": "web:1"}]},
        },
    },
}


def test_a_fenced_client_reads_but_writes_nothing(cluster: Ground, namespace: str) -> None:
    def insist() -> None:
        raise NotLeading("this replica does not lead")

    whole, gate = cluster.api, gate_of(cluster.api, namespace)
    fenced = whole.fenced(insist)
    assert fenced.get("chaosgates", namespace, gate.name)
    assert fenced.list("chaosgates", namespace)[0]
    with pytest.raises(NotLeading):
        fenced.create("configmaps", namespace, {"metadata": {"name": "late"}})
    with pytest.raises(NotLeading):
        Gates(fenced).save(gate, GateStatus(message="late"))
    with pytest.raises(NotLeading):
        fenced.replace("configmaps", namespace, "late", {"metadata": {"name": "late"}})
    with pytest.raises(NotLeading):
        Gates(fenced).delete(gate)
    assert Gates(whole).get(gate.workload.name) == gate
    assert whole.get("configmaps", namespace, "late") is None


def test_every_status_that_is_written_late_is_refused_by_the_server(cluster: Ground, namespace: str) -> None:
    api = cluster.api
    gates, runs, gate = Gates(api), Runs(api), gate_of(api, namespace)
    run = run_of(api, gate)
    now = gates.save(gate, GateStatus(message="of the new leader"))
    with pytest.raises(Conflict):
        gates.save(gate, GateStatus(message="of the old one"))
    with pytest.raises(Conflict):
        gates.save_accepted(gate, {"a": "pending"}, "")
    runs.save_status(run, RunStatus(phase=RunPhase.EXECUTED))
    with pytest.raises(Conflict):
        runs.save_verdict(run, PASSED, 100)
    assert gates.get(gate.workload.name) == now


def test_a_late_wish_to_stop_or_to_delete_reaches_no_other_object_of_the_same_name(
    cluster: Ground, namespace: str
) -> None:
    api = cluster.api
    gate = gate_of(api, namespace)
    run = run_of(api, gate)
    before = replace(run, uid="00000000-0000-0000-0000-000000000000")
    with pytest.raises(Permanent):
        Runs(api).abort(before, Reason.SUPERSEDED)
    Gates(api).delete(replace(gate, uid=before.uid))
    found = Runs(api).get(namespace, run.name)
    assert found
    assert found.abort is None
    assert Gates(api).get(gate.workload.name)
