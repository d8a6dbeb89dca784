"""Rollouts that lack nothing but the last status, so that the event that completes one is a single write.

For one rollout, controllers, scheduler and kwok write some twenty-five times: on two cores a control plane is at its
end with some fifteen rollouts a second, gate or no gate, and what is measured then is how long its queues are. So the
controllers rest meanwhile, and what they would have written is written here, in their order.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bench.observer import session_of
from tests.grounds import Ground

WRITERS = 8
NODE, HASH = "node-0", "pod-template-hash"
STRATEGIC, MERGE = "application/strategic-merge-patch+json", "application/merge-patch+json"
Json = dict[str, Any]
Name = tuple[str, str]
"""Namespace and name of a Deployment."""


class Staged:
    """Deployments of one replica whose controllers rest."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._generations: dict[Name, int] = {}

    def prepare(self, names: Iterable[Name], image: str) -> None:
        """Have them roll out the image: the pod is there, kwok has it running, and their status does not say so yet."""
        with ThreadPoolExecutor(WRITERS) as writers:
            list(writers.map(lambda name: self._prepare(*name, image), names))

    def complete(self, name: Name) -> None:
        """Say that the rollout has ended."""
        self._count(name, 1)

    def _prepare(self, namespace: str, name: str, image: str) -> None:
        core, apps = f"/api/v1/namespaces/{namespace}", f"/apis/apps/v1/namespaces/{namespace}"
        patch = {"spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}}}
        made = self._ask("PATCH", f"{apps}/deployments/{name}", patch, media=STRATEGIC)
        self._generations[namespace, name] = made["metadata"]["generation"]
        self._count((namespace, name), 0)
        for old in self._ask("GET", f"{apps}/replicasets?labelSelector=app%3D{name}")["items"]:
            self._ask("PATCH", f"{apps}/replicasets/{old['metadata']['name']}", {"spec": {"replicas": 0}})
        for old in self._ask("GET", f"{core}/pods?labelSelector=app%3D{name}")["items"]:
            self._ask("DELETE", f"{core}/pods/{old['metadata']['name']}", {"gracePeriodSeconds": 0})
        revision = self._ask("POST", f"{apps}/replicasets", _revision(made))
        self._ask("POST", f"{core}/pods", _pod(revision))

    def _count(self, name: Name, updated: int) -> None:
        """The status that says that so many replicas are updated and available, of the newest specification."""
        path = f"/apis/apps/v1/namespaces/{name[0]}/deployments/{name[1]}/status"
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), updated)
        status = {"observedGeneration": self._generations[name], **counts, "unavailableReplicas": 1 - updated}
        self._ask("PATCH", path, {"status": status})

    def _ask(self, method: str, path: str, body: Json | None = None, *, media: str = MERGE) -> Json:
        headers = {"Content-Type": "application/json" if method in {"POST", "DELETE"} else media}
        answer = session_of(self._ground).request(
            method, self._ground.url + path, json=body, headers=headers, timeout=60
        )
        answer.raise_for_status()
        said: Json = answer.json()
        return said


def _revision(deployment: Json) -> Json:
    """A ReplicaSet as the Deployment's controller makes it."""
    metadata, spec = deployment["metadata"], deployment["spec"]
    key = str(metadata["generation"])
    labels = {**spec["template"]["metadata"]["labels"], HASH: key}
    template = {"metadata": {"labels": labels}, "spec": spec["template"]["spec"]}
    return {
        "metadata": {
            "name": f"{metadata['name']}-staged-{key}",
            "labels": labels,
            "ownerReferences": [_owner("apps/v1", "Deployment", deployment)],
        },
        "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
    }


def _pod(revision: Json) -> Json:
    """A pod as the ReplicaSet's controller makes it and the scheduler binds it."""
    metadata, template = revision["metadata"], revision["spec"]["template"]
    return {
        "metadata": {
            "name": f"{metadata['name']}-pod",
            "labels": template["metadata"]["labels"],
            "ownerReferences": [_owner("apps/v1", "ReplicaSet", revision)],
        },
        "spec": {**template["spec"], "nodeName": NODE},
    }


def _owner(group: str, kind: str, item: Json) -> Json:
    metadata = item["metadata"]
    return {
        "apiVersion": group,
        "kind": kind,
        "name": metadata["name"],
        "uid": metadata["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
