"""The examples of the authors' page about copies, played: real pods that serve, real probes, nothing else touched."""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from gate.cli import cli
from gate.cluster.api import Api
from gate.cluster.names import services_of
from gate.cluster.runs import SPEC, RunJournal, Runs
from gate.cluster.workloads import Workloads
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.faults import ACTS
from gate.loads import LOADS
from gate.model import (
    COPY,
    Compared,
    ContainerImage,
    Judgement,
    Progress,
    Reason,
    RunSpec,
    RunStatus,
    Tolerance,
    Verdict,
    Version,
    Workflow,
    Workload,
    WorkloadKind,
    WorkloadName,
)
from gate.probes import PROBES
from gate.reports.evidence import EvidenceFolder
from gate.reports.verification import verify
from gate.running.background import Threads
from gate.running.judge import judge
from gate.running.ports import World
from gate.running.runner import execute
from gate.running.time import SystemClock
from gate.sandbox.kubernetes.runtime.images import Image, Images
from gate.wire.vocabulary import vocabulary
from tests import grounds
from tests.builders import deployment, pod_template, service
from tests.faults.application import Eventually
from tests.grounds import Ground

pytestmark = pytest.mark.long

Json = dict[str, Any]
AUTHORS = Path(__file__).parents[2] / "docs" / "authors.md"
NAMESPACE = "shop"
NAME = WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=NAMESPACE, name="checkout")
INVENTORY = replace(NAME, name="inventory")
SUBSCRIPTION = """\
apiVersion: chaosgate.dev/v1alpha1
kind: Subscription
metadata: {name: checkout}
spec:
  workload: {kind: Deployment, namespace: shop, name: checkout}
  environment: staging
  workflows: [{name: NAME}]
"""
PROGRAM = """\
import os, socket, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Shop(BaseHTTPRequestHandler):
    def do_GET(self):
        status = 200
        if "needs" in sys.argv[1]:
            try:
                socket.create_connection((os.environ["INVENTORY_SERVICE_HOST"], 8080), 1).close()
            except OSError:
                status = 502
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass
ThreadingHTTPServer((os.environ["POD_IP"], 8080), Shop).serve_forever()
"""
"""A checkout that needs the inventory for each answer, or not."""
SOUND, WEAK, WEAKER = "alone", "needs it", "needs it still"
MOMENT = timedelta(seconds=2)
TOO_BUSY = {Reason.BASELINE_UNSTEADY, Reason.NO_DATA, Reason.LOAD_TOO_WEAK}
TRIES = 4


