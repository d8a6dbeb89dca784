"""pod-kill: some of the workload's ready pods are deleted. Their owner replaces them; there is nothing to put back."""

from collections.abc import Sequence
from datetime import timedelta

from pydantic import Field, field_validator

from gate.documents.blocks import Block
from gate.documents.units import Duration
from gate.model import Step, Target, Undo, WorkloadName, draw
from gate.running.ports import Cluster


class Settings(Block):
    """How many pods, and how hard."""

    count: int = Field(default=1, ge=1, description="How many pods are killed, all at once.")
    grace: Duration = Field(
        default=timedelta(0), description="How long a pod may take to end by itself; 0s kills it at once."
    )

    @field_validator("grace")
    @classmethod
    def _whole(cls, grace: timedelta) -> timedelta:
        """Kubernetes counts the grace of a pod in seconds; half of one would silently be none."""
        if grace % timedelta(seconds=1):
            raise ValueError("must be whole seconds")
        return grace


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    """Fewer pods than asked for is none at all: half a fault proves nothing."""
    settings = Settings.model_validate(step.settings)
    if len(pods) < settings.count:
        return []
    victims = sorted(pods, key=lambda pod: draw(seed, f"pod-kill {step.name}", pod.uid))[: settings.count]
    return [
        Undo(id=f"{step.name}/{pod.name}", step=step.name, fault=step.fault, target=pod, settings=step.settings)
        for pod in victims
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    target, grace = undo.target, Settings.model_validate(undo.settings).grace
    cluster.delete("pods", target.namespace, target.name, uid=target.uid, grace=grace)


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """A pod of the same name with another uid (a StatefulSet's) is another pod: the one that was hit is gone."""
    found = cluster.get("pods", undo.target.namespace, undo.target.name)
    if found is not None and found["metadata"]["uid"] == undo.target.uid:
        return None
    return f"pod {undo.target.name} ({undo.target.uid}) is gone"


def revert(undo: Undo, cluster: Cluster) -> str:
    """A dead pod cannot be brought back; whoever owns it has replaced it."""
    return f"pod {undo.target.name} is left to its owner, which replaces it"
