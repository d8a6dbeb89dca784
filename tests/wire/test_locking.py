"""What keeps a step from acting, on both grounds: other runs, foreign chaos, budgets, and pods that have to stay."""

import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from gate.cluster.foreign import Foreign
from gate.cluster.runs import Runs
from gate.cluster.workloads import Workloads
from gate.errors import Denied
from gate.model import Run, RunPhase, RunStatus, Step, Undo
from gate.running.turns import CAPS, Caps
from gate.wire.locking import ClusterLocks
from tests.builders import deployment
from tests.grounds import Ground
from tests.runs import created, found, spec

REFERENCE = Path(os.environ.get("CHAOS_GATE_REFERENCE") or Path(__file__).parents[3] / "shared" / "reference")
ENGINES = REFERENCE / "crds" / "litmus" / "chaosengines.litmuschaos.io.yaml"
POD_CHAOS = REFERENCE / "crds" / "chaos-mesh" / "chaos-mesh.org_podchaos.yaml"
NETWORK_CHAOS = REFERENCE / "crds" / "chaos-mesh" / "chaos-mesh.org_networkchaos.yaml"
PODS = 3

Json = dict[str, Any]
Eventually = Callable[[Callable[[], object]], None]
RBAC = "/apis/rbac.authorization.k8s.io/v1"


class Scene:
    """A Deployment of three pods, and a run whose step is about to hit some of them."""

    def __init__(self, ground: Ground, namespace: str) -> None:
        self.ground, self.namespace, self.api = ground, namespace, ground.api
        self.caps, self.leave_ready = CAPS, 0
        self.api.create("deployments", namespace, deployment("web", namespace, replicas=PODS))
        self.now = 0.0
        self.foreign = Foreign(self.api, lambda: self.now)
        self.run = begun(self, "ours")

    @property
    def pods(self) -> list[Any]:
        return list(Workloads(self.api).ready_pods(self.run.spec.workload.name))

    def holder(self, hits: int = 1, fault: str = "pod-kill", spacing: timedelta = timedelta(0)) -> str:
        """What holds the step, as a gate would be told that has just been started."""
        locks = ClusterLocks(api=self.api, foreign=self.foreign, caps=self.caps, leave_ready=self.leave_ready)
        (step,) = self.run.spec.workflow.steps
        undos = [replace(undo, spacing=spacing) for undo in self.undos(step, hits)]
        return locks(self.run.name, self.run.spec, replace(step, fault=fault), undos)

    def undos(self, step: Step, hits: int) -> list[Undo]:
        return [Undo(id=pod.uid, step=step.name, fault="pod-kill", target=pod) for pod in self.pods[:hits]]

    def make(self, kind: str, group: str, spec: Json, status: Json | None = None) -> str:
        """A custom object in the namespace; its path."""
        path = f"/apis/{group}/v1alpha1/namespaces/{self.namespace}/{kind.lower()}{'s' if kind.endswith('e') else ''}"
        body = {"apiVersion": f"{group}/v1alpha1", "kind": kind, "metadata": {"name": "theirs"}, "spec": spec}
        made = self.ground.ask("POST", path, {**body, **({"status": status} if status else {})})
        assert made.status_code == 201, made.text
        return f"{path}/theirs"


def begun(scene: Scene, name: str, workload: str = "web") -> Run:
    """A run that somebody executes."""
    run = created(scene.api, scene.namespace, name, spec(scene.namespace, workload))
    status = RunStatus(phase=RunPhase.RUNNING, attempt=1, started=run.created)
    Runs(scene.api).save_status(run, status)
    return found(scene.api, scene.namespace, name)


@pytest.fixture
def scene(cluster: Ground, namespace: str, eventually: Eventually) -> Scene:
    made = Scene(cluster, namespace)
    eventually(lambda: len(made.pods) == PODS)
    return made


