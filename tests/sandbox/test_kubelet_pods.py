"""Pods are processes: they start, answer, crash, come back and go as Kubernetes says."""

import contextlib
import itertools
import re
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from pod_programs import SERVER, is_alive, python, server

from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.language.errors import NotFound
from gate.sandbox.kubernetes.registry.resources import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    EVENTS,
    NODES,
    PODS,
    SECRETS,
    SERVICES,
)
from gate.sandbox.kubernetes.runtime.images import Image, Images
from gate.sandbox.kubernetes.store.lifecycle import Deletion

QUICK = {"periodSeconds": 1}


def fetch(address: str, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://{address}:8080{path}", timeout=5) as answer:
        return answer.read().decode()


class Sandbox:
    """A live cluster, and what tests ask and do in it."""

    def __init__(self, kubernetes: Kubernetes, images: Images, eventually) -> None:
        self.store = kubernetes.store
        self.images = images
        self.url, self.token = kubernetes.url, kubernetes.token
        self.eventually = eventually

    def run(self, image: str, *, name: str = "one", grace: int = 30, policy: str = "Always", **container) -> str:
        """Create a pod of one container; its name."""
        pod = {
            "metadata": {"name": name, "namespace": "default", "labels": {"app": "web"}},
            "spec": {
                "containers": [{"name": "main", "image": image, **container}],
                "terminationGracePeriodSeconds": grace,
                "restartPolicy": policy,
            },
        }
        return self.store.create(PODS, pod)["metadata"]["name"]

    def pod(self, name: str = "one"):
        return self.store.get(PODS, "default", name)

    def container(self, name: str = "one"):
        return self.pod(name)["status"]["containerStatuses"][0]

    def is_ready(self, name: str = "one") -> bool:
        conditions = {each["type"]: each["status"] for each in self.pod(name)["status"].get("conditions", ())}
        return conditions.get("Ready") == "True"

    def serving(self, name: str = "one") -> str:
        """The address of the pod, once it answers."""
        self.eventually(lambda: self.is_ready(name))
        address = self.pod(name)["status"]["podIP"]
        self.eventually(lambda: fetch(address))
        return address

    def log(self, query: str = "", name: str = "one") -> str:
        url = f"{self.url}/api/v1/namespaces/default/pods/{name}/log?{query}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request) as answer:
            return answer.read().decode()

    def is_gone(self, name: str = "one") -> bool:
        try:
            self.pod(name)
        except NotFound:
            return True
        return False

    def set_image(self, image: str, name: str = "one") -> None:
        def change(pod):
            main = pod["spec"]["containers"][0] | {"image": image}
            return pod | {"spec": pod["spec"] | {"containers": [main]}}

        self.store.patch(PODS, "default", name, change)

    def reasons(self) -> set[str]:
        return {event["reason"] for event in self.store.list(EVENTS)[0]}

    def messages(self, reason: str) -> set[str]:
        return {event["message"] for event in self.store.list(EVENTS)[0] if event["reason"] == reason}


@pytest.fixture
def sandbox(eventually) -> Iterator[Sandbox]:
    images = Images([server("web:1"), server("web:2"), server("late:1", "late:1", "unready")])
    images.set(server("stubborn:1", "stubborn:1", "stubborn"))
    images.set(Image(name="crashing:1", argv=python("print('oops', flush=True); raise SystemExit(7)")))
    images.set(Image(name="job:1", argv=python("print('done')")))
    images.set(Image(name="missing-program:1", argv=("/no/such/program",)))
    with Kubernetes(images=images) as kubernetes:
        yield Sandbox(kubernetes, images, eventually)


def test_a_pod_answers_on_its_own_address_in_the_sandbox(sandbox):
    addresses = [sandbox.serving(sandbox.run("web:1", name=name)) for name in ("one", "two")]
    assert len(set(addresses)) == 2
    for address in addresses:
        assert re.fullmatch(r"127\.\d+\.\d+\.\d+", address)
        assert fetch(address) == "web:1"
    assert sandbox.store.get(NODES, "", "sandbox")["status"]["conditions"][0]["status"] == "True"


def test_the_status_tells_what_runs_by_digest(sandbox):
    sandbox.run("web:1")
    sandbox.serving()
    pod, container = sandbox.pod(), sandbox.container()
    assert pod["status"]["phase"] == "Running"
    assert container["image"] == "docker.io/library/web:1"
    assert re.fullmatch(r"docker\.io/library/web@sha256:[0-9a-f]{64}", container["imageID"])
    assert container["containerID"].startswith("containerd://")
    assert (container["ready"], container["started"], container["restartCount"]) == (True, True, 0)
    assert "startedAt" in container["state"]["running"]
    kinds = {"PodReadyToStartContainers", "PodScheduled", "Initialized", "ContainersReady", "Ready"}
    assert {each["type"] for each in pod["status"]["conditions"]} == kinds


def test_the_environment_is_what_the_pod_says_and_nothing_of_ours(sandbox, service, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_PARENT", "hidden")
    sandbox.store.create(SERVICES, service)
    sandbox.store.create(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "default"}, "data": {"k": "configured"}})
    sandbox.store.create(SECRETS, {"metadata": {"name": "s", "namespace": "default"}, "data": {"k": "c2VjcmV0"}})
    address = sandbox.serving(
        sandbox.run(
            "web:1",
            env=[
                {"name": "PLAIN", "value": "plain"},
                {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "CONFIG", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "k"}}},
                {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
                {"name": "COMPOSED", "value": "$(PLAIN) at $(ADDRESS)"},
            ],
        )
    )
    cluster_ip = sandbox.store.get(SERVICES, "default", "web")["spec"]["clusterIP"]
    expected = {
        "PLAIN": "plain",
        "NAME": "one",
        "ADDRESS": address,
        "POD_IP": address,
        "CONFIG": "configured",
        "PASSWORD": "secret",
        "COMPOSED": f"plain at {address}",
        "WEB_SERVICE_HOST": cluster_ip,
        "WEB_SERVICE_PORT": "8080",
        "WEB_SERVICE_PORT_HTTP": "8080",
        "SECRET_OF_THE_PARENT": "",
    }
    assert {name: fetch(address, f"/env/{name}") for name in expected} == expected


