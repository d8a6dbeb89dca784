"""Two workloads that one selector finds, and that run the same image: one version, and two answers."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.cluster.gates import Gates
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.model import GateStatus, Judgement, Reason, Run, RunPhase, Verdict, WorkloadKind, WorkloadName
from gate.tracking.reconciler import Reconciler
from gate.wire.vocabulary import vocabulary
from tests.builders import deployment, pod_template
from tests.grounds import IMAGES, Ground

Eventually = Callable[[Callable[[], object]], None]
SOUND, WEAK = "sound", "weak"

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {{name: all}}
spec:
  workload: {{kind: Deployment, namespaces: [{namespace}], selector: {{matchLabels: {{tier: web}}}}}}
  environment: staging
  workflows: [{{name: survives}}]
  settle: 0s
  onSubscribe: run
---
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {{name: survives}}
spec:
  steadyState: [{{name: answers, http: {{url: "http://web.test/"}}}}]
  steps: [{{name: one, fault: pod-kill, hold: 1s, recover: 1s}}]
"""


class Stage:
    """Both Deployments, and the tracker that looks at them."""

    def __init__(self, cluster: Ground, namespace: str) -> None:
        self._cluster, self._namespace = cluster, namespace
        loaded = Loaded.together([load(SUBSCRIPTION.format(namespace=namespace).encode(), "all.yaml", vocabulary())])
        assert not loaded.problems
        subscribed = Subscribed(lambda: datetime.now(UTC))
        subscribed.put(Catalogue(revision="1", fetched=datetime.now(UTC), loaded=loaded, vocabulary=vocabulary()))
        self._gates, self._runs = Gates(cluster.api), Runs(cluster.api)
        self._reconciler = Reconciler(
            workloads=Workloads(cluster.api),
            gates=self._gates,
            runs=self._runs,
            subscriptions=subscribed,
            judge=_judged,
            now=lambda: datetime.now(UTC),
        )
        for name in (SOUND, WEAK):
            body = deployment(name, namespace, template=_template(name, IMAGES[0]))
            body["metadata"]["labels"] = {"tier": "web"}
            self._ask("POST", "", body)

    def look(self, name: str) -> GateStatus:
        """The gate's status after one more comparison."""
        workload = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=self._namespace, name=name)
        self._reconciler.reconcile(workload)
        gate = self._gates.get(workload)
        assert gate is not None
        return gate.status

    def run_of(self, name: str, image: str) -> Run | None:
        """The run that this version of the workload waits for."""
        status = self.look(name)
        return self._runs.get(self._namespace, status.runs[0].name) if status.runs and status.image == image else None

    def execute(self, name: str) -> None:
        """What an executor would leave behind."""
        run = self.run_of(name, self.look(name).image)
        assert run is not None
        self._runs.save_status(run, replace(run.status, phase=RunPhase.EXECUTED))

    def upgrade(self, name: str) -> None:
        patch = {"spec": {"template": _template(name, IMAGES[1])}}
        self._ask("PATCH", f"/{name}", patch, media="application/merge-patch+json")

    def _ask(self, method: str, path: str, body: dict[str, Any], **more: Any) -> None:
        whole = f"/apis/apps/v1/namespaces/{self._namespace}/deployments{path}"
        answer = self._cluster.ask(method, whole, body, **more)
        assert answer.status_code in {200, 201}, answer.text


def _template(app: str, image: str) -> dict[str, Any]:
    made = pod_template({"name": "main", "image": image}, app=app)
    made["spec"]["terminationGracePeriodSeconds"] = 0
    return made


def _judged(run: Run) -> tuple[Judgement, int | None]:
    if run.spec.workload.name.name == SOUND:
        return Judgement(verdict=Verdict.PASSED), 100
    return Judgement(verdict=Verdict.FAILED, reason=Reason.PROBE_FAILED, message="it did not answer"), 0


@pytest.fixture
def stage(cluster: Ground, namespace: str, eventually: Eventually) -> Stage:
    """Each waits for its run."""
    made = Stage(cluster, namespace)
    for name in (SOUND, WEAK):
        eventually(lambda name=name: made.run_of(name, IMAGES[0]))
    return made


def test_each_has_a_run_and_a_verdict_of_its_own(stage: Stage) -> None:
    sound, weak = (stage.run_of(name, IMAGES[0]) for name in (SOUND, WEAK))
    assert sound is not None
    assert weak is not None
    assert sound.name != weak.name
    assert sound.spec.workload.uid != weak.spec.workload.uid
    stage.execute(SOUND)
    assert (stage.look(SOUND).verdict, stage.look(WEAK).verdict) == (Verdict.PASSED, None)
    stage.execute(WEAK)
    assert (stage.look(SOUND).verdict, stage.look(WEAK).verdict) == (Verdict.PASSED, Verdict.FAILED)


def test_what_one_of_them_was_judged_for_is_no_answer_for_the_other(stage: Stage, eventually: Eventually) -> None:
    stage.execute(SOUND)
    stage.execute(WEAK)
    before = stage.look(WEAK)
    assert before.verdict is Verdict.FAILED
    stage.upgrade(SOUND)
    eventually(lambda: stage.run_of(SOUND, IMAGES[1]))
    stage.execute(SOUND)
    assert stage.look(SOUND).verdict is Verdict.PASSED
    assert stage.look(WEAK) == before
    stage.upgrade(WEAK)
    eventually(lambda: stage.run_of(WEAK, IMAGES[1]))
    assert stage.look(WEAK).version == stage.look(SOUND).version or stage.look(WEAK).version_problem
    assert stage.look(WEAK).verdict is None