@pytest.fixture
def definitions(cluster: Ground, eventually: Eventually) -> Iterator[Callable[[Path, str], None]]:
    """Installs custom resources from the reference folder, where it is, and takes them away again."""
    installed = []

    def install(file: Path, served: str) -> None:
        if not file.exists():
            pytest.skip(f"{file.name} is not here")
        body = yaml.safe_load(file.read_text())
        path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        made = cluster.ask("POST", path, body)
        assert made.status_code == 201, made.text
        installed.append(f"{path}/{body['metadata']['name']}")
        eventually(lambda: cluster.ask("GET", served).status_code == 200)

    yield install
    for path in installed:
        cluster.ask("DELETE", path)
        eventually(lambda path=path: cluster.ask("GET", path).status_code == 404)


LITMUS, MESH = "litmuschaos.io", "chaos-mesh.org"


def test_nothing_holds_a_workload_that_nobody_else_wants(scene: Scene) -> None:
    assert scene.holder() == ""
    assert scene.holder(PODS, "cpu-stress") == ""


def test_an_engine_of_litmus_holds_its_workload_while_it_is_active(
    scene: Scene, definitions: Callable[[Path, str], None]
) -> None:
    definitions(ENGINES, f"/apis/{LITMUS}/v1alpha1/chaosengines")
    about = {"appns": scene.namespace, "applabel": "app=web", "appkind": "deployment"}
    path = scene.make("ChaosEngine", LITMUS, {"engineState": "active", "appinfo": about, "experiments": []})
    assert scene.holder() == f"ChaosEngine {scene.namespace}/theirs (litmuschaos.io), which is active"
    change(scene, path, {"spec": {"appinfo": {"applabel": "app=other"}}})
    assert scene.holder() == ""
    change(scene, path, {"spec": {"appinfo": {"applabel": "app=web"}}})
    assert scene.holder() != ""
    change(scene, path, {"spec": {"engineState": "stop"}})
    assert scene.holder() == ""


def test_an_object_of_chaos_mesh_holds_the_pods_that_it_selects_until_it_has_recovered(
    scene: Scene, definitions: Callable[[Path, str], None]
) -> None:
    definitions(POD_CHAOS, f"/apis/{MESH}/v1alpha1/podchaos")
    selector = {"namespaces": [scene.namespace], "labelSelectors": {"app": "web"}}
    path = scene.make("PodChaos", MESH, {"action": "pod-failure", "mode": "one", "selector": selector})
    assert scene.holder() == f"PodChaos {scene.namespace}/theirs (chaos-mesh.org), which is active"
    over = {"conditions": [{"type": "AllRecovered", "status": "True"}], "experiment": {"desiredPhase": "Stop"}}
    change(scene, path, {"status": over})
    assert scene.holder() == ""
    record = {"id": "web", "phase": "Injected", "injectedCount": 1, "recoveredCount": 0, "selectorKey": "."}
    change(scene, path, {"status": {"experiment": {"containerRecords": [record]}}})
    assert scene.holder() != ""
    change(scene, path, {"spec": {"selector": {"labelSelectors": {"app": "other"}}}})
    assert scene.holder() == ""


def test_who_is_not_allowed_to_see_foreign_chaos_is_told_so_and_does_nothing(
    scene: Scene, definitions: Callable[[Path, str], None], tmp_path: Path, eventually: Eventually
) -> None:
    definitions(NETWORK_CHAOS, f"/apis/{MESH}/v1alpha1/networkchaos")
    account(scene)
    limited = replace_api(scene, scene.ground.kubeconfig_of(scene.namespace, "limited", tmp_path))
    eventually(lambda: sees_pods(limited))
    with pytest.raises(Denied, match=r"cannot list resource .networkchaos.*grant it in the gate's role"):
        limited.holder()


