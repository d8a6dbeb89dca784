"""kubectl with what only the sandbox can be: an API server without a kubelet, and with kinds that come and go."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kube_samples import definition, pod

from gate.sandbox.kubernetes.api.pod_requests import LogQuery
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.language.objects import Object
from gate.sandbox.kubernetes.registry.resources import PODS


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


def test_kubectl_shows_a_log(kubernetes: Kubernetes, kubectl: Kubectl) -> None:
    kubernetes.store.create(PODS, pod())
    assert kubectl("logs", "one", "--tail=3") == "one/main tail=3\n"


def test_kubectl_knows_custom_resources_by_their_short_names(kubectl: Kubectl) -> None:
    kubectl("apply", "-f", "-", stdin=definition())
    assert "widgets" in kubectl("api-resources", "--api-group=example.com")
    assert "No resources found" in kubectl("get", "wi")


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