def test_a_missing_config_map_is_waited_for(sandbox, eventually):
    source = {"configMapKeyRef": {"name": "c", "key": "k"}}
    sandbox.run("web:1", env=[{"name": "CONFIG", "valueFrom": source}])
    waiting = eventually(lambda: sandbox.container()["state"]["waiting"]["message"] and sandbox.container()["state"])
    assert waiting["waiting"] == {"reason": "CreateContainerConfigError", "message": 'configmap "c" not found'}
    sandbox.store.create(CONFIG_MAPS, {"metadata": {"name": "c", "namespace": "default"}, "data": {"k": "v"}})
    assert fetch(sandbox.serving(), "/env/CONFIG") == "v"


def test_an_unknown_image_is_a_pull_error_that_backs_off(sandbox, eventually):
    sandbox.run("nobody/knows:1")
    reasons = set()

    def seen():
        reasons.add(sandbox.container()["state"]["waiting"]["reason"])
        return reasons >= {"ErrImagePull", "ImagePullBackOff"}

    eventually(seen)
    assert sandbox.pod()["status"]["phase"] == "Pending"


def test_the_same_tag_with_new_content_has_a_new_digest(sandbox):
    sandbox.run("web:1", name="before")
    sandbox.serving("before")
    sandbox.images.set(server("web:1", "web:1, other content"))
    sandbox.run("web:1", name="after")
    assert fetch(sandbox.serving("after")) == "web:1, other content"
    assert sandbox.container("before")["imageID"] != sandbox.container("after")["imageID"]


def test_a_pod_is_ready_when_its_readiness_probe_says_so(sandbox, eventually):
    sandbox.run("late:1", readinessProbe={"httpGet": {"path": "/readyz", "port": 8080}, **QUICK, "failureThreshold": 1})
    address = eventually(lambda: sandbox.pod()["status"]["podIP"])
    eventually(lambda: fetch(address, "/") == "late:1")
    assert not sandbox.is_ready()
    fetch(address, "/ready")
    eventually(sandbox.is_ready)
    fetch(address, "/unready")
    eventually(lambda: not sandbox.is_ready())
    assert sandbox.container()["restartCount"] == 0


def test_a_crash_restarts_the_container_and_is_remembered(sandbox, eventually):
    sandbox.run("web:1")
    address = sandbox.serving()
    with contextlib.suppress(OSError, urllib.error.URLError):
        fetch(address, "/crash")
    eventually(lambda: sandbox.container()["restartCount"] == 1 and fetch(address))
    last = sandbox.container()["lastState"]["terminated"]
    assert (last["exitCode"], last["reason"]) == (3, "Error")
    assert "crashing" in sandbox.log("previous=true")
    assert "crashing" not in sandbox.log()