def test_a_budget_that_never_lets_so_many_go_refuses_at_once(scene: Scene, eventually: Eventually) -> None:
    budget = {"maxUnavailable": 1, "selector": {"matchLabels": {"app": "web"}}}
    scene.api.create("poddisruptionbudgets", scene.namespace, {"metadata": {"name": "web"}, "spec": budget})
    eventually(lambda: allowed(scene) == 1)
    assert scene.holder(1) == ""
    assert scene.holder(2, "cpu-stress") == "", "what leaves pods ready is none of its business"
    with pytest.raises(Denied, match=f"PodDisruptionBudget {scene.namespace}/web never lets 2 of 3 pods go"):
        scene.holder(2)


def test_pods_that_have_to_stay_are_never_hit(scene: Scene) -> None:
    scene.leave_ready = 2
    assert scene.holder(1) == ""
    with pytest.raises(Denied, match=r"would leave 1 of 3 ready pods .* and 2 have to stay: CHAOS_GATE_LEAVE_READY"):
        scene.holder(2)
    with pytest.raises(Denied, match=r"would leave 1 of 3 ready pods"):
        scene.holder(2, spacing=timedelta(milliseconds=1))


def test_a_run_that_another_gate_began_before_holds_the_workload_and_the_one_that_came_later_does_not(
    scene: Scene,
) -> None:
    other = begun(scene, f"theirs-{uuid.uuid4().hex[:4]}")
    first, second = sorted((scene.run, other), key=lambda run: (run.status.started, run.uid))
    scene.run = first
    assert scene.holder() == ""
    scene.run = second
    assert scene.holder() == f"run {scene.namespace}/{first.name}, which has Deployment {scene.namespace}/web"


def test_runs_are_counted_in_the_whole_cluster_if_that_has_a_cap(scene: Scene) -> None:
    other = begun(scene, "theirs", "other")
    scene.run = max(scene.run, other, key=lambda run: (run.status.started, run.uid))
    scene.caps = Caps(namespace=2, cluster=1)
    assert scene.holder().startswith("others")  # on a cluster that others use there may be runs that cannot be read
    scene.caps = Caps(namespace=2)
    assert scene.holder() == ""


def change(scene: Scene, path: str, body: Json) -> None:
    answer = scene.ground.ask("PATCH", path, body, media="application/merge-patch+json")
    assert answer.status_code == 200, answer.text


def allowed(scene: Scene) -> int:
    found = scene.api.get("poddisruptionbudgets", scene.namespace, "web") or {}
    status: Json = found.get("status") or {}
    if status.get("observedGeneration") != found["metadata"].get("generation"):
        return -1
    return int(status["disruptionsAllowed"]) if status.get("expectedPods") == PODS else -1


def account(scene: Scene) -> None:
    """A service account that may see everything here but foreign chaos."""
    ours = [
        {"apiGroups": ["", "apps", "policy", "autoscaling"], "resources": ["*"], "verbs": ["get", "list"]},
        {"apiGroups": ["chaosgate.dev"], "resources": ["*"], "verbs": ["get", "list"]},
    ]
    place = f"{RBAC}/namespaces/{scene.namespace}"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "limited"}
    who = [{"kind": "ServiceAccount", "name": "limited", "namespace": scene.namespace}]
    for path, body in (
        (f"{place}/roles", {"rules": ours}),
        (f"{place}/rolebindings", {"roleRef": role, "subjects": who}),
        (f"/api/v1/namespaces/{scene.namespace}/serviceaccounts", {}),
    ):
        made = scene.ground.ask("POST", path, {**body, "metadata": {"name": "limited"}})
        assert made.status_code == 201, made.text


def replace_api(scene: Scene, kubeconfig: Path) -> Scene:
    made = object.__new__(Scene)
    made.__dict__.update(scene.__dict__)
    made.api = type(scene.api).from_environment(str(kubeconfig))
    made.foreign = Foreign(made.api, lambda: 0.0)
    return made


def sees_pods(scene: Scene) -> bool:
    try:
        return len(scene.pods) == PODS
    except Denied:
        return False
