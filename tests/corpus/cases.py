"""The cases of the corpus: small services, each sound in one variant and weak in the other, and what they suffer."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from gate.faults.network.settings import SIDECAR
from gate.model import Verdict
from gate.sandbox.kubernetes.runtime.images import Image

Json = dict[str, Any]

SERVICES = Path(__file__).parent / "services"
VARIANTS = ("good", "bad")
SERVICE, DEPENDENCY = "service", "dependency"
PORT = 8080
BASELINE = "3s"
SETTLE = "4s"
"""Some services answer badly at first, whatever their readiness says."""
STRICT = 0.05
"""Where so few answers may be bad, `p95` can say how slow the others may be: it takes a bad answer for a slow one."""
REPLACEMENT = 3.0
"""Seconds for one pod after the other to be replaced: the corpus counts from the end of a rolling restart."""

ON_THE_WIRE = {"blackout": "network-hang"}
"""The corpus's name of a fault -> ours, for those that a proxy beside the service does to what it sends."""
FAULTS = {"pod-kill": "pod-kill", "rolling-restart": "rollout-restart", "scale-zero": "scale-to-zero"} | ON_THE_WIRE
"""The same for all of them."""
PROXY_IMAGE, PROXY_PORT, CONTROL_PORT = "fault-proxy:1", 8666, 8474


