"""A rollout by hand: the kubectl on this machine against the live sandbox."""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from pod_programs import server

from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Images

pytestmark = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl on this machine")

Kubectl = Callable[..., str]


@pytest.fixture
def kubectl(tmp_path: Path) -> Iterator[Kubectl]:
    config = tmp_path / "kubeconfig"
    with Kubernetes(images=Images([server("web:1"), server("web:2")])) as kubernetes:
        config.write_text(kubernetes.kubeconfig())

        def run(*arguments: str, given: str = "") -> str:
            command = ["kubectl", "--kubeconfig", str(config), "--cache-dir", str(tmp_path / "cache"), *arguments]
            done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=30, check=False)
            assert done.returncode == 0, done.stderr
            return done.stdout

        yield run


def images_of_pods(kubectl: Kubectl) -> set[str]:
    return set(kubectl("get", "pods", "-o=jsonpath={.items[*].spec.containers[0].image}").split())


def test_apply_set_image_undo_scale_and_delete(kubectl, deployment, eventually):
    kubectl("apply", "-f", "-", given=yaml.safe_dump(deployment(replicas=2)))
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    assert kubectl("logs", "deployment/web").startswith("serving web:1")

    kubectl("set", "image", "deployment/web", "web=web:2")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    eventually(lambda: images_of_pods(kubectl) == {"web:2"})

    kubectl("rollout", "undo", "deployment/web")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    eventually(lambda: images_of_pods(kubectl) == {"web:1"})
    history = kubectl("rollout", "history", "deployment/web")
    assert [line.split()[0] for line in history.splitlines() if line[:1].isdigit()] == ["2", "3"]

    kubectl("rollout", "restart", "deployment/web")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kubectl("scale", "deployment/web", "--replicas=1")
    assert "successfully rolled out" in kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    kubectl("wait", "--for=condition=Available", "deployment/web", "--timeout=20s")
    described = kubectl("describe", "deployment", "web")
    assert "NewReplicaSetAvailable" in described
    assert "ScalingReplicaSet" in described

    kubectl("delete", "deployment", "web")
    eventually(lambda: kubectl("get", "pods,replicasets", "-o", "name") == "")


def test_a_rollout_to_an_image_that_does_not_exist_gets_stuck_and_is_reported(kubectl, deployment, eventually):
    stuck = deployment(image="web:9", replicas=1, progressDeadlineSeconds=1)
    kubectl("apply", "-f", "-", given=yaml.safe_dump(stuck))
    eventually(lambda: "ProgressDeadlineExceeded" in kubectl("describe", "deployment", "web"))
    with pytest.raises(AssertionError, match="exceeded its progress deadline"):
        kubectl("rollout", "status", "deployment/web", "--timeout=20s")
    assert re.search("ErrImagePull|ImagePullBackOff", kubectl("get", "pods"))
