"""The actions of a method as steps: those of chaosk8s that hit pods, workloads and nodes."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gate.importing.account import Part
from gate.importing.chaostoolkit.configuration import Configuration, open_reference
from gate.importing.chaostoolkit.probes import labels_in

Json = dict[str, Any]
OWN = "no fault here does that; write one of your own, with its revert: chaos-gate new fault"
GRACE = "30s"
"""What Kubernetes gives a pod that does not say how long it needs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What is done, and to whom."""

    fault: str
    settings: Json
    workload: Mapping[str, Any] | None
    """As the field of a subscription; None if it does not say."""
    difference: str = ""


def action(part: Part, configuration: Configuration) -> Action | None:
    """None, and the account says why, if nothing here does the same."""
    provider = configuration.filled(part["provider"].value)
    name = f"{provider.get('module')}.{provider.get('func')}" if isinstance(provider, dict) else ""
    if name not in FUNCTIONS:
        part.left_out(OWN)
        return None
    if missing := open_reference(provider):
        part.left_out(f'it needs "{missing}", which the file does not say')
        return None
    return FUNCTIONS[name](provider.get("arguments") or {}, part["provider"]["arguments"])


def _terminate(arguments: Json, part: Part) -> Action:
    settings: Json = {}
    quantity = arguments.get("qty", 1)
    if arguments.get("all"):
        settings["percent"] = "100%"
    elif isinstance(quantity, int) and quantity > 0 and arguments.get("mode") == "percentage":
        settings["percent"] = f"{min(quantity, 100)}%"
        part["qty"].differs(f"percent: {settings['percent']}; rounded down, but at least one")
    elif isinstance(quantity, int) and quantity > 1:
        settings["count"] = quantity
    grace = arguments.get("grace_period", -1)
    if isinstance(grace, int) and grace > 0:
        settings["grace"] = f"{grace}s"
    elif grace != 0:
        settings["grace"] = GRACE
    part["name_pattern"].left_out("the names of pods change with every version")
    part["order"].left_out("the gate chooses by the run's seed")
    labels = labels_in(arguments.get("label_selector"))
    chosen = "" if labels else "the workload is not known from labels; "
    return Action(
        fault="pod-kill",
        settings=settings,
        workload=_selected(labels, arguments) if labels else None,
        difference=f"{chosen}which pods, the run's seed chooses among those of the workload that are ready",
    )


def _selected(labels: Mapping[str, str], arguments: Json) -> Json:
    namespace = str(arguments.get("ns") or "default")
    return {"kind": "Deployment", "namespaces": [namespace], "selector": {"matchLabels": dict(labels)}}


def _named(kind: str, arguments: Json) -> Json | None:
    name, namespace = str(arguments.get("name") or ""), str(arguments.get("ns") or "default")
    named = re.fullmatch("[a-z0-9]([a-z0-9.-]*[a-z0-9])?", name)
    return {"kind": kind, "namespace": namespace, "name": name} if named else None


def _scale(kind: str) -> Callable[[Json, Part], Action]:
    def scale(arguments: Json, _part: Part) -> Action:
        to = arguments.get("replicas", 0)
        settings = {"to": to if isinstance(to, int) and 0 <= to <= 1000 else 0}
        return Action(fault="scale", settings=settings, workload=_named(kind, arguments))

    return scale


def _delete(arguments: Json, _part: Part) -> Action:
    return Action(
        fault="scale-to-zero",
        settings={},
        workload=_named("Deployment", arguments),
        difference="it loses all of its pods, but is not deleted",
    )


def _node(fault: str) -> Callable[[Json, Part], Action]:
    def node(arguments: Json, part: Part) -> Action:
        name = arguments.get("name")
        part["label_selector"].left_out("nodes are chosen by name (`node`) or zone (`zone`), not by their labels")
        settings = {"node": str(name)} if name else {}
        return Action(
            fault=fault, settings=settings, workload=None, difference="of nodes that have pods of the workload"
        )

    return node


FUNCTIONS: Mapping[str, Callable[[Json, Part], Action]] = {
    "chaosk8s.pod.actions.terminate_pods": _terminate,
    "chaosk8s.deployment.actions.scale_deployment": _scale("Deployment"),
    "chaosk8s.statefulset.actions.scale_statefulset": _scale("StatefulSet"),
    "chaosk8s.deployment.actions.delete_deployment": _delete,
    "chaosk8s.node.actions.drain_nodes": _node("node-drain"),
    "chaosk8s.node.actions.cordon_node": _node("node-cordon"),
}
"""By module and function; their arguments are as chaosk8s has them."""