@dataclass(frozen=True, slots=True)
class Case:
    """One `case.json`."""

    said: Json

    @property
    def name(self) -> str:
        return str(self.said["name"])

    @property
    def is_on_the_wire(self) -> bool:
        """It needs a proxy between the service and its dependency."""
        return self.said["fault"]["kind"] in ON_THE_WIRE

    @property
    def is_playable(self) -> bool:
        """There is such a fault."""
        return self.said["fault"]["kind"] in FAULTS

    def truth(self, variant: str) -> Verdict:
        return Verdict(self.said["expect"][variant])

    def namespace(self, variant: str) -> str:
        return f"{self.name}-{variant}"

    def images(self) -> list[Image]:
        # -E and -S: an image brings its own libraries, it does not look at those of the machine.
        parts = [
            Image(
                name=f"{self.name}-{part}:1",
                argv=(sys.executable, "-E", "-S", "-B", str(SERVICES / self.name / f"{part}.py")),
                files=(SERVICES / self.name / f"{part}.py",),
            )
            for part in self._parts()
        ]
        proxy = Image(name=PROXY_IMAGE, argv=(str(Path(sys.executable).parent / "chaos-gate"), "proxy"))
        return [*parts, proxy] if self.is_on_the_wire else parts

    def manifests(self, variant: str) -> list[Json]:
        """The service and its dependency in a namespace of their own."""
        namespace = self.namespace(variant)
        labels = {"chaosgate.dev/chaos": "allowed"}
        made: list[Json] = [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": labels}}
        ]
        for part, replicas in sorted(self._parts().items()):  # the dependency first: the service knows its address
            made += [_service(part, namespace), self._deployment(part, namespace, replicas, variant)]
        return made

    def workflow(self) -> Json:
        """What `case.json` says, as an author would write it. The probe asks as often as the load: it is the load."""
        steady, load = self.said["steady_state"], self.said["load"]
        url = f"http://{SERVICE}.${{workload.namespace}}:{PORT}"
        tolerate = {"failures": f"{steady['max_failure_ratio'] * 100:g}%", "streak": _time(steady["max_streak_s"])}
        slow = _time(steady["p95_ms"] / 1000)
        strict = steady["max_failure_ratio"] <= STRICT
        probe = {
            "name": "customers are served",
            "http": {"url": url + load["path"], "timeout": _time(load["timeout_ms"] / 1000)},
            "every": _time(1 / load["rate_per_s"]),
            "expect": {"status": ["2xx", "3xx"]} | ({} if strict else {"latency": slow}),
            "tolerate": tolerate | ({"p95": slow} if strict else {}),
        }
        spec = {"baseline": BASELINE, "steadyState": [probe], "steps": [self._step()]}
        return _document("Workflow", self.name, spec)

    def subscription(self, variant: str) -> Json:
        workload = {"kind": "Deployment", "namespace": self.namespace(variant), "name": SERVICE}
        spec = {
            "workload": workload,
            "environment": "staging",
            "workflows": [{"name": self.name}],
            "settle": SETTLE,
            "onSubscribe": "run",
        }
        return _document("Subscription", self.namespace(variant), spec)

    def _step(self) -> Json:
        fault = self.said["fault"]
        step: Json = {"name": f"{fault['kind']} of the {fault['target']}", "fault": FAULTS[fault["kind"]]}
        if self.is_on_the_wire:  # nobody of the service shall reach the dependency
            step["with"] = {"proxy": DEPENDENCY, "percent": "100%"}
        elif fault["target"] == DEPENDENCY:
            step["target"] = {"kind": "Deployment", "name": DEPENDENCY}
        if fault["kind"] == "pod-kill":
            step["with"] = {"count": fault["count"], "sequence": "one-by-one", "every": _time(fault["every_s"])}
        hold = self.said["hold_s"]
        if fault["kind"] == "rolling-restart":
            hold += REPLACEMENT * self.said["replicas"]
        return {**step, "hold": _time(hold), "recover": _time(self.said["recover_s"])}

    def _parts(self) -> Mapping[str, int]:
        """Which deployments there are, with how many replicas."""
        parts = {SERVICE: self.said["replicas"], DEPENDENCY: self.said["dependency_replicas"]}
        return {part: replicas for part, replicas in parts.items() if replicas}

    def _deployment(self, part: str, namespace: str, replicas: int, variant: str) -> Json:
        variables = {"VARIANT": variant, "PORT": str(PORT)}
        if part == SERVICE and DEPENDENCY in self._parts():
            variables |= {"UPSTREAM_HOST": "$(DEPENDENCY_SERVICE_HOST)", "UPSTREAM_PORT": str(PORT)}
        if part == SERVICE and self.is_on_the_wire:
            variables |= {"UPSTREAM_HOST": "$(POD_IP)", "UPSTREAM_PORT": str(PROXY_PORT)}
        container = {
            "name": part,
            "image": f"{self.name}-{part}:1",
            "env": [{"name": name, "value": value} for name, value in variables.items()],
            "ports": [{"containerPort": PORT}],
            "readinessProbe": {"httpGet": {"path": "/readyz", "port": PORT}, "periodSeconds": 1},
            "livenessProbe": {"httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 5},
        }
        containers = [container, _proxy()] if part == SERVICE and self.is_on_the_wire else [container]
        spec = {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": part}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {"metadata": {"labels": {"app": part}}, "spec": {"containers": containers}},
        }
        metadata = {"name": part, "namespace": namespace}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def cases() -> dict[str, Case]:
    """All cases by their names."""
    found = [Case(json.loads(path.read_text())) for path in sorted(SERVICES.glob("*/case.json"))]
    return {case.name: case for case in found}


def _service(part: str, namespace: str) -> Json:
    spec = {"selector": {"app": part}, "ports": [{"port": PORT, "targetPort": PORT}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": part, "namespace": namespace}, "spec": spec}


def _proxy() -> Json:
    """The fault proxy beside the service, on the address of their pod."""
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    variables = {"PATH": path, "CHAOS_GATE_PROXY_CONTROL": f"$(POD_IP):{CONTROL_PORT}"}
    return {
        "name": SIDECAR,
        "image": PROXY_IMAGE,
        "args": ["--add", f"{DEPENDENCY} $(POD_IP):{PROXY_PORT} $(DEPENDENCY_SERVICE_HOST):{PORT}"],
        "env": [{"name": name, "value": value} for name, value in variables.items()],
        "readinessProbe": {"tcpSocket": {"port": CONTROL_PORT}, "periodSeconds": 1},
    }


def _document(kind: str, name: str, spec: Json) -> Json:
    return {"apiVersion": "chaosgate.dev/v1alpha1", "kind": kind, "metadata": {"name": name}, "spec": spec}


def _time(seconds: float) -> str:
    return f"{round(timedelta(seconds=seconds).total_seconds() * 1000)}ms"
