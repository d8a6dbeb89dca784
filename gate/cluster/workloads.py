"""Reads workloads as they are now. What a cache says is only taken where it was confirmed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from gate.cluster.api import Api
from gate.cluster.kinds import KINDS
from gate.cluster.kinds.observed import Observed, owned_by
from gate.cluster.rollouts import current_pods, is_ready, rollout_of, target_of, unfinished, workload_of
from gate.cluster.said import Json
from gate.model import Progress, Rollout, Target, Workload, WorkloadKind, WorkloadName

T = TypeVar("T")

FEW = 10
"""So many pods are read one by one sooner than a list of them comes that is certain to be of now."""


Ask = Callable[[], T]


def one_by_one(asks: Sequence[Ask[T]]) -> Sequence[T]:
    """The answers to questions, asked after one another."""
    return [ask() for ask in asks]


class Workloads:
    """The tracker's and the engine's view of what runs."""

    def __init__(self, api: Api, *, together: Callable[[Sequence[Ask[Any]]], Sequence[Any]] = one_by_one) -> None:
        """`together` asks questions of which none needs another's answer, and gives the answers in their order."""
        self._api, self._together = api, together
        self._expected: dict[WorkloadName, str] = {}
        """The selectors of those that look complete, by what was heard of them last."""

    def expect(self, name: WorkloadName, workload: Json) -> None:
        """An event shows the workload so. Nothing is believed for that; but if it looks complete, what will have to be
        asked then is asked at once when somebody looks.
        """
        if unfinished(name.kind, workload) is None:
            self._expected[name] = _selector(workload)
        else:
            self._expected.pop(name, None)

    def rollout(self, name: WorkloadName) -> Rollout | None:
        """How far the workload's rollout is; None if there is no such workload.

        Its pods are asked only if its status says that it may be complete. A list that is certain to be of now takes
        the server up to 0.1 s, until its cache has caught up; so first comes what the cache has, and where that looks
        complete, each pod is read as it is now.
        """
        expected = self._expected.pop(name, None)
        asks: list[Ask[Any]] = [partial(self._api.get, KINDS[name.kind].RESOURCE, name.namespace, name.name)]
        asks += self._around(name, expected, cached=True) if expected is not None else []
        workload, *around = self._together(asks)
        if workload is None:
            return None
        if rollout := unfinished(name.kind, workload):
            return rollout
        if not around or expected != _selector(workload):
            around = list(self._together(self._around(name, _selector(workload), cached=True)))
        glimpse = self._confirmed(name.kind, _observed(workload, around))
        if glimpse and (rollout := rollout_of(name.kind, glimpse)).progress is not Progress.ROLLING:
            return rollout
        return rollout_of(name.kind, self._observe(name, workload))

    def _confirmed(self, kind: WorkloadKind, glimpse: Observed) -> Observed | None:
        """The same with its pods as they are now. None if it does not look complete, if a pod is another one by now, or
        if there have to be more of them: then the cache is behind, or something happens just now.
        """
        if rollout_of(kind, glimpse).progress is Progress.ROLLING:
            return None
        pods = [pod for pod in current_pods(kind, glimpse) if not pod["metadata"].get("deletionTimestamp")]
        if len(pods) > FEW or len(pods) != glimpse.updated:
            return None
        owners = {each["metadata"]["uid"] for each in (glimpse.workload, *glimpse.revisions)}
        if not all(owned_by(pod, owners) for pod in glimpse.pods):
            return None  # of somebody else, or of a revision that the cache does not have yet
        named = [pod["metadata"] for pod in pods]
        asks = [partial(self._api.get, "pods", metadata["namespace"], metadata["name"]) for metadata in named]
        fresh = {}
        for metadata, now in zip(named, self._together(asks), strict=True):
            if now is None or now["metadata"]["uid"] != metadata["uid"]:
                return None
            fresh[metadata["uid"]] = now
        return replace(glimpse, pods=[fresh.get(pod["metadata"]["uid"], pod) for pod in glimpse.pods])

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

    def _observe(self, name: WorkloadName, workload: Json) -> Observed:
        return _observed(workload, self._together(self._around(name, _selector(workload), cached=False)))

    def _around(self, name: WorkloadName, labels: str, *, cached: bool) -> list[Ask[tuple[list[Json], str]]]:
        """Asks for the revisions and the pods that a selector finds."""
        ask = partial(self._api.list, namespace=name.namespace, labels=labels, cached=cached)
        return [partial(ask, resource) for resource in (KINDS[name.kind].REVISIONS, "pods")]


def _observed(workload: Json, around: Sequence[tuple[list[Json], str]]) -> Observed:
    (revisions, _), (pods, _) = around
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