def image(name: str, what: str) -> Image:
    return Image(name=name, argv=(sys.executable, "-E", "-S", "-B", "-c", PROGRAM, what))


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Three versions of the checkout, and an inventory."""
    versions = {"1": SOUND, "2": WEAK, "3": WEAKER}
    checkouts = [image(f"checkout:{version}", what) for version, what in versions.items()]
    images = Images([*checkouts, image("inventory:1", SOUND)])
    with grounds.sandbox(tmp_path_factory.mktemp("sandbox"), images=images) as (ground, _):
        yield ground


@dataclass
class Shop:
    """The checkout as customers know it, and what has become of its versions."""

    api: Api
    kubeconfig: Path
    eventually: Eventually
    folder: Path
    versions: int = 0

    def deploy(self, version: str) -> tuple[ContainerImage, ...]:
        """The digests that it runs, when it is there."""
        body = {"spec": {"template": {"spec": {"containers": [{**CONTAINER, "image": f"checkout:{version}"}]}}}}
        self.api.patch("deployments", NAMESPACE, NAME.name, body)
        workloads = Workloads(self.api)
        found: list[ContainerImage] = []

        def is_there() -> bool:
            rollout = workloads.rollout(NAME)
            if rollout and rollout.progress is Progress.COMPLETE and rollout.version:
                found[:] = rollout.version.images
            return bool(found) and rollout is not None and rollout.image == f"checkout:{version}"

        self.eventually(is_there)
        return tuple(found)

    def play(
        self, workflow: Workflow, images: tuple[ContainerImage, ...], previous: tuple[ContainerImage, ...] = ()
    ) -> tuple[RunStatus, Judgement]:
        """As often as it takes to find something out: a machine that is too busy sees too little."""
        for _ in range(TRIES):
            status, judgement = self._play(workflow, images, previous)
            if judgement.reason not in TOO_BUSY and judgement.compared is not Compared.UNKNOWN:
                break
        return status, judgement

    def _play(
        self, workflow: Workflow, images: tuple[ContainerImage, ...], previous: tuple[ContainerImage, ...]
    ) -> tuple[RunStatus, Judgement]:
        found = self.api.get("deployments", NAMESPACE, NAME.name)
        assert found is not None
        self.versions += 1
        spec = RunSpec(
            workload=Workload(name=NAME, uid=found["metadata"]["uid"]),
            version=Version(images=images).key,
            images=images,
            previous=previous,
            workflow=workflow,
            subscriptions=("checkout",),
            revision="r1",
            seed="seed",
            deadline=datetime.now(UTC) + timedelta(minutes=5),
        )
        status = self._execute(spec, f"run-{self.versions}")
        return status, judge(spec, status.evidence)[0]

    def _execute(self, spec: RunSpec, name: str) -> RunStatus:
        body: Json = {"apiVersion": "chaosgate.dev/v1alpha1", "kind": "ChaosRun", "metadata": {"name": name}}
        self.api.create("chaosruns", NAMESPACE, body | {"spec": SPEC.write_new(spec)})
        run = Runs(self.api).get(NAMESPACE, name)
        assert run is not None
        clock = SystemClock()
        background = Threads(clock)
        world = World(
            cluster=self.api,
            workloads=Workloads(self.api),
            permission=lambda *_: None,
            clock=clock,
            background=background,
            resolve=services_of(self.api),
            faults=ACTS,
            probes=PROBES,
            loads=LOADS,
            run=name,
        )
        record = EvidenceFolder(self.folder, timedelta(days=1), clock.now).of(run)
        try:
            execute(run.spec, run.status, world, RunJournal(Runs(self.api), run), lambda: None, record)
        finally:
            record.close()
            background.close()
        after = Runs(self.api).get(NAMESPACE, name)
        assert after is not None
        assert not after.guarded
        return after.status

    @property
    def evidence(self) -> Path:
        """The file of the last run."""
        (file,) = self.folder.rglob(f"run-{self.versions}.*.jsonl.gz")
        return file

    def names(self, resource: str) -> set[str]:
        return {item["metadata"]["name"] for item in self.api.list(resource, NAMESPACE)[0]}


CONTAINER: Json = {
    "name": "main",
    "image": "checkout:1",
    "ports": [{"containerPort": 8080}],
    "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
}


@pytest.fixture
def shop(sandbox: Ground, eventually: Eventually, tmp_path: Path) -> Iterator[Shop]:
    api = sandbox.api
    api.create("namespaces", "", {"metadata": {"name": NAMESPACE}})
    for name, replicas in (("inventory", 1), ("checkout", 2)):
        api.create("services", NAMESPACE, service(name, NAMESPACE))
        pods = pod_template({**CONTAINER, "image": f"{name}:1"}, app=name)
        pods["spec"]["terminationGracePeriodSeconds"] = 1
        api.create("deployments", NAMESPACE, deployment(name, NAMESPACE, template=pods, replicas=replicas))
    eventually(lambda: len(Workloads(api).ready_pods(NAME)) == 2)
    eventually(lambda: Workloads(api).ready_pods(INVENTORY))
    yield Shop(api=api, kubeconfig=sandbox.kubeconfig, eventually=eventually, folder=tmp_path / "evidence")
    sandbox.ask("DELETE", f"/api/v1/namespaces/{NAMESPACE}")
    eventually(lambda: api.get("namespaces", "", NAMESPACE) is None)


def example(name: str) -> str:
    """The workflow of that name on the authors' page."""
    blocks = re.findall(r"^```yaml\n(.*?)^```$", AUTHORS.read_text(), re.MULTILINE | re.DOTALL)
    (text,) = [block for block in blocks if f"metadata: {{name: {name}}}" in block]
    return text


