"""Reads workloads as they are now. Nothing is cached: a decision is never made on what used to be."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

from gate.cluster.api import Api, Expired, Json
from gate.cluster.kinds import KINDS
from gate.cluster.kinds.observed import Observed
from gate.cluster.rollouts import current_pods, is_ready, rollout_of, target_of, unfinished, workload_of
from gate.model import Progress, Rollout, Target, Workload, WorkloadName


class Workloads:
    """The tracker's and the engine's view of what runs."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def rollout(self, name: WorkloadName) -> Rollout | None:
        """How far the workload's rollout is; None if there is no such workload.

        Its pods are asked only if its status says that it may be complete: first how they were when that was written,
        which is one moment for all and the cheaper answer, and if that was too early, how they are now.
        """
        kind = KINDS[name.kind]
        workload = self._api.get(kind.RESOURCE, name.namespace, name.name)
        if workload is None:
            return None
        if rollout := unfinished(name.kind, workload):
            return rollout
        with suppress(Expired):
            then = rollout_of(name.kind, self._observe(name, workload, at=workload["metadata"]["resourceVersion"]))
            if then.progress is not Progress.ROLLING:
                return then
        return rollout_of(name.kind, self._observe(name, workload))

    def ready_pods(self, name: WorkloadName) -> Sequence[Target]:
        """The ready pods of the current revision; none if there is no such workload."""
        seen = self._read(name)
        return [target_of(name.kind, pod) for pod in current_pods(name.kind, seen) if is_ready(pod)] if seen else []

    def labels(self, name: WorkloadName) -> list[tuple[str, Mapping[str, str]]]:
        """Name and labels of the workload, then of each of its pods, also of older revisions; nothing if it is gone."""
        seen = self._read(name)
        found = [seen.workload, *seen.pods] if seen else []
        return [(each["metadata"]["name"], each["metadata"].get("labels") or {}) for each in found]

    def version(self, workload: Workload) -> str:
        """The key of the version that runs; empty if the workload is gone or its pods do not agree."""
        seen = self._read(workload.name)
        if seen is None or workload_of(workload.name.kind, seen.workload) != workload:
            return ""
        version = rollout_of(workload.name.kind, seen).version
        return version.key if version else ""

    def _read(self, name: WorkloadName) -> Observed | None:
        workload = self._api.get(KINDS[name.kind].RESOURCE, name.namespace, name.name)
        return self._observe(name, workload) if workload else None

    def _observe(self, name: WorkloadName, workload: Json, *, at: str = "") -> Observed:
        labels = _selector(workload)
        revisions, _ = self._api.list(KINDS[name.kind].REVISIONS, name.namespace, labels=labels, at=at)
        pods, _ = self._api.list("pods", name.namespace, labels=labels, at=at)
        return Observed(workload=workload, revisions=revisions, pods=pods)


def _selector(workload: Json) -> str:
    """The workload's selector in the form that a list takes."""
    selector = workload["spec"].get("selector") or {}
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