def test_a_container_that_keeps_crashing_backs_off(sandbox, eventually):
    sandbox.run("crashing:1")
    waiting = eventually(
        lambda: (
            sandbox.container()["state"].get("waiting", {}).get("reason") == "CrashLoopBackOff" and sandbox.container()
        )
    )
    assert waiting["restartCount"] == 1
    assert waiting["lastState"]["terminated"]["exitCode"] == 7
    assert waiting["state"]["waiting"]["message"].startswith("back-off 10s restarting failed container=main pod=one_")
    assert sandbox.pod()["status"]["phase"] == "Running"


def test_a_program_that_does_not_exist_is_a_start_error(sandbox, eventually):
    sandbox.run("missing-program:1", policy="Never")
    eventually(lambda: sandbox.pod()["status"]["phase"] == "Failed")
    assert sandbox.container()["state"]["terminated"]["reason"] == "StartError"


def test_a_pod_that_is_not_to_restart_ends(sandbox, eventually):
    sandbox.run("job:1", policy="Never")
    eventually(lambda: sandbox.pod()["status"]["phase"] == "Succeeded")
    assert sandbox.container()["state"]["terminated"]["reason"] == "Completed"
    assert sandbox.log() == "done\n"


def test_a_failing_liveness_probe_restarts_the_container(sandbox, eventually):
    probe = {"httpGet": {"path": "/readyz", "port": 8080}, **QUICK, "failureThreshold": 1, "initialDelaySeconds": 1}
    sandbox.run("web:1", livenessProbe=probe)
    fetch(sandbox.serving(), "/unready")
    eventually(lambda: sandbox.container()["restartCount"] == 1)
    assert {"Unhealthy", "Killing"} <= sandbox.reasons()


def test_other_probes_wait_for_the_startup_probe_and_may_be_commands(sandbox, eventually):
    startup = {"tcpSocket": {"port": 8080}, **QUICK}
    exec_probe = {"exec": {"command": list(python("import os; raise SystemExit(os.environ['POD_IP'] == '')"))}, **QUICK}
    sandbox.run("web:1", startupProbe=startup, readinessProbe=exec_probe)
    eventually(lambda: sandbox.container()["started"] is False)
    eventually(sandbox.is_ready)
    assert sandbox.container()["started"] is True


def test_deleting_a_pod_lets_its_process_say_goodbye(sandbox, eventually):
    sandbox.run("web:1")
    address = sandbox.serving()
    with sandbox.store.subscribe([PODS]) as watch:
        sandbox.store.delete(PODS, "default", "one")
        eventually(sandbox.is_gone)
        last = [change.object for change in iter(lambda: watch.next(0.0), None)][-1]
    assert last["status"]["containerStatuses"][0]["state"]["terminated"]["exitCode"] == 0
    with pytest.raises(OSError, match="refused"):
        fetch(address)


def test_a_process_that_does_not_end_in_its_grace_period_is_killed(sandbox, eventually):
    sandbox.run("stubborn:1", grace=1)
    address = sandbox.serving()
    sandbox.store.delete(PODS, "default", "one")
    eventually(lambda: "not yet" in sandbox.log())
    assert fetch(address) == "stubborn:1"
    eventually(sandbox.is_gone)
    with pytest.raises(OSError, match="refused"):
        fetch(address)


def test_deleting_without_grace_removes_the_pod_at_once_and_kills_it(sandbox, eventually):
    sandbox.run("stubborn:1")
    address = sandbox.serving()
    sandbox.store.delete(PODS, "default", "one", Deletion(grace=0))
    assert sandbox.is_gone()

    def refused():
        try:
            fetch(address)
        except urllib.error.URLError:
            return True
        return False

    eventually(refused)


def test_a_pod_of_the_same_name_is_another_pod(sandbox, eventually):
    sandbox.run("web:1")
    before = sandbox.serving()
    sandbox.store.delete(PODS, "default", "one", Deletion(grace=0))
    sandbox.run("web:2")
    address = eventually(lambda: sandbox.pod()["status"].get("podIP"))
    assert address != before
    eventually(lambda: fetch(address) == "web:2")


def test_logs_can_be_cut_and_followed_to_the_end(sandbox, eventually):
    lines = "import time\nfor n in range(5): print(n, flush=True); time.sleep(0.05)"
    sandbox.images.set(Image(name="counting:1", argv=python(lines)))
    sandbox.run("counting:1", policy="Never")
    eventually(lambda: "running" in sandbox.container()["state"])
    assert sandbox.log("follow=true") == "0\n1\n2\n3\n4\n"
    assert sandbox.log("tailLines=2") == "3\n4\n"
    assert sandbox.log("limitBytes=3") == "0\n1"


