"""Which pods a fault hits: how many, where, by the run's seed. Pure: the same seed and pods give the same victims."""

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gate.documents.blocks import Block
from gate.documents.units import Percent
from gate.model import Step, Target, draw

ROUNDING = 1e-9
"""Shares are binary fractions: 29% of 100 is a little less than 29, and shall be 29."""


def some(share: float) -> float:
    """For shares of what is to be hit. Raises `ValueError` for none of it."""
    if not share:
        raise ValueError("0% would be no pod at all; leave it out for one pod")
    return share


class Choice(Block):
    """How many of the target's ready pods, and where. Without a word, one, wherever it is."""

    count: int | None = Field(default=None, ge=1, description="How many pods.", examples=[1])
    percent: Annotated[Percent, AfterValidator(some)] | None = Field(
        default=None, description="Which share of the pods instead; rounded down, but at least one."
    )
    node: str = Field(default="", description="Only pods on this node.", examples=["node-1"])
    zone: str = Field(default="", description="Only pods on nodes of this zone.", examples=["zone-b"])

    @model_validator(mode="after")
    def _one_number(self) -> "Choice":
        if self.count is not None and self.percent is not None:
            raise ValueError("count and percent are two answers to one question; give one of them")
        return self

    def of(self, number: int) -> int:
        """How many out of so many."""
        if self.percent is not None:
            return max(1, int(number * self.percent + ROUNDING)) if number else 0
        return self.count or 1


def choose(
    choice: Choice, step: Step, pods: Sequence[Target], seed: str, zone_of: Callable[[str], str]
) -> list[Target]:
    """The victims, in the order in which they are hit. `zone_of` is asked for a node's zone, if that matters.

    Fewer pods than asked for are none at all: half a fault proves nothing.
    """
    here = [pod for pod in pods if choice.node in {"", pod.node}]
    if choice.zone:
        zones = {node: zone_of(node) for node in sorted({pod.node for pod in here})}
        here = [pod for pod in here if zones[pod.node] == choice.zone]
    wanted = choice.of(len(here))
    if len(here) < wanted:
        return []
    return sorted(here, key=lambda pod: (draw(seed, f"{step.fault} {step.name}", pod.uid), pod.uid))[:wanted]
