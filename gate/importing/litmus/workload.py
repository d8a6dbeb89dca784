"""Whom an engine is about: `appinfo`, or `selectors` of newer versions, as the workload of a subscription."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gate.importing.account import Part
from gate.model import WorkloadKind

KINDS: Mapping[str, WorkloadKind] = {
    "deployment": WorkloadKind.DEPLOYMENT,
    "statefulset": WorkloadKind.STATEFUL_SET,
    "daemonset": WorkloadKind.DAEMON_SET,
    "rollout": WorkloadKind.ROLLOUT,
}
ONE_LABEL = re.compile(r"([A-Za-z0-9./_-]+)={1,2}([A-Za-z0-9._-]*)")
NAMELESS = "no Subscription: the engine names no workload; write one with chaos-gate new subscription"


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """A workload, as far as an engine says which."""

    kind: WorkloadKind = WorkloadKind.DEPLOYMENT
    workload: Mapping[str, Any] | None = None
    """The field of a subscription; None if the engine does not say enough."""


def about(spec: Part) -> About:
    """Of the `spec` of an engine."""
    if spec["selectors"]["workloads"]:
        return _selected(spec["selectors"]["workloads"])
    info = spec["appinfo"]
    namespace, label, kind = info["appns"], info["applabel"], info["appkind"]
    if not (namespace and label and kind):
        info.assumed(NAMELESS)
        return About()
    known, labels = KINDS.get(kind.text.lower()), _labels(label.text)
    if known is None:
        info.left_out(f"no Subscription: a {kind.text} cannot be judged; {', '.join(WorkloadKind)} can")
        return About()
    if not labels or "{" in label.text + namespace.text:
        info.left_out(f'no Subscription: "{label.text}" does not say labels and their values; select by matchLabels')
        return About(kind=known)
    namespace.kept(f"namespaces: [{namespace.text}]")
    kind.kept(f"kind: {known}")
    label.differs("matchLabels: the labels of the workload itself count here, those of its pods in Litmus")
    workload = {"kind": str(known), "namespaces": [namespace.text], "selector": {"matchLabels": labels}}
    return About(kind=known, workload=workload)


def _selected(workloads: Part) -> About:
    first = workloads.items[0]
    for other in workloads.items[1:]:
        other.left_out("one workload is judged; write a subscription for each of the others")
    kind, names, labels = first["kind"], first["names"].text, _labels(first["labels"].text)
    known = KINDS.get(kind.text.lower())
    namespace = first["namespace"].text
    if known is None or not namespace or not (names or labels):
        first.left_out(NAMELESS)
        return About(kind=known or WorkloadKind.DEPLOYMENT)
    kind.kept(f"kind: {known}")
    first["namespace"].kept(f"namespace: {namespace}")
    if names:
        name, *others = [each.strip() for each in names.split(",")]
        said = f"name: {name}"
        if others:
            first["names"].differs(f"{said}; write a subscription for each of {', '.join(others)}")
        else:
            first["names"].kept(said)
        return About(kind=known, workload={"kind": str(known), "namespace": namespace, "name": name})
    first["labels"].differs("matchLabels: the labels of the workload itself count here, those of its pods in Litmus")
    workload = {"kind": str(known), "namespaces": [namespace], "selector": {"matchLabels": labels}}
    return About(kind=known, workload=workload)


def _labels(text: str) -> dict[str, str]:
    """`a=b,c=d` as a mapping; empty for what says anything else."""
    found = [ONE_LABEL.fullmatch(each.strip()) for each in text.split(",")]
    return {each[1]: each[2] for each in found if each} if all(found) else {}
