"""Chaos that others do: objects of Litmus and Chaos Mesh that are active on a workload.

Where a cluster does not have these resources, that is asked once a minute and nothing else. Where a selector says more
than labels, names and namespaces, the rest is taken to match: to wait once too often does no harm.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from gate.cluster.api import Api
from gate.cluster.resources import CHAOS_MESH_KINDS
from gate.cluster.said import Json
from gate.cluster.selecting import Labels, from_text, selects
from gate.errors import Absent, Denied
from gate.model import WorkloadName

log = logging.getLogger(__name__)

REMEMBERED = timedelta(minutes=1)
"""For how long it is remembered which of them a cluster has. Whoever installs one is heard of a minute later."""
LITMUS, CHAOS_MESH = "litmuschaos.io", "chaos-mesh.org"
GROUPS: Mapping[str, tuple[str, ...]] = {
    LITMUS: ("chaosengines",),
    CHAOS_MESH: CHAOS_MESH_KINDS,
}
"""API group -> its resources that hit pods."""
VERSION = "v1alpha1"
ENDED = ("completed", "stopped")
AT_ONCE = ("pod-kill", "container-kill")
"""Actions of PodChaos that are over once they are done, although the object says until its end that it injects."""


class Foreign:
    """Looks for such objects. Thread-safe."""

    def __init__(self, api: Api, monotonic: Callable[[], float]) -> None:
        self._api, self._monotonic = api, monotonic
        self._partly: set[str] = set()
        """Of which of them only those of some namespaces may be seen; that was said."""
        self._known: tuple[float, tuple[tuple[str, str], ...]] | None = None

    def on(self, workload: WorkloadName, labels_of: Callable[[], Sequence[tuple[str, Labels]]]) -> str:
        """The first active object that hits the workload, in words; empty if none does.

        `labels_of` gives name and labels of the workload itself and of its pods; it is asked only when something is
        active. Raises `Denied` where nobody may say whether something is.
        """
        active = [each for each in self._active(workload.namespace) if _is_about(each, workload.namespace)]
        if not active:
            return ""
        (_, own), *pods = labels_of() or [(workload.name, {})]
        for group, item in active:
            hits = _litmus_hits(item, workload, own, pods) if group == LITMUS else _mesh_hits(item, workload, pods)
            if hits:
                metadata = item["metadata"]
                return f"{item['kind']} {metadata['namespace']}/{metadata['name']} ({group}), which is active"
        return ""

    def _active(self, namespace: str) -> Iterator[tuple[str, Json]]:
        for group, resource in self._served():
            for item in self._list(resource, namespace):
                if is_active(group, item):
                    yield group, item

    def _served(self) -> tuple[tuple[str, str], ...]:
        now, known = self._monotonic(), self._known
        if known is None or now >= known[0]:
            found = tuple(
                (group, resource)
                for group, resources in GROUPS.items()
                for resource in sorted(self._api.served(group, VERSION).intersection(resources))
            )
            self._known = known = (now + REMEMBERED.total_seconds(), found)
        return known[1]

    def _list(self, resource: str, namespace: str) -> Sequence[Json]:
        """Those of all namespaces, for they may select pods elsewhere; of this one, where we may see no others."""
        try:
            return self._api.list(resource)[0]
        except Absent:
            return ()
        except Denied as error:
            found = self._api.list(resource, namespace)[0]
            if resource not in self._partly:
                self._partly.add(resource)
                log.warning("foreign.partly resource=%s seen_in=%s why=%r", resource, namespace, str(error))
            return found


def is_active(group: str, item: Json) -> bool:
    """It injects, or will as soon as its controller looks. Pure."""
    spec, status = item.get("spec") or {}, item.get("status") or {}
    if group == LITMUS:
        return spec.get("engineState") == "active" and status.get("engineStatus") not in ENDED
    conditions = {each.get("type"): each.get("status") for each in status.get("conditions") or ()}
    if spec.get("action") in AT_ONCE and conditions.get("AllInjected") == "True":
        return False
    experiment = status.get("experiment") or {}
    records = experiment.get("containerRecords") or ()
    if any(str(record.get("phase")).startswith("Injected") for record in records):
        return True
    return experiment.get("desiredPhase", "Run") == "Run" and conditions.get("AllRecovered") != "True"


def _is_about(found: tuple[str, Json], namespace: str) -> bool:
    """Cheaply: it may hit something in the namespace."""
    group, item = found
    own = item["metadata"]["namespace"]
    if group == LITMUS:
        return any(each[0] == namespace for each in _litmus_places(item))
    return any(namespace in (selector.get("pods") or selector.get("namespaces") or [own]) for selector in _mesh(item))


def _litmus_places(item: Json) -> Iterator[tuple[str, str, Mapping[str, str], Sequence[str]]]:
    """Namespace, kind of workload in small letters (`pod` for pods), labels and names; what is empty matches all."""
    spec, own = item.get("spec") or {}, item["metadata"]["namespace"]
    info, selectors = spec.get("appinfo") or {}, spec.get("selectors") or {}
    for each in selectors.get("workloads") or ():
        labels = from_text(each.get("labels") or "")
        yield each.get("namespace") or own, each.get("kind") or "", labels, _names(each)
    for each in selectors.get("pods") or ():
        yield each.get("namespace") or own, "pod", {}, _names(each)
    if info or not selectors:
        yield info.get("appns") or own, info.get("appkind") or "", from_text(info.get("applabel") or ""), ()


def _names(each: Json) -> list[str]:
    return [name.strip() for name in str(each.get("names") or "").split(",") if name.strip()]


def _litmus_hits(item: Json, workload: WorkloadName, own: Labels, pods: Sequence[tuple[str, Labels]]) -> bool:
    for namespace, kind, labels, names in _litmus_places(item):
        if namespace != workload.namespace or kind not in {"", "pod", workload.kind.lower()}:
            continue
        candidates = pods if kind == "pod" else [(workload.name, own), *pods]
        for name, has in candidates:
            if labels.items() <= has.items() and (not names or name in names):
                return True
    return False


def _mesh(item: Json) -> list[Mapping[str, Any]]:
    """Its selectors: NetworkChaos has another one for the other end."""
    spec = item.get("spec") or {}
    other = (spec.get("target") or {}).get("selector")
    return [spec.get("selector") or {}, *([other] if other else [])]


def _mesh_hits(item: Json, workload: WorkloadName, pods: Sequence[tuple[str, Labels]]) -> bool:
    own = item["metadata"]["namespace"]
    return any(
        _selected(selector, own, workload.namespace, name, has) for selector in _mesh(item) for name, has in pods
    )


def _selected(selector: Mapping[str, Any], own: str, namespace: str, name: str, has: Labels) -> bool:
    """Pods that are named are meant, whatever else is said."""
    if named := selector.get("pods"):
        return name in (named.get(namespace) or ())
    labels = {"matchLabels": selector.get("labelSelectors"), "matchExpressions": selector.get("expressionSelectors")}
    return namespace in (selector.get("namespaces") or [own]) and selects(labels, has)
