"""Both grounds stand, and are gone afterwards."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import deployment, pod_template
from tests.grounds import IMAGES, Ground


def _web(image: str, **annotations: str) -> dict[str, object]:
    made = deployment(template=pod_template(image=image, **annotations), replicas=2)
    return {**made, "metadata": {"name": "web"}}


def test_a_deployment_rolls_out_on_both_grounds(
    cluster: Ground, namespace: str, eventually: Callable[[Callable[[], object]], None]
) -> None:
    made = cluster.ask("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", _web(IMAGES[0]))
    assert made.status_code == 201, made.text
    path = f"/apis/apps/v1/namespaces/{namespace}/deployments/web"
    eventually(lambda: cluster.ask("GET", path).json()["status"].get("availableReplicas") == 2)
    pods = cluster.ask("GET", f"/api/v1/namespaces/{namespace}/pods").json()["items"]
    (digest,) = {pod["status"]["containerStatuses"][0]["imageID"].rpartition("@")[2] for pod in pods}
    assert digest.startswith("sha256:")


@pytest.mark.cluster
@pytest.mark.parametrize("wish", ["never-ready", "never-starts", "crashes"])
def test_pods_of_the_control_plane_fail_as_their_annotation_says(
    real: Ground, wish: str, eventually: Callable[[Callable[[], object]], None]
) -> None:
    namespace = f"fails-{wish}"
    real.ask("POST", "/api/v1/namespaces", {"metadata": {"name": namespace}})
    real.ask("POST", f"/apis/apps/v1/namespaces/{namespace}/deployments", _web("any", **{"chaosgate.dev/pod": wish}))

    def states() -> list[object]:
        pods = real.ask("GET", f"/api/v1/namespaces/{namespace}/pods").json()["items"]
        return [pod["status"]["containerStatuses"][0]["ready"] for pod in pods if "containerStatuses" in pod["status"]]

    eventually(lambda: states() == [False, False])


@pytest.mark.cluster
def test_nothing_of_a_control_plane_outlives_the_process_that_started_it(
    tmp_path: Path, eventually: Callable[[Callable[[], object]], None]
) -> None:
    program = (
        "import pathlib, sys, signal\n"
        "from tests.control_plane.running import ControlPlane\n"
        f"with ControlPlane(pathlib.Path({str(tmp_path)!r}), nodes=1):\n"
        "    print('stands', flush=True)\n"
        "    signal.pause()\n"
    )
    root = Path(__file__).parent.parent
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "stands\n"
        children = Path(f"/proc/{owner.pid}/task/{owner.pid}/children").read_text().split()
        assert len(children) == 5
        os.kill(owner.pid, signal.SIGKILL)
    eventually(lambda: not any(_lives(child) for child in children))


def _lives(pid: str) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
