"""Reads workloads as they are now. Nothing is cached: a decision is never made on what used to be."""

from collections.abc import Sequence

from gate.cluster.api import Api, Json
from gate.cluster.deployments import Deployed, is_ready, pods_by_revision, rollout_of, target_of
from gate.model import Rollout, Target, Workload, WorkloadName


class Workloads:
    """The tracker's and the engine's view of what runs."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def rollout(self, name: WorkloadName) -> Rollout | None:
        """How far the workload's rollout is; None if there is no such workload."""
        seen = self._read(name)
        return rollout_of(seen) if seen else None

    def ready_pods(self, name: WorkloadName) -> Sequence[Target]:
        """The ready pods of the current revision; none if there is no such workload."""
        seen = self._read(name)
        return [target_of(pod) for pod in pods_by_revision(seen)[0] if is_ready(pod)] if seen else []

    def version(self, workload: Workload) -> str:
        """The key of the version that runs; empty if the workload is gone or its pods do not agree."""
        seen = self._read(workload.name)
        if seen is None or seen.workload != workload:
            return ""
        version = rollout_of(seen).version
        return version.key if version else ""

    def _read(self, name: WorkloadName) -> Deployed | None:
        deployment = self._api.get("deployments", name.namespace, name.name)
        if deployment is None:
            return None
        labels = _selector(deployment)
        replica_sets, _ = self._api.list("replicasets", name.namespace, labels=labels)
        pods, _ = self._api.list("pods", name.namespace, labels=labels)
        return Deployed(deployment=deployment, replica_sets=replica_sets, pods=pods)


def _selector(deployment: Json) -> str:
    """The Deployment's selector in the form that a list takes."""
    selector = deployment["spec"]["selector"]
    terms = [f"{key}={value}" for key, value in sorted((selector.get("matchLabels") or {}).items())]
    for expression in selector.get("matchExpressions") or []:
        key, values = expression["key"], ",".join(expression.get("values") or [])
        match expression["operator"]:
            case "In":
                terms.append(f"{key} in ({values})")
            case "NotIn":
                terms.append(f"{key} notin ({values})")
            case "Exists":
                terms.append(key)
            case _:
                terms.append(f"!{key}")
    return ",".join(terms)
