"""The clients that people use agree that this is Kubernetes."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_samples import config_map, definition, deployment, pod

from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.objects import Object
from gate.sandbox.kubernetes.podaccess import LogQuery
from gate.sandbox.kubernetes.resources import DEPLOYMENTS, PODS


class Diary:
    """The logs of pods that never were."""

    def read(self, pod: Object, query: LogQuery) -> Iterator[bytes]:
        yield f"{pod['metadata']['name']}/{query.container} tail={query.tail}\n".encode()


@pytest.fixture
def kubernetes() -> Iterator[Kubernetes]:
    with Kubernetes() as running:
        running.serve_logs(Diary())
        yield running


class Kubectl:
    def __init__(self, config: Path) -> None:
        self._config = config

    def __call__(self, *arguments: str, stdin: Any = None, fails: bool = False) -> str:
        """What kubectl prints, on whichever of the two outputs."""
        ran = subprocess.run(
            ["kubectl", "--kubeconfig", str(self._config), "--cache-dir", str(self._config.parent), *arguments],
            input=None if stdin is None else json.dumps(stdin),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert bool(ran.returncode) is fails, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr


@pytest.fixture
def kubectl(kubernetes: Kubernetes, tmp_path: Path) -> Kubectl:
    if shutil.which("kubectl") is None:
        pytest.skip("there is no kubectl on this machine")
    config = tmp_path / "kubeconfig"
    config.write_text(kubernetes.kubeconfig())
    return Kubectl(config)


def test_kubectl_applies_changes_and_applies_again(kubectl: Kubectl) -> None:
    assert kubectl("apply", "-f", "-", stdin=deployment()) == "deployment.apps/web created\n"
    assert kubectl("apply", "-f", "-", stdin=deployment()) == "deployment.apps/web unchanged\n"
    assert kubectl("apply", "-f", "-", stdin=deployment(replicas=2)) == "deployment.apps/web configured\n"
    assert kubectl("get", "deploy", "web", "-o", "jsonpath={.spec.replicas}") == "2"


def test_kubectl_apply_of_a_misspelt_field_is_an_error(kubectl: Kubectl) -> None:
    said = kubectl("apply", "-f", "-", stdin=config_map() | {"dta": {}}, fails=True)
    assert 'unknown field "dta"' in said


def test_kubectl_get_prints_the_usual_columns(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    head, row = kubectl("get", "deployments", "-o", "wide").splitlines()
    assert head.split() == ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "AGE", "CONTAINERS", "IMAGES", "SELECTOR"]
    assert row.split()[:4] == ["web", "0/1", "0", "0"]
    assert row.split()[5:] == ["main", "shop:1.0", "app=web"]


def test_kubectl_changes_a_deployment_in_all_its_ways(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    for command in (
        ["set", "image", "deploy/web", "main=shop:1.1"],
        ["set", "env", "deploy/web", "COLOR=blue"],
        ["scale", "deploy/web", "--replicas=3"],
        ["label", "deploy/web", "tier=front"],
        ["annotate", "deploy/web", "note=this"],
        ["rollout", "restart", "deploy/web"],
        ["patch", "deploy/web", "-p", '{"spec":{"minReadySeconds":1}}'],
        ["patch", "deploy/web", "--type=json", "-p", '[{"op":"add","path":"/spec/paused","value":true}]'],
    ):
        kubectl(*command)
    after = yaml.safe_load(kubectl("get", "deploy", "web", "-o", "yaml"))
    (container,) = after["spec"]["template"]["spec"]["containers"]
    assert (container["image"], container["env"]) == ("shop:1.1", [{"name": "COLOR", "value": "blue"}])
    assert (after["spec"]["replicas"], after["spec"]["minReadySeconds"]) == (3, 1)
    assert (after["metadata"]["labels"]["tier"], after["metadata"]["annotations"]["note"]) == ("front", "this")


def test_kubectl_waits_for_a_condition(kubernetes: Kubernetes, kubectl: Kubectl) -> None:
    kubernetes.store.create(PODS, pod())
    ready = {"conditions": [{"type": "Ready", "status": "True"}]}
    kubernetes.store.patch(PODS, "default", "one", lambda now: now | {"status": ready}, "status")
    assert "condition met" in kubectl("wait", "--for=condition=Ready", "pod/one", "--timeout=5s")


def test_kubectl_follows_a_rollout_to_its_end(kubernetes: Kubernetes, kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=deployment())
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}
    kubernetes.store.patch(DEPLOYMENTS, "default", "web", lambda now: now | {"status": status}, "status")
    assert "successfully rolled out" in kubectl("rollout", "status", "deploy/web", "--timeout=5s")


def test_kubectl_shows_a_log(kubernetes: Kubernetes, kubectl: Kubectl) -> None:
    kubernetes.store.create(PODS, pod())
    assert kubectl("logs", "one", "--tail=3") == "one/main tail=3\n"


def test_kubectl_deletes_and_then_finds_nothing(kubectl: Kubectl) -> None:
    kubectl("create", "-f", "-", stdin=config_map())
    assert kubectl("delete", "cm", "settings").startswith('configmap "settings" deleted')
    assert 'configmaps "settings" not found' in kubectl("get", "cm", "settings", fails=True)


def test_kubectl_knows_custom_resources_by_their_short_names(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=definition())
    assert "widgets" in kubectl("api-resources", "--api-group=example.com")
    assert "No resources found" in kubectl("get", "wi")


def test_the_python_client_lists_watches_and_patches(kubernetes: Kubernetes) -> None:
    client = pytest.importorskip("kubernetes.client")
    watch = pytest.importorskip("kubernetes.watch")
    configuration = client.Configuration(host=kubernetes.url, api_key={"authorization": f"Bearer {kubernetes.token}"})
    with client.ApiClient(configuration) as connection:
        apps, core = client.AppsV1Api(connection), client.CoreV1Api(connection)
        apps.create_namespaced_deployment("default", deployment())
        listed = apps.list_deployment_for_all_namespaces()
        assert [item.metadata.name for item in listed.items] == ["web"]
        patched = apps.patch_namespaced_deployment("web", "default", {"spec": {"replicas": 3}})
        assert patched.spec.replicas == 3
        stream = watch.Watch().stream(
            apps.list_deployment_for_all_namespaces,
            resource_version=listed.metadata.resource_version,
            timeout_seconds=1,
        )
        assert [(event["type"], event["object"].spec.replicas) for event in stream] == [("MODIFIED", 3)]
        apps.delete_namespaced_deployment("web", "default")
        with pytest.raises(client.ApiException) as missing:
            apps.read_namespaced_deployment("web", "default")
        assert missing.value.status == 404
        assert [item.metadata.name for item in core.list_namespace().items] == ["default", "kube-system"]


@pytest.mark.parametrize(
    ("arguments", "what", "path", "value"),
    [
        (["namespace", "shop"], "namespace/shop", "{.status.phase}", "Active"),
        (["configmap", "c", "--from-literal=a=ä"], "configmap/c", "{.data.a}", "ä"),
        (["secret", "generic", "s", "--from-literal=a=b"], "secret/s", "{.type} {.data.a}", "Opaque Yg=="),
        (["serviceaccount", "robot"], "serviceaccount/robot", "{.metadata.name}", "robot"),
        (
            ["deployment", "d", "--image=shop:1.0", "--replicas=0", "--port=80", "--", "sleep", "9"],
            "deployment/d",
            "{.spec.replicas} {.spec.template.spec.containers[0]['image','command','ports']}",
            '0 shop:1.0 ["sleep","9"] [{"containerPort":80,"protocol":"TCP"}]',
        ),
        (
            ["service", "clusterip", "v", "--tcp=80:web"],
            "service/v",
            "{.spec.ports[0].port} {.spec.ports[0].targetPort} {.spec.selector}",
            '80 web {"app":"v"}',
        ),
        (
            ["poddisruptionbudget", "p", "--selector=app=web", "--min-available=50%"],
            "poddisruptionbudget/p",
            "{.spec.minAvailable} {.spec.selector.matchLabels}",
            '50% {"app":"web"}',
        ),
    ],
    ids=lambda case: case[0] if isinstance(case, list) else "",
)
def test_kubectl_creates_by_kind(kubectl: Kubectl, arguments: list[str], what: str, path: str, value: str) -> None:
    assert "created" in kubectl("create", *arguments)
    assert kubectl("get", what, "-o", f"jsonpath={path}") == value
