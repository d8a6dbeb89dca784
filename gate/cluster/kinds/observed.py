"""A workload as the API server shows it at one moment, with what it owns; and what all kinds share. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from gate.model import Progress

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A workload with the revisions and the pods that its selector finds, its own and others'."""

    workload: Json
    revisions: Sequence[Json]
    """ReplicaSets or ControllerRevisions, whichever the kind keeps its history in."""
    pods: Sequence[Json]

    @property
    def uid(self) -> str:
        return str(self.workload["metadata"]["uid"])

    @property
    def spec(self) -> Json:
        spec: Json = self.workload["spec"]
        return spec

    @property
    def status(self) -> Json:
        """Empty as long as no controller has written one."""
        status: Json = self.workload.get("status") or {}
        return status

    @property
    def is_taken_up(self) -> bool:
        """The controller has seen the newest specification: until then the status speaks of another one."""
        generation = self.workload["metadata"].get("generation", 1)
        # Argo Rollouts writes the generation as a string, the others as a number.
        return int(self.status.get("observedGeneration") or 0) >= int(generation)

    @property
    def updated(self) -> int:
        """How many pods of the present template its controller has counted."""
        return int(self.status.get("updatedReplicas") or self.status.get("updatedNumberScheduled") or 0)

    @property
    def _on_delete(self) -> bool:
        """Each pod stays until somebody deletes it."""
        return bool((self.spec.get("updateStrategy") or {}).get("type") == "OnDelete")

    @property
    def is_replacing(self) -> bool:
        """Its controller has counted pods of an older template.

        A StatefulSet counts too few of the present one also while a pod is gone for a moment; its two revisions are the
        same then. With `OnDelete` its `currentRevision` stays behind for ever, so that only its pod template tells.
        """
        current, updated = self.status.get("currentRevision", ""), self.status.get("updateRevision", "")
        if updated and (current == updated or self._on_delete):
            return False
        total = int(self.status.get("replicas") or self.status.get("currentNumberScheduled") or 0)
        return self.is_taken_up and total > self.updated


class Split(NamedTuple):
    """A workload's own pods: those of its present template, and those of older ones."""

    current: list[Json]
    older: list[Json]


class Kind(Protocol):
    """What is particular to a kind of workload."""

    @property
    def RESOURCE(self) -> str:  # noqa: N802 (a constant of the module)
        """Its plural name."""

    @property
    def REVISIONS(self) -> str:  # noqa: N802
        """The plural name of what it keeps its history in."""

    @property
    def HASH(self) -> str:  # noqa: N802
        """The label by which its pods tell their templates apart."""

    def template(self, seen: Observed) -> Json | None:
        """The pod template that it rolls out; None if that cannot be seen."""

    def split(self, seen: Observed) -> Split: ...

    def progress(self, seen: Observed, split: Split | None) -> tuple[Progress, str]:
        """How far the rollout is, with a sentence for people. Without pods: how far it may be by the status alone."""


def is_over(pod: Json) -> bool:
    """All of it has ended, and its owner has another one in its place. Evicted pods lie about so for long."""
    return (pod.get("status") or {}).get("phase") in {"Succeeded", "Failed"}


def owned_by(item: Json, uids: Collection[str]) -> bool:
    """One of these controls it."""
    owners = item["metadata"].get("ownerReferences") or []
    return any(owner.get("controller") and owner["uid"] in uids for owner in owners)


def split_by(pods: Sequence[Json], current: Collection[str], older: Collection[str]) -> Split:
    """Pods by the uid of what controls them, those that are over left out."""
    there = [pod for pod in pods if not is_over(pod)]
    return Split([pod for pod in there if owned_by(pod, current)], [pod for pod in there if owned_by(pod, older)])


def split_by_hash(seen: Observed, label: str, current: str) -> Split:
    """Pods that the workload controls itself, by the value of a label, those that are over left out."""
    own = [pod for pod in seen.pods if owned_by(pod, {seen.uid}) and not is_over(pod)]
    of_current = [pod for pod in own if (pod["metadata"].get("labels") or {}).get(label) == current]
    return Split(of_current, [pod for pod in own if pod not in of_current])


NOT_TAKEN_UP = (Progress.ROLLING, "the newest specification has not been taken up yet")
NOTHING = "scaled to zero: there is nothing that could be judged"


def counted(desired: int, total: int, updated: int, available: int, older: int) -> tuple[Progress, str]:
    """What `kubectl rollout status` counts, and more: no pod of an older template is left, also none terminating."""
    if updated < desired:
        return Progress.ROLLING, f"{updated} of {desired} replicas are updated"
    if older or total > updated:
        return Progress.ROLLING, f"{max(older, total - updated)} pods of an older template are still there"
    if available < desired:
        return Progress.ROLLING, f"{available} of {desired} updated replicas are available"
    if desired == 0:
        return Progress.ROLLING, NOTHING
    return Progress.COMPLETE, f"{desired} of {desired} replicas run it"
