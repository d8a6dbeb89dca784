"""A small application on either ground, and what shows whether a fault has left anything behind."""

import contextlib
import copy
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from kubernetes import config
from kubernetes.client import Configuration
from kubernetes.client.rest import RESTClientObject

from gate.cluster.api import Api, Carrier
from gate.cluster.workloads import Workloads
from gate.codec import Codec
from gate.errors import Futile, Temporary
from gate.faults import ACTS
from gate.faults.network.settings import SIDECAR
from gate.faults.rollout_restart import RESTARTED
from gate.faults.stress import MARK
from gate.faults.template import COPY
from gate.model import Step, Target, Undo, WorkloadKind, WorkloadName
from tests.builders import config_map, deployment, pod_template, service
from tests.faults.cases import BARE, NEEDS_A_NODE
from tests.grounds import GATE_IMAGE, Ground
from tests.waiting import pauses

Json = dict[str, Any]
T = TypeVar("T")
Eventually = Callable[[Callable[[], object]], None]
SECONDS = timedelta(seconds=1)
PODS = 3
PATIENCE = 30.0
"""Seconds; those of the engine."""
RECORD = Codec(Undo)

POLITE = ["sh", "-c", "trap exit TERM; sleep 1000d & wait"]
"""Ends when it is asked to, also as the first process of a container."""
TEMPLATE = pod_template(
    {
        "name": "main",
        "image": "web:1",
        "command": POLITE,
        "volumeMounts": [{"name": "settings", "mountPath": "/settings"}],
    },
    {"name": "beside", "image": "web:2", "volumeMounts": [{"name": "key", "mountPath": "/key"}]},
)
TEMPLATE["spec"] |= {
    "terminationGracePeriodSeconds": 1,
    "volumes": [
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "key", "projected": {"sources": [{"secret": {"name": "key"}}]}},
    ],
}


CALLER = """
import os, socket, sys, time
while True:
    try:
        with socket.create_connection((os.environ[sys.argv[1]], int(sys.argv[2])), timeout=5) as connection:
            connection.recv(1)
    except OSError:
        pass
    time.sleep(0.1)
"""
"""A program that connects again and again, to the host in a variable and a port."""


def proxied() -> list[Json]:
    """A fault proxy as a sidecar, on the address of its pod, and a program that goes through it. Its upstream is what
    answers there anyway, the proxy's own control API.
    """
    proxy = {
        "name": SIDECAR,
        "image": GATE_IMAGE.name,
        "args": ["proxy", "--add", "upstream $(POD_IP):8666 $(POD_IP):8474"],
        "readinessProbe": {"tcpSocket": {"port": 8474}, "periodSeconds": 1},
    }
    return [proxy, caller("POD_IP", 8666)]


def caller(host: str, port: int) -> Json:
    """A container with a program that connects to the host in that variable."""
    program = [sys.executable, "-E", "-S", "-B", "-c", CALLER, host, str(port)]
    return {"name": "caller", "image": "web:1", "command": program}


def bare(name: str = BARE) -> Json:
    """A container for whose commands there is no shell: a runtime looks for programs where its own PATH says."""
    command = ["/bin/sh", "-c", "trap exit TERM; /bin/sleep 1000d & wait"]
    return {"name": name, "image": "web:1", "command": command, "env": [{"name": "PATH", "value": "/nowhere"}]}


def step(fault: str, **settings: Any) -> Step:
    return Step(name="it breaks", fault=fault, settings=settings, hold=SECONDS, recover=SECONDS)


