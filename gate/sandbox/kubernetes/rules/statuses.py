"""What the API server makes of a status that somebody writes: what it adds to it, for each built-in kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gate.sandbox.kubernetes.language.objects import Object


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusForm:
    """What is in a status even where its writer left it out."""

    always: Mapping[str, Any] = field(default_factory=dict)
    condition: Mapping[str, Any] = field(default_factory=lambda: {"lastTransitionTime": None})
    """The same of each of its conditions, which all have a type and a status."""
    kept: tuple[str, ...] = ()
    """What stays as it was where nothing is said."""
    stays: tuple[str, ...] = ()
    """What of the metadata stays as it was, whatever is said."""

    def completed(self, status: Object | None, before: Object | None) -> Object:
        """The whole status; `before` is what it replaces."""
        stays = {name: before[name] for name in self.kept if before and name in before}
        whole = {**self.always, **stays, **(status or {})}
        if "conditions" in whole:
            blank = {"type": "", "status": "", **self.condition}
            whole["conditions"] = [blank | each for each in whole["conditions"] or ()]
        return whole


_METAV1_CONDITION = {"lastTransitionTime": None, "reason": "", "message": ""}

DEPLOYMENT = StatusForm(condition={"lastUpdateTime": None, "lastTransitionTime": None}, stays=("labels",))
JOB = StatusForm(condition={"lastProbeTime": None, "lastTransitionTime": None})
NAMESPACE = StatusForm(always={"phase": "Active"})
NODE = StatusForm(condition={"lastHeartbeatTime": None, "lastTransitionTime": None})
POD = StatusForm(
    condition={"lastProbeTime": None, "lastTransitionTime": None}, kept=("qosClass",), stays=("ownerReferences",)
)
POD_DISRUPTION_BUDGET = StatusForm(
    always={"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0},
    condition=_METAV1_CONDITION,
)
REPLICA_SET = StatusForm(always={"replicas": 0})
SERVICE = StatusForm(always={"loadBalancer": {}}, condition=_METAV1_CONDITION)
