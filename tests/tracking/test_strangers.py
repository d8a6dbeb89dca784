"""A ChaosRun that somebody has put under the name of a gate's own run opens nothing, and the gate says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gate.catalogue.subscribed import Subscribed
from gate.cluster.gates import Gates
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.model import (
    Gate,
    GateStatus,
    Judgement,
    Phase,
    Reason,
    Run,
    RunPhase,
    RunSpec,
    RunStatus,
    Verdict,
    WorkloadKind,
    WorkloadName,
)
from gate.tracking.decide import decide
from gate.tracking.judgements import decided
from gate.tracking.reconciler import Reconciler
from gate.tracking.seen import Seen
from gate.wire.ties import read_run
from gate.wire.vocabulary import vocabulary
from tests.builders import deployment, pod_template
from tests.grounds import Ground
from tests.runs import created, spec
from tests.tracking.test_decide import Story, claim, rollout

Eventually = Callable[[Callable[[], object]], None]
Forgery = Callable[[RunSpec], RunSpec]
DEADLINE = timedelta(minutes=30)

DOCUMENTS = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {{name: web}}
spec:
  workload: {{kind: Deployment, namespace: {namespace}, name: web}}
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


def by_hand(decided_on: RunSpec) -> RunSpec:
    return replace(decided_on, asked_by="mallory")


def easy(decided_on: RunSpec) -> RunSpec:
    (step,) = decided_on.workflow.steps
    return replace(decided_on, workflow=replace(decided_on.workflow, steps=(replace(step, hold=timedelta(0)),)))


def easy_by_hand(decided_on: RunSpec) -> RunSpec:
    return by_hand(easy(decided_on))


class Overtaken(Runs):
    """Somebody who knows what the gate will call its run makes one of that name a moment before."""

    forgery: Forgery

    def create(self, gate: Gate, name: str, spec: RunSpec) -> Run:
        created(self._api, gate.namespace, name, self.forgery(spec))
        return super().create(gate, name, spec)


class Overtaking:
    """A Deployment that is subscribed, a tracker that looks at it, and somebody who is faster."""

    def __init__(self, cluster: Ground, namespace: str, forgery: Forgery) -> None:
        self.api, self.namespace = cluster.api, namespace
        self.name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="web")
        self.subscribed = Subscribed(lambda: datetime.now(UTC))
        documents = load(DOCUMENTS.format(namespace=namespace).encode(), "web.yaml", vocabulary())
        loaded = Loaded.together([documents])
        assert not loaded.problems
        fetched = datetime.now(UTC)
        self.subscribed.put(Catalogue(revision="1", fetched=fetched, loaded=loaded, vocabulary=vocabulary()))
        self.judged: list[str] = []
        self.runs = Overtaken(self.api)
        self.runs.forgery = forgery
        template = pod_template(app="web")
        body = deployment("web", namespace, template=template)
        made = cluster.ask("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", body)
        assert made.status_code == 201, made.text

    def looks(self, runs: Runs | None = None) -> GateStatus:
        """The gate's status after one more comparison."""
        gates = Gates(self.api)
        Reconciler(
            workloads=Workloads(self.api),
            gates=gates,
            runs=runs or self.runs,
            subscriptions=self.subscribed,
            judge=self._judge,
            now=lambda: datetime.now(UTC),
        ).reconcile(self.name)
        gate = gates.get(self.name)
        assert gate is not None
        return gate.status

    def _judge(self, run: Run) -> tuple[Judgement, int | None]:
        self.judged.append(run.name)
        return Judgement(verdict=Verdict.PASSED), 100


@pytest.mark.parametrize("forgery", [by_hand, easy, easy_by_hand])
def test_a_run_that_was_there_under_the_name_of_the_gates_own_is_not_taken_for_it(
    cluster: Ground, namespace: str, eventually: Eventually, forgery: Forgery
) -> None:
    shop = Overtaking(cluster, namespace, forgery)
    eventually(lambda: shop.looks().runs)
    (entry,) = shop.looks().runs
    forged = Runs(cluster.api).get(namespace, entry.name)
    assert forged is not None
    Runs(cluster.api).save_status(forged, RunStatus(phase=RunPhase.EXECUTED, attempt=1, finished=datetime.now(UTC)))
    after = shop.looks()
    assert (after.phase, after.verdict, after.runs, shop.judged) == (Phase.PENDING, None, (entry,), [])
    assert f"kubectl -n {namespace} delete chaosrun {entry.name}" in after.message

    cluster.api.delete("chaosruns", namespace, entry.name, uid=forged.uid)
    eventually(lambda: Runs(cluster.api).get(namespace, entry.name) is None)
    (own,) = shop.looks(Runs(cluster.api)).runs
    assert own.uid not in {"", forged.uid}
    assert shop.looks().message == "to be judged by survives"


def test_a_run_that_was_made_before_the_gate_could_write_down_its_uid_is_its_own(
    cluster: Ground, namespace: str, eventually: Eventually
) -> None:
    shop = Overtaking(cluster, namespace, lambda decided_on: decided_on)
    eventually(lambda: shop.looks().runs)
    (entry,) = shop.looks().runs
    assert entry.uid


def test_a_forged_run_that_nobody_asked_for_by_hand_is_only_ended(
    cluster: Ground, namespace: str, eventually: Eventually
) -> None:
    shop = Overtaking(cluster, namespace, easy)
    eventually(lambda: shop.looks().runs)
    (entry,) = shop.looks().runs
    read = read_run(cluster.api, namespace, entry.name)
    assert read is not None
    assert read.abort is Reason.SUPERSEDED


def test_what_was_decided_is_the_same_after_the_api_server_has_kept_it(cluster: Ground, namespace: str) -> None:
    settings = {"rate": 2.0, "share": 0.25, "body": None, "headers": {"a": "b", "c": None}, "codes": [200, 3.0]}
    made = spec(namespace)
    (step,) = made.workflow.steps
    odd = replace(step, settings=settings, hold=timedelta(microseconds=2500001), recover=timedelta(days=1000))
    (probe,) = made.workflow.steady_state
    asked = replace(probe, settings=settings, expect={"status": 200, "json": {"total": 1e21, "least": -0.0}})
    made = replace(made, workflow=replace(made.workflow, steps=(odd,), steady_state=(asked,)))
    assert decided(created(cluster.api, namespace, "kept", made).spec) == decided(made)


def test_a_gate_whose_name_is_taken_until_the_deadline_ends_in_no_verdict() -> None:
    story = Story(claim("loss"))
    story.sees(rollout("1.0"))
    story.settles(rollout("1.1"))
    (name,) = story.created
    upgrade = replace(story.status, runs=tuple(replace(each, uid="") for each in story.status.runs))

    def then(after: timedelta) -> GateStatus:
        seen = Seen(
            rollout=rollout("1.1"),
            gate=story.gate,
            status=upgrade,
            claims=story.claims,
            runs={},
            strangers=[name],
            revision=story.revision,
            now=story.now + after,
        )
        made = decide(seen)
        assert not made.create
        return made.status

    assert then(timedelta(seconds=1)).phase is Phase.PENDING
    late = then(DEADLINE)
    assert (late.phase, late.verdict, late.reason) == (Phase.CLOSED, Verdict.ERRORED, Reason.DEADLINE_EXCEEDED)
