"""Runs as they stand in a cluster, made without anybody who executes them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from gate.cluster.api import Api
from gate.cluster.runs import FINALIZER, SPEC, RunJournal, Runs
from gate.model import (
    Evidence,
    Judgement,
    Probe,
    Reason,
    Run,
    RunPhase,
    RunSpec,
    RunStatus,
    Step,
    Target,
    Undo,
    Verdict,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)

SHORT = timedelta(seconds=1)
REFUSED = "the API server says no"
FAILED = Judgement(verdict=Verdict.ERRORED, reason=Reason.REVERT_FAILED, message=REFUSED)


def spec(namespace: str = "shop", workload: str = "web", *, fault: str = "scale", **settings: Any) -> RunSpec:
    """One short step against a Deployment."""
    name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name=workload)
    step = Step(name="one", fault=fault, settings=settings, hold=SHORT, recover=SHORT)
    probe = Probe(name="answers", kind="http", settings={})
    return RunSpec(
        workload=Workload(name=name, uid="u"),
        version="0123456789",
        images=(),
        workflow=Workflow(name="survives", baseline=SHORT, steady_state=(probe,), steps=(step,)),
        subscriptions=("web",),
        revision="r1",
        seed="1",
        deadline=datetime.now(UTC) + timedelta(minutes=5),
    )


def created(api: Api, namespace: str, name: str, of: RunSpec | None = None, **metadata: Any) -> Run:
    """A run that nobody has begun."""
    body: Mapping[str, Any] = {
        "apiVersion": "chaosgate.dev/v1alpha1",
        "kind": "ChaosRun",
        "metadata": {"name": name, **metadata},
        "spec": SPEC.write_new(of or spec(namespace)),
    }
    api.create("chaosruns", namespace, dict(body))
    return found(api, namespace, name)


def found(api: Api, namespace: str, name: str) -> Run:
    run = Runs(api).get(namespace, name)
    assert run is not None
    return run


def unreverted(namespace: str, *, fault: str = "of-another-release", error: str = REFUSED) -> Undo:
    """An act whose revert failed."""
    target = Target(kind="Deployment", namespace=namespace, name="web", uid="u")
    return Undo(id="one/web", step="one", fault=fault, target=target, error=error)


def left_behind(api: Api, namespace: str, name: str = "left", *, undo: Undo | None = None) -> Run:
    """A run that is over, and could not take back what it did."""
    run = created(api, namespace, name, finalizers=[FINALIZER])
    evidence = Evidence(undo=(undo or unreverted(namespace),), stopped=FAILED)
    status = RunStatus(phase=RunPhase.EXECUTED, attempt=1, evidence=evidence)
    RunJournal(Runs(api), replace(run, guarded=True)).save(status, guarded=True)
    return found(api, namespace, name)
