"""Gates and runs as the cluster holds them, on the embedded API server with the real schemas."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gate.cluster.api import Api
from gate.cluster.gates import Gates
from gate.cluster.runs import RunJournal, Runs
from gate.errors import Conflict, GateError, Permanent
from gate.model import (
    Commit,
    Compared,
    ContainerImage,
    Evidence,
    Gate,
    GateStatus,
    Judgement,
    Phase,
    Probe,
    Promote,
    Promoted,
    PromotedState,
    Promotion,
    Reason,
    Repeat,
    RunEntry,
    RunPhase,
    RunSpec,
    RunStatus,
    Stance,
    Step,
    Summary,
    Target,
    Tolerance,
    Undo,
    Verdict,
    Way,
    Window,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COMMIT = Commit(project="shop/checkout", sha="a" * 40, pipeline=7)
IMAGES = (ContainerImage("checkout", f"sha256:{'a' * 64}"),)
WORKLOAD = Workload(
    name=WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace="default", name="checkout"), uid="uid-of-checkout"
)
SPEC = RunSpec(
    workload=WORKLOAD,
    version="0123456789",
    images=IMAGES,
    workflow=Workflow(
        name="loss",
        baseline=timedelta(seconds=2),
        steady_state=(
            Probe(
                name="answers",
                kind="http",
                settings={"url": "http://checkout/", "headers": {"a": "b"}},
                tolerate=Tolerance(failures=0.01, streak=timedelta(milliseconds=1500)),
                when=(Window.BEFORE, Window.AFTER),
                weight=3,
                critical=True,
            ),
        ),
        steps=(
            Step(
                name="one dies",
                fault="pod-kill",
                settings={"count": 1},
                hold=timedelta(seconds=4),
                recover=timedelta(seconds=5),
                target=replace(WORKLOAD.name, name="inventory"),
                used="answers",
                repetition=2,
            ),
        ),
        threshold=75,
        repeat=Repeat(times=3, passes=2),
    ),
    subscriptions=("checkout",),
    revision="abc",
    seed="seed",
    deadline=NOW + timedelta(minutes=30),
)
TARGET = Target(kind="Pod", namespace="default", name="checkout-x", uid="u", node="n", images=IMAGES)


@pytest.fixture
def gate(api: Api) -> Gate:
    return Gates(api).create(WORKLOAD)


def test_a_gate_comes_back_as_it_was_saved(api: Api, gate: Gate) -> None:
    status = GateStatus(
        phase=Phase.CLOSED,
        version="0123456789",
        images=IMAGES,
        verdict=Verdict.FAILED,
        reason=Reason.PROBE_FAILED,
        message="it broke",
        since=NOW,
        judgements=3,
        runs=(RunEntry(name="r", workflow="loss", subscriptions=("checkout",), verdict=Verdict.FAILED, score=50),),
        commit=COMMIT,
        promotion=Promotion(
            subscription="checkout",
            promote=Promote(way=Way.PLAY, name="ship", environment="production"),
            commit=COMMIT,
            version="0123456789",
            stance=Stance.SHUT,
            verdict=Verdict.FAILED,
        ),
    )
    Gates(api).save(gate, status)
    found = Gates(api).get(WORKLOAD.name)
    assert found is not None
    assert found.status == status


def test_what_is_cleared_in_a_gate_is_cleared_in_the_cluster(api: Api, gate: Gate) -> None:
    judged = Gates(api).save(gate, GateStatus(verdict=Verdict.FAILED, reason=Reason.ABORTED, since=NOW))
    assert Gates(api).save(judged, GateStatus()).status == GateStatus()


def test_of_a_gate_that_says_something_already_only_what_changed_is_written(api: Api, gate: Gate) -> None:
    """A server takes longer for more, also where it says what is there already."""
    first = Gates(api).save(gate, GateStatus(message="first", version="v1"))
    written: list[Any] = []

    def patch(resource: str, namespace: str, name: str, body: Any, **more: str) -> Any:
        written.append(body)
        return api.patch(resource, namespace, name, body, **more)

    listening: Any = SimpleNamespace(patch=patch)
    second = Gates(listening).save(first, replace(first.status, message="second"))
    assert written == [{"metadata": {"resourceVersion": first.resource_version}, "status": {"message": "second"}}]
    assert second.status == GateStatus(message="second", version="v1")


def test_a_gate_that_was_written_meanwhile_is_not_overwritten(api: Api, gate: Gate) -> None:
    Gates(api).save(gate, GateStatus(message="first"))
    with pytest.raises(Conflict):
        Gates(api).save(gate, GateStatus(message="second"))


def test_the_reporter_and_the_tracker_do_not_undo_each_other(api: Api, gate: Gate) -> None:
    gates = Gates(api)
    gate = gates.save(gate, GateStatus(message="the tracker's"))
    gates.save_accepted(gate, {"a": "success-1", "b": "pending-1"}, "")
    gate = gates.get(WORKLOAD.name) or gate
    gates.save_accepted(gate, {"b": None}, "GitLab is away")
    found = gates.get(WORKLOAD.name)
    assert found is not None
    assert (found.status.message, found.accepted, found.reported) == (
        "the tracker's",
        {"a": "success-1"},
        "GitLab is away",
    )


def test_what_became_of_promotions_is_kept_and_forgotten_one_by_one(api: Api, gate: Gate) -> None:
    gates = Gates(api)
    became = Promoted(state=PromotedState.SENT, at=NOW, message="sent")
    first = gates.save_promoted(gate, {"a": became, "b/c d": replace(became, state=PromotedState.DONE)})
    with pytest.raises(Conflict):
        gates.save_promoted(gate, {"a": None})
    saved = gates.save_promoted(first, {"a": None})
    assert saved.promoted == {"b/c d": replace(became, state=PromotedState.DONE)}


def test_creating_twice_is_creating_once(api: Api, gate: Gate) -> None:
    assert Gates(api).create(WORKLOAD) == gate
    runs = Runs(api)
    assert runs.create(gate, "run", SPEC) == runs.create(gate, "run", SPEC)


def test_a_run_comes_back_as_it_was_made(api: Api, gate: Gate) -> None:
    made = Runs(api).create(gate, "run", SPEC)
    assert made.spec == SPEC
    assert made.status == RunStatus()


def test_the_undo_is_guarded_by_the_finalizer_until_it_is_taken_back(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    run = runs.create(gate, "run", SPEC)
    journal = RunJournal(runs, run)
    undo = Undo(id="1", step="one dies", fault="pod-kill", target=TARGET, before={"replicas": 3})
    status = RunStatus(phase=RunPhase.RUNNING, attempt=1, started=NOW, evidence=Evidence(undo=(undo,)))
    journal.save(status, guarded=True)
    saved = runs.get("default", "run")
    assert saved is not None
    assert (saved.guarded, saved.status) == (True, status)
    journal.save(replace(status, phase=RunPhase.EXECUTED), guarded=False)
    saved = runs.get("default", "run")
    assert saved is not None
    assert (saved.guarded, saved.status.phase) == (False, RunPhase.EXECUTED)


def test_an_executor_cannot_write_a_verdict(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    run = runs.create(gate, "run", SPEC)
    runs.save_verdict(run, Judgement(verdict=Verdict.FAILED, reason=Reason.NO_EFFECT, message="nothing"), 0)
    runs.save_status(run, RunStatus(phase=RunPhase.JUDGED, verdict=Verdict.PASSED, score=100))
    found = runs.get("default", "run")
    assert found is not None
    assert (found.status.verdict, found.status.reason, found.status.score) == (Verdict.FAILED, Reason.NO_EFFECT, 0)


def test_how_a_failure_compares_with_the_version_before_is_the_gates_to_write(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    failed = Judgement(verdict=Verdict.FAILED, reason=Reason.PROBE_FAILED, compared=Compared.OLD_WEAKNESS)
    written = runs.save_verdict(runs.create(gate, "run", SPEC), failed, 0)
    assert written.status.compared is Compared.OLD_WEAKNESS
    runs.save_status(written, RunStatus(phase=RunPhase.JUDGED, compared=Compared.REGRESSION))
    found = runs.get("default", "run")
    assert found is not None
    assert found.status.compared is Compared.OLD_WEAKNESS
    assert runs.save_verdict(found, replace(failed, compared=None), 0).status.compared is None


def test_samples_keep_their_times(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    run = runs.create(gate, "run", SPEC)
    summary = Summary(
        probe="answers",
        window=Window.DURING,
        step="one dies",
        due=40,
        samples=40,
        failures=2,
        streak=timedelta(milliseconds=250),
        first_failure=NOW,
        last_failure=NOW,
        detail="HTTP 502",
        p95=timedelta(milliseconds=12),
    )
    runs.save_status(run, RunStatus(evidence=Evidence(summaries=(summary,))))
    found = runs.get("default", "run")
    assert found is not None
    assert found.status.evidence.summaries == (summary,)


def test_the_journal_of_a_deleted_run_says_that_it_is_gone(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    run = runs.create(gate, "run", SPEC)
    assert api.delete("chaosruns", "default", "run", uid=run.uid)
    with pytest.raises(Permanent):
        RunJournal(runs, run).save(RunStatus(), guarded=True)


def test_an_abort_is_seen_with_its_reason(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    run = runs.create(gate, "run", SPEC)
    runs.abort(run, Reason.SUPERSEDED)
    found = runs.get("default", "run")
    assert found is not None
    assert found.abort is Reason.SUPERSEDED


def test_the_api_server_refuses_a_gate_without_a_workload(api: Api) -> None:
    body = {
        "apiVersion": "chaosgate.dev/v1alpha1",
        "kind": "ChaosGate",
        "metadata": {"name": "x", "namespace": "default"},
        "spec": {},
    }
    with pytest.raises(GateError, match="workload"):
        api.create("chaosgates", "default", body)


def test_a_run_that_changed_since_it_was_read_is_not_begun(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    run = runs.create(gate, "run", SPEC)
    judgement = Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED)
    runs.save_verdict(run, judgement, None)
    with pytest.raises(Permanent, match="changed before it was begun"):
        RunJournal(runs, run).save(RunStatus(phase=RunPhase.RUNNING, attempt=1), guarded=False)
    found = runs.get(run.namespace, run.name)
    assert found is not None
    assert found.status.phase is RunPhase.JUDGED


def test_a_run_that_was_begun_is_not_ended_by_the_tracker(api: Api, gate: Gate) -> None:
    runs = Runs(api)
    run = runs.create(gate, "run", SPEC)
    RunJournal(runs, run).save(RunStatus(phase=RunPhase.RUNNING, attempt=1), guarded=False)
    with pytest.raises(Conflict):
        runs.save_verdict(run, Judgement(verdict=Verdict.CANCELED, reason=Reason.SUPERSEDED), None)