def test_a_service_follows_the_pods_that_are_ready(sandbox, deployment, service, eventually):
    probe = {"httpGet": {"path": "/readyz", "port": 8080}, **QUICK, "failureThreshold": 1}
    sandbox.store.create(SERVICES, service)
    sandbox.store.create(DEPLOYMENTS, deployment(replicas=2, container={"readinessProbe": probe}))
    address = sandbox.store.get(SERVICES, "default", "web")["spec"]["clusterIP"]
    with pytest.raises(urllib.error.URLError, match="refused"):
        fetch(address)

    def answering():
        return {fetch(address, "/env/HOSTNAME") for _ in range(4)}

    one, _ = sorted(eventually(lambda: len(answering()) == 2 and answering()))
    sandbox.store.delete(PODS, "default", one, Deletion(grace=0))
    eventually(lambda: one not in answering() and len(answering()) == 2)


def test_a_connection_through_a_service_breaks_when_its_pod_is_killed(sandbox, service, eventually):
    sandbox.store.create(SERVICES, service)
    sandbox.run("web:1")
    sandbox.serving()
    address = sandbox.store.get(SERVICES, "default", "web")["spec"]["clusterIP"]
    eventually(lambda: fetch(address))
    with socket.create_connection((address, 8080), timeout=5) as connection:
        sandbox.store.delete(PODS, "default", "one", Deletion(grace=0))
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_nothing_is_written_once_all_is_as_it_should_be(sandbox, deployment, service, eventually):
    sandbox.store.create(SERVICES, service)
    sandbox.store.create(DEPLOYMENTS, deployment(replicas=2))
    eventually(lambda: sandbox.store.get(DEPLOYMENTS, "default", "web")["status"].get("availableReplicas") == 2)
    with sandbox.store.subscribe() as watch:
        quiet = list(itertools.islice(iter(lambda: watch.next(0.5), None), 50))
    assert len(quiet) < 10


LIVE_SANDBOX = """
import signal, sys, time
from gate.sandbox.kubernetes.cluster import Kubernetes
from gate.sandbox.kubernetes.runtime.images import Image, Images
from gate.sandbox.kubernetes.registry.resources import PODS
argv = (sys.executable, "-I", "-S", "-c", sys.argv[1], "web:1")
with Kubernetes(images=Images([Image(name="web:1", argv=argv)])) as kubernetes:
    spec = {"containers": [{"name": "main", "image": "web:1"}]}
    kubernetes.store.create(PODS, {"metadata": {"name": "one", "namespace": "default"}, "spec": spec})
    while "running" not in str(kubernetes.store.get(PODS, "default", "one")["status"].get("containerStatuses")):
        time.sleep(0.01)
    print(kubernetes.store.get(PODS, "default", "one")["status"]["podIP"], flush=True)
    signal.pause()
"""


def test_pods_die_with_a_sandbox_that_is_killed(eventually):
    command = [sys.executable, "-c", LIVE_SANDBOX, SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        address = child.stdout.readline().strip()
        eventually(lambda: fetch(address) == "web:1")
        pod = next(int(each.name) for each in Path("/proc").glob("[0-9]*") if serves(each, address))
        child.kill()
    eventually(lambda: not is_alive(pod))


def serves(process: Path, address: str) -> bool:
    try:
        return f"HOST={address}".encode() in (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False


def test_a_container_whose_image_is_changed_runs_the_other_one_in_the_same_pod(sandbox):
    address, before = sandbox.serving(sandbox.run("web:1")), sandbox.container()
    sandbox.set_image("web:2")
    sandbox.eventually(lambda: sandbox.container()["containerID"] != before["containerID"] and sandbox.is_ready())
    assert sandbox.serving() == address
    assert sandbox.container()["image"] == "docker.io/library/web:2"
    assert sandbox.container()["restartCount"] == 1
    assert "Container main definition changed, will be restarted" in sandbox.messages("Killing")


def test_an_image_that_cannot_be_pulled_ends_a_running_container_and_the_right_one_brings_it_back_at_once(sandbox):
    sandbox.serving(sandbox.run("web:1"))
    sandbox.set_image("nowhere:1")
    sandbox.eventually(lambda: sandbox.container()["state"].get("waiting", {}).get("reason") == "ErrImagePull")
    assert not sandbox.is_ready()
    sandbox.set_image("web:1")
    sandbox.serving()
