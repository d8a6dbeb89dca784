"""A hand on one namespace of a Kubernetes: makes objects, changes them, and waits for what the controllers answer."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.grounds import Ground
from tests.waiting import pauses

Object = dict[str, Any]

PATIENCE = 30.0
"""Seconds after which something that did not come is a failure."""

PATHS = {
    "pods": "/api/v1",
    "services": "/api/v1",
    "endpoints": "/api/v1",
    "deployments": "/apis/apps/v1",
    "replicasets": "/apis/apps/v1",
    "statefulsets": "/apis/apps/v1",
    "daemonsets": "/apis/apps/v1",
    "controllerrevisions": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
    "endpointslices": "/apis/discovery.k8s.io/v1",
}

_MERGE = "application/merge-patch+json"


@dataclass(frozen=True, kw_only=True)
class Play:
    ground: Ground
    namespace: str

    def path(self, plural: str, name: str = "") -> str:
        return f"{PATHS[plural]}/namespaces/{self.namespace}/{plural}" + (f"/{name}" if name else "")

    def make(self, plural: str, obj: Object) -> Object:
        answer = self.ground.ask("POST", self.path(plural), obj)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def change(self, plural: str, name: str, changes: Object) -> Object:
        """A merge patch; to the status, if that is all it speaks of."""
        path = self.path(plural, name) + ("/status" if changes.keys() == {"status"} else "")
        answer = self.ground.ask("PATCH", path, changes, media=_MERGE)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def delete(self, plural: str, name: str) -> None:
        answer = self.ground.ask("DELETE", self.path(plural, name))
        assert answer.status_code in (200, 202), answer.text

    def get(self, plural: str, name: str) -> Object:
        answer = self.ground.ask("GET", self.path(plural, name))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def all(self, plural: str) -> list[Object]:
        """Every object of the kind; the items of a list do not say their kind."""
        answer = self.ground.ask("GET", self.path(plural))
        assert answer.status_code == 200, answer.text
        return list(answer.json()["items"])

    def until(self, holds: Callable[[], object]) -> None:
        """Ask again and again until the answer is true."""
        deadline, pause = time.monotonic() + PATIENCE, pauses()
        while not holds():
            assert time.monotonic() < deadline, f"{holds} did not come to hold in {self.namespace}"
            time.sleep(next(pause))

    def until_deployment(self, holds: Callable[[Object], object], name: str = "web") -> None:
        """Until this holds of the Deployment, and its controllers have said all that they have to say."""

        def question() -> bool:
            deployment = self.get("deployments", name)
            return bool(holds(deployment)) and _is_told(deployment, self.all("replicasets"), self.all("pods"))

        self.until(question)


def _is_told(deployment: Object, replica_sets: list[Object], pods: list[Object]) -> bool:
    """Each status agrees with what is below it, and nothing is on its way out."""
    status = deployment.get("status", {})
    sums = {
        field: sum(each["status"].get(field, 0) for each in replica_sets)
        for field in ("replicas", "readyReplicas", "availableReplicas")
    }
    return (
        status.get("observedGeneration") == deployment["metadata"]["generation"]
        and all(status.get(field, 0) == count for field, count in sums.items())
        and all(_has_its_size(each) for each in replica_sets)
        and len(pods) == sums["replicas"]
        and all(pod["status"].get("podIP") and "deletionTimestamp" not in pod["metadata"] for pod in pods)
    )


def _has_its_size(replica_set: Object) -> bool:
    status = replica_set["status"]
    return (
        status.get("observedGeneration") == replica_set["metadata"]["generation"]
        and status["replicas"] == replica_set["spec"]["replicas"]
    )