def workflow_of(name: str, **changes: Any) -> Workflow:
    """The example as it is resolved for the checkout, with times that fit into a test, and patient with the machine."""
    words = vocabulary()
    texts = (example(name), SUBSCRIPTION.replace("NAME", name))
    loaded = Loaded.together(load(text.encode(), "example.yaml", words) for text in texts)
    found = Catalogue(revision="r", fetched=datetime.now(UTC), loaded=loaded, vocabulary=words)
    ((workflow,), problems) = found.resolve(loaded.subscriptions[0])
    assert problems == ()
    steps = tuple(replace(step, hold=MOMENT, **changes) for step in workflow.steps)
    calm = tuple(
        replace(
            probe,
            every=MOMENT / 8,
            tolerate=Tolerance(failures=0.5),
            settings={**probe.settings, "timeout": "10s"},
        )
        for probe in workflow.steady_state
    )
    return replace(workflow, baseline=MOMENT, steps=steps, steady_state=calm)


def test_the_example_hits_a_copy_and_the_service_itself_notices_nothing(shop: Shop) -> None:
    images = shop.deploy("3")
    before = {pod.uid for pod in Workloads(shop.api).ready_pods(NAME)}
    status, judgement = shop.play(workflow_of("survives-pod-loss-in-a-copy"), images)
    (copy,) = status.evidence.copies
    assert {pod.images for pod in copy.pods} == {images}
    hit = [undo.target for undo in status.evidence.undo if undo.fault != COPY]
    assert [target.name.startswith(f"{copy.name}-") for target in hit] == [True]
    assert {pod.uid for pod in Workloads(shop.api).ready_pods(NAME)} == before
    assert (shop.names("deployments"), shop.names("services")) == ({"checkout", "inventory"},) * 2
    how = {Reason.NO_COPY, Reason.VERSION_CHANGED, Reason.REVERT_FAILED, Reason.NO_EFFECT, Reason.BAD_DOCUMENT}
    assert judgement.reason not in how, judgement
    verified = verify(shop.evidence)
    assert (verified.same, verified.problems) == (True, ())


@pytest.mark.parametrize(
    ("before", "compared"), [("1", Compared.REGRESSION), ("3", Compared.OLD_WEAKNESS)], ids=["sound", "weak"]
)
def test_the_example_compares_with_the_version_before(shop: Shop, before: str, compared: Compared) -> None:
    """What the checkout needs is gone for a while: it has an answer for that, or not."""
    old, new = shop.deploy(before), shop.deploy("2")
    workflow = workflow_of("survives-pod-loss-as-before", fault="scale-to-zero", target=INVENTORY)
    status, judgement = shop.play(workflow, new, old)
    assert (judgement.verdict, judgement.reason) == (Verdict.FAILED, Reason.PROBE_FAILED), judgement
    assert judgement.compared is compared, judgement
    assert [pod.images for copy in status.evidence.copies for pod in copy.pods] == [old, old]
    assert (shop.names("deployments"), shop.names("services")) == ({"checkout", "inventory"},) * 2
    assert verify(shop.evidence).same


def test_plan_says_of_how_many_pods_there_would_be_a_copy_or_why_there_can_be_none(shop: Shop, tmp_path: Path) -> None:
    name = "survives-pod-loss-in-a-copy"
    (tmp_path / "workflows").mkdir()
    (tmp_path / "workflows" / "copy.yaml").write_text(example(name))
    (tmp_path / "subscriptions").mkdir()
    subscription = tmp_path / "subscriptions" / "checkout.yaml"
    subscription.write_text(SUBSCRIPTION.replace("NAME", name))

    def said() -> str:
        runner = CliRunner(env={"KUBECONFIG": str(shop.kubeconfig)})
        result = runner.invoke(cli, ["plan", str(subscription)], catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    assert f"{name}: watched for 5s first, in a copy of 2 pods" in said()
    assert "pod-kill on 1 Pod of the copy" in said()
    data = {"name": "data", "hostPath": {"path": "/data"}}
    shop.api.patch("deployments", NAMESPACE, NAME.name, {"spec": {"template": {"spec": {"volumes": [data]}}}})
    assert 'NO COPY: there can be no copy of Deployment shop/checkout: the volume "data" (hostPath) would be' in said()
