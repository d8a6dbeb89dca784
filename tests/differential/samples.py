"""Objects that several scripts start from."""

from typing import Any

from tests.differential.player import Ask
from tests.differential.words import PODS, RUNS

WORKLOAD = {"name": {"kind": "Deployment", "namespace": "shop", "name": "checkout"}, "uid": "u"}
PROBE = {
    "name": "answers",
    "kind": "http",
    "settings": {"url": "http://x", "any": {"thing": 1}},
    "every": 0.1,
    "tolerate": {},
}
STEP = {"name": "one", "fault": "pod-kill", "settings": {}, "hold": 20, "recover": 15}
WORKFLOW = {"name": "w", "baseline": 1, "steadyState": [PROBE], "steps": [STEP]}


def run(name: str = "r", /, **spec: Any) -> dict[str, Any]:
    """A ChaosRun that is complete."""
    whole = {
        "workload": WORKLOAD,
        "version": "0123456789",
        "images": [{"container": "c", "digest": "sha256:1"}],
        "revision": "abc",
        "seed": "1",
        "deadline": "2030-01-01T00:00:00Z",
        "workflow": WORKFLOW,
    }
    return RUNS.object(name, spec={**whole, **spec})


def evict(name: str, /, query: dict[str, str] | None = None, **fields: Any) -> Ask:
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": name, "namespace": "${ns}"}}
    return PODS.create({**eviction, **fields}, name, "eviction", **(query or {}))


def pod(name: str, /, **fields: Any) -> dict[str, Any]:
    """A pod that becomes ready on both grounds."""
    spec = {"containers": [{"name": "web", "image": "web:1"}], "terminationGracePeriodSeconds": 0}
    return PODS.object(name, **{"spec": spec, **fields})
