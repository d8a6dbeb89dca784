"""Workloads and clusters that are not as one would wish: each has an outcome, and a line that a person understands."""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from kubernetes.client import Configuration

from gate.catalogue.subscribed import Subscribed
from gate.cluster.api import Api
from gate.cluster.gates import Gates
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.errors import Conflict, Temporary
from gate.model import GateStatus, Judgement, Phase, Run, Verdict, WorkloadKind, WorkloadName
from gate.tracking.reconciler import Reconciler
from gate.wire.vocabulary import vocabulary
from tests.builders import deployment, pod_template
from tests.grounds import IMAGES, Ground

Eventually = Callable[[Callable[[], object]], None]

SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {{name: odd}}
spec:
  workload: {{kind: Deployment, namespace: {namespace}, name: odd}}
  environment: staging
  workflows: [{{name: survives}}]
  settle: 0s
  onSubscribe: run
---
apiVersion: chaosgate.dev/v1alpha1
kind: Workflow
metadata: {{name: survives}}
spec:
  steadyState: [{{name: answers, http: {{url: "http://odd.test/"}}}}]
  steps: [{{name: one, fault: pod-kill, hold: 1s, recover: 1s}}]
"""


class Tracked:
    """A Deployment `odd` that is subscribed, and the tracker that looks at it."""

    def __init__(self, cluster: Ground, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.name = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=namespace, name="odd")
        subscribed = Subscribed(lambda: datetime.now(UTC))
        loaded = Loaded.together([load(SUBSCRIPTION.format(namespace=namespace).encode(), "odd.yaml", vocabulary())])
        assert not loaded.problems
        subscribed.put(Catalogue(revision="1", fetched=datetime.now(UTC), loaded=loaded, vocabulary=vocabulary()))
        api = cluster.api
        self.gates = Gates(api)
        self.reconciler = Reconciler(
            workloads=Workloads(api),
            gates=self.gates,
            runs=Runs(api),
            subscriptions=subscribed,
            judge=_never,
            now=lambda: datetime.now(UTC),
        )

    def makes(self, *containers: dict[str, str], **spec: Any) -> None:
        body = deployment("odd", self.namespace, template=pod_template(*containers, app="odd"), **spec)
        made = self.cluster.ask("POST", f"/apis/apps/v1/namespaces/{self.namespace}/deployments", body)
        assert made.status_code == 201, made.text

    def status(self) -> GateStatus:
        """The gate's status after one more comparison."""
        self.reconciler.reconcile(self.name)
        gate = self.gates.get(self.name)
        assert gate is not None
        return gate.status


def _never(_: Run) -> tuple[Judgement, int | None]:
    return Judgement(verdict=Verdict.ERRORED), None


@pytest.fixture
def tracked(cluster: Ground, namespace: str) -> Tracked:
    return Tracked(cluster, namespace)


def test_a_workload_of_forty_containers_is_judged_as_one_version(tracked: Tracked, eventually: Eventually) -> None:
    tracked.makes(*({"name": f"c{number}", "image": IMAGES[number % 2]} for number in range(40)), replicas=1)
    eventually(lambda: tracked.status().runs)
    assert len(tracked.status().images) == 40


def test_the_look_that_finds_an_upgrade_makes_its_runs_and_knows_them_by_their_uids(
    tracked: Tracked, eventually: Eventually
) -> None:
    tracked.makes()
    looks = [GateStatus()]
    eventually(lambda: looks[-1].runs or looks.append(tracked.status()))
    assert all(entry.uid for entry in looks[-1].runs)


def test_a_workload_without_labels_of_its_own_is_judged_by_its_name(tracked: Tracked, eventually: Eventually) -> None:
    tracked.makes()
    eventually(lambda: tracked.status().runs)


def test_a_workload_of_no_replicas_is_not_judged(tracked: Tracked) -> None:
    tracked.makes(replicas=0)
    for _ in range(5):
        status = tracked.status()
    assert (status.phase, status.runs) == (Phase.PENDING, ())


def test_a_paused_workload_is_waited_for_and_said_to_be_paused(tracked: Tracked, eventually: Eventually) -> None:
    tracked.makes(paused=True)
    eventually(lambda: "paused: 0 of 1 replicas are updated" in tracked.status().message)
    assert not tracked.status().runs


def test_an_image_that_is_no_reference_ends_in_no_verdict_and_the_gate_says_which_it_is(
    tracked: Tracked, eventually: Eventually
) -> None:
    tracked.makes({"name": "main", "image": ":::no image"}, paused=True)  # the nodes of kwok would run anything
    eventually(lambda: "the image ':::no image' of the container main is no image refer" in tracked.status().message)
    assert tracked.status().verdict is None


def test_a_workload_that_was_made_anew_is_not_answered_for_by_the_gate_of_the_one_before(tracked: Tracked) -> None:
    tracked.makes(replicas=0)
    before = tracked.status()
    gate = f"/apis/chaosgate.dev/v1alpha1/namespaces/{tracked.namespace}/chaosgates/deployment-odd"
    workload = f"/apis/apps/v1/namespaces/{tracked.namespace}/deployments/odd"
    _finalizers(tracked, gate, ["chaosgate.dev/test"])  # it goes slowly
    try:
        assert tracked.cluster.ask("DELETE", workload).status_code == 200
        tracked.makes(replicas=0)
        with pytest.raises(Conflict, match=r"deployment-odd answers for .* which is not there any more"):
            tracked.reconciler.reconcile(tracked.name)
        old = tracked.gates.get(tracked.name)
        assert old is not None
        assert old.status == before
    finally:
        _finalizers(tracked, gate, None)


def test_a_workload_in_a_namespace_that_is_being_deleted_gets_no_gate_and_the_line_says_why(tracked: Tracked) -> None:
    tracked.makes()
    path = f"/apis/apps/v1/namespaces/{tracked.namespace}/deployments/odd"
    _finalizers(tracked, path, ["chaosgate.dev/test"])  # it outlasts the rest of its namespace
    assert tracked.cluster.ask("DELETE", f"/api/v1/namespaces/{tracked.namespace}").status_code == 200
    try:
        with pytest.raises(Temporary, match="is being terminated; nothing can be made"):
            tracked.reconciler.reconcile(tracked.name)
    finally:
        _finalizers(tracked, path, None)


def _finalizers(tracked: Tracked, path: str, names: list[str] | None) -> None:
    body = {"metadata": {"finalizers": names}}
    patched = tracked.cluster.ask("PATCH", path, body, media="application/merge-patch+json")
    assert patched.status_code == 200, patched.text


class _Page(BaseHTTPRequestHandler):
    """What a proxy in between says when it has nothing better."""

    def do_GET(self) -> None:
        body = b"<html><body>Bad Gateway</body></html>"
        self.send_response(502 if self.path.endswith("/down") else 200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def proxy() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Page)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["fine", "down"])
def test_a_server_that_answers_with_a_page_is_asked_again_later(proxy: str, name: str) -> None:
    api = Api(Configuration(host=proxy))
    with pytest.raises(Temporary, match=r"/deployments/\w+: .*<html>"):
        api.get("deployments", "shop", name)
