"""pod-kill: some of the workload's ready pods are deleted or evicted. Their owner replaces them, nobody else has to."""

from collections.abc import Sequence
from datetime import timedelta
from enum import StrEnum
from functools import partial
from typing import ClassVar

from pydantic import Field, field_validator, model_validator

from gate.documents.units import Duration
from gate.faults.choosing import Choice, choose
from gate.faults.objects import found, named, zone_of
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster

SPACING = timedelta(seconds=30)
"""How long the next victim waits for the former one's replacement, if the author does not say."""


class How(StrEnum):
    """Which request ends the pod."""

    DELETE = "delete"
    EVICT = "evict"
    """Only as far as disruption budgets allow."""


class Order(StrEnum):
    """When the next of several pods is hit."""

    AT_ONCE = "at-once"
    ONE_BY_ONE = "one-by-one"


class Settings(Choice):
    """Which pods, and how hard."""

    touches: ClassVar[str] = "the pod is deleted or evicted"
    comes_back: ClassVar[str] = "its owner replaces it"

    how: How = Field(default=How.DELETE, description="Delete pods, or evict them as far as disruption budgets allow.")
    grace: Duration = Field(
        default=timedelta(0), description="How long a pod may take to end by itself; 0s kills it at once."
    )
    sequence: Order = Field(default=Order.AT_ONCE, description="All at once, or one after the other.")
    every: Duration | None = Field(
        default=None,
        description="One by one: the next pod is hit when all are ready again, and at the latest after this time.",
    )

    @field_validator("grace")
    @classmethod
    def _whole(cls, grace: timedelta) -> timedelta:
        """Kubernetes counts the grace of a pod in seconds; half of one would silently be none."""
        if grace % timedelta(seconds=1):
            raise ValueError("must be whole seconds")
        return grace

    @model_validator(mode="after")
    def _every(self) -> "Settings":
        if self.every is not None and self.sequence is Order.AT_ONCE:
            raise ValueError(f"every says how far apart pods are hit; it needs sequence: {Order.ONE_BY_ONE}")
        return self

    @property
    def spacing(self) -> timedelta:
        return timedelta(0) if self.sequence is Order.AT_ONCE else self.every or SPACING


def plan(step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster) -> list[Undo]:
    settings = Settings.model_validate(step.settings)
    victims = choose(settings, step, pods, seed, partial(zone_of, cluster))
    return [
        Undo(
            id=f"{step.name}/{pod.name}",
            step=step.name,
            fault=step.fault,
            target=pod,
            settings=step.settings,
            spacing=settings.spacing if number else timedelta(0),
        )
        for number, pod in enumerate(victims)
    ]


def inject(undo: Undo, cluster: Cluster) -> None:
    """Raises `Protected` for as long as a disruption budget forbids the eviction."""
    target, settings = undo.target, Settings.model_validate(undo.settings)
    if settings.how is How.EVICT:
        cluster.evict(target.namespace, target.name, uid=target.uid, grace=settings.grace)
    else:
        cluster.delete("pods", target.namespace, target.name, uid=target.uid, grace=settings.grace)


def prove(undo: Undo, cluster: Cluster) -> str | None:
    """A pod of the same name with another uid (a StatefulSet's) is another pod: the one that was hit is gone."""
    return None if found(cluster, undo.target) else f"pod {undo.target.name} ({undo.target.uid}) is gone"


def revert(undo: Undo, cluster: Cluster) -> str:
    """A dead pod cannot be brought back; whoever owns it has replaced it."""
    return f"{named(undo.target)} is left to its owner, which replaces it"