@dataclass(kw_only=True)
class Application:
    """A Deployment of three pods with a Service, a ConfigMap and a Secret, in a namespace of its own."""

    ground: Ground
    namespace: str
    eventually: Eventually
    api: Api = field(init=False)

    def __post_init__(self) -> None:
        self.api = self.ground.api

    @property
    def name(self) -> WorkloadName:
        return WorkloadName(kind=WorkloadKind.DEPLOYMENT, namespace=self.namespace, name="web")

    def create(self, settings: Mapping[str, Any] | None = None) -> None:
        """`settings`: of a fault; what that hits in copies alone is hit in what is labelled as one."""
        self.api.create("configmaps", self.namespace, config_map("settings", self.namespace, mode="calm"))
        secret = {"metadata": {"name": "key"}, "stringData": {"token": "old-secret"}}
        self.api.create("secrets", self.namespace, secret)
        self.api.create("services", self.namespace, service("web", self.namespace))
        body = deployment("web", self.namespace, template=copy.deepcopy(TEMPLATE), replicas=PODS)
        if (settings or {}).get("container") == BARE:
            body["spec"]["template"]["spec"]["containers"].append(bare())
        if (settings or {}).get("proxy"):
            body["spec"]["template"]["spec"]["containers"] += proxied()
        if (settings or {}).get("image") == GATE_IMAGE.name:
            body["spec"]["template"]["spec"]["containers"].append(caller("WEB_SERVICE_HOST", 8080))
        if (settings or {}).get("env"):
            for each in (body, body["spec"]["template"]):
                each["metadata"]["labels"] = {**(each["metadata"].get("labels") or {}), COPY: "web"}
        self.api.create("deployments", self.namespace, body)
        self.be_whole()

    def pods(self) -> Sequence[Target]:
        return self.pods_of(self.name)

    def pods_of(self, name: WorkloadName) -> Sequence[Target]:
        return Workloads(self.api).ready_pods(name)

    def be_whole(self) -> None:
        def whole() -> bool:
            """Asks for the pods only when the Deployment says that they are there."""
            return self.read("deployments", "web")["status"].get("readyReplicas") == PODS == len(self.pods())

        self.eventually(whole)

    def plan(self, fault: str, /, *, seed: str = "seed", by: Api | None = None, **settings: Any) -> list[Undo]:
        act, pods = step(fault, **settings), self.pods()
        return patiently(lambda: ACTS[fault].plan(act, self.name, pods, seed, by or self.api))

    def inject(self, undo: Undo) -> None:
        insisting(ACTS[undo.fault].inject, undo, self.api)

    def revert(self, undo: Undo) -> str:
        """From the record alone."""
        return insisting(ACTS[undo.fault].revert, from_record(undo), self.api)

    def feel(self, undo: Undo) -> None:
        """Wait until the fault is felt, as far as this ground lets it be."""
        if not (self.ground.is_real and undo.fault in NEEDS_A_NODE):
            self.eventually(lambda: is_felt(from_record(undo), self.api))

    def read(self, resource: str, name: str) -> Json:
        found = self.api.get(resource, self.namespace, name)
        assert found is not None, f"there is no {resource}/{name}"
        return found

    def change(self, resource: str, name: str, body: Json) -> None:
        self.api.patch(resource, self.namespace, name, body)

    def state(self) -> Json:
        """Everything that a fault could leave behind, without what is different for each new pod."""
        found = self.read("deployments", "web")
        (found["spec"]["template"]["metadata"].get("annotations") or {}).pop(RESTARTED, None)
        pods = [pod for pod in self.api.list("pods", self.namespace)[0] if "deletionTimestamp" not in pod["metadata"]]
        images = sorted(container["image"] for pod in pods for container in pod["spec"]["containers"])
        return {
            "programs": [] if self.ground.is_real else self.programs(),
            "workload": {**found["spec"], "template": _tidy(found["spec"]["template"])},
            "images": images,
            "deployments": self._names("deployments"),
            "services": self._selectors(),
            "config": self._data("configmaps"),
            "secrets": self._data("secrets"),
            "nodes": {
                node["metadata"]["name"]: (
                    node["spec"].get("unschedulable", False),
                    sorted(key for key in node["metadata"].get("annotations") or {} if "chaosgate" in key),
                )
                for node in self.api.list("nodes")[0]
            },
            **(
                {"autoscalers": self._autoscalers(), "policies": self._names("networkpolicies")}
                if self.ground.is_real
                else {}
            ),
        }

    def programs(self) -> list[str]:
        """What runs beside the containers' own processes; those of a sandbox are processes of this machine."""
        marks = [f"{MARK}{pod.uid}".encode() for pod in self.pods()]
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                line = path.read_bytes()
                found += [path.parent.name for mark in marks if mark in line]
        return found

    def _data(self, resource: str) -> Json:
        items, _ = self.api.list(resource, self.namespace)
        return {item["metadata"]["name"]: (item.get("data"), item["metadata"].get("annotations")) for item in items}

    def _names(self, resource: str) -> list[str]:
        return [item["metadata"]["name"] for item in self.api.list(resource, self.namespace)[0]]

    def _selectors(self) -> Json:
        items, _ = self.api.list("services", self.namespace)
        return {item["metadata"]["name"]: item["spec"].get("selector") for item in items}

    def _autoscalers(self) -> Json:
        items, _ = self.api.list("horizontalpodautoscalers", self.namespace)
        return {item["metadata"]["name"]: item["spec"] for item in items}


def _tidy(template: Json) -> Json:
    metadata = {key: value for key, value in template["metadata"].items() if value}
    return {"metadata": metadata, "spec": template["spec"]}


def is_felt(undo: Undo, api: Api) -> bool:
    """Whether it shows now. What cannot be told yet, or has failed, does not."""
    try:
        return bool(ACTS[undo.fault].prove(undo, api))
    except (Temporary, Futile):
        return False


def from_record(undo: Undo) -> Undo:
    """The undo as another process finds it in the cluster."""
    return RECORD.read(_without_null(json.loads(json.dumps(RECORD.write(undo)))), "undo")


def _without_null(value: Any) -> Any:
    """What a merge patch leaves of it."""
    if isinstance(value, dict):
        return {key: _without_null(each) for key, each in value.items() if each is not None}
    return value


@dataclass
class Between:
    """Stands between a client and its server, and is asked before and after each write."""

    carrier: Carrier
    before: Callable[[], None] = lambda: None
    after: Callable[[], None] = lambda: None

    def request(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str],
        timeout: urllib3.Timeout,
        retries: bool,
        preload_content: bool = True,
    ) -> urllib3.BaseHTTPResponse:
        if method != "GET":
            self.before()
        response = self.carrier.request(
            method,
            url,
            body,
            headers=headers,
            timeout=timeout,
            retries=retries,
            preload_content=preload_content,
        )
        if method != "GET":
            self.after()
        return response


def through(
    kubeconfig: Path, before: Callable[[], None] = lambda: None, after: Callable[[], None] = lambda: None
) -> Api:
    """The product's client of a ground, with somebody in between."""
    settings = Configuration()
    config.load_kube_config(str(kubeconfig), client_configuration=settings, persist_config=False)
    return Api(settings, Between(RESTClientObject(settings).pool_manager, before, after))


def insisting(act: Callable[[Undo, Api], T], undo: Undo, api: Api) -> T:
    return patiently(lambda: act(undo, api))


def patiently(act: Callable[[], T]) -> T:
    """Try as the engine does: again after an error that may pass."""
    end, pause = time.monotonic() + PATIENCE, pauses()
    while True:
        try:
            return act()
        except Temporary:
            assert time.monotonic() < end, "it never worked"
        time.sleep(next(pause))
