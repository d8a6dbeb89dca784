"""The variables that tune a Litmus fault: those of the engine, and behind them those of the ChaosExperiment."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from gate.importing.account import Part

TOOLING = "it says how Litmus reaches a container; the gate needs nothing of the kind"
NEVER: Mapping[str, str] = {
    "CONTAINER_RUNTIME": TOOLING,
    "SOCKET_PATH": TOOLING,
    "LIB": TOOLING,
    "LIB_IMAGE": TOOLING,
    "TC_IMAGE": TOOLING,
    "STRESS_IMAGE": TOOLING,
    "NETWORK_INTERFACE": TOOLING,
    "CHAOS_KILL_COMMAND": TOOLING,
    "CHAOS_INJECT_COMMAND": TOOLING,
    "TARGET_PODS": "the names of pods change with every version; the gate chooses them by the run's seed",
    "NODE_LABEL": "nodes are chosen by name (`node`) or zone (`zone`), not by their labels",
    "RANDOMNESS": "the gate chooses by the run's seed and hits when the last fault is over",
    "DEFAULT_HEALTH_CHECK": "what has to hold is what the probes ask, before, during and after",
    "INSTANCE_ID": "each run has a name of its own",
}
"""Variables that none of our faults has a use for, and why."""


@dataclass(frozen=True, slots=True)
class Environment:
    """By name; what is empty says nothing, as in Litmus."""

    variables: Mapping[str, Part]

    @staticmethod
    def of(*lists: Part) -> "Environment":
        """The first list that has a variable is right. What others say of it is told apart."""
        found: dict[str, Part] = {}
        for each in (part for listed in lists for part in listed.items):
            name = each["name"].text
            if not each["value"]:
                each.ignored()
            elif name in found:
                each.left_out(f"{found[name].account.of} says {name} itself")
            else:
                found[name] = each
                each["name"].ignored()
        return Environment(found)

    def of_name(self, name: str) -> Part | None:
        """The value of a variable that says something."""
        return self.variables[name]["value"] if name in self.variables else None

    def text(self, name: str) -> str:
        part = self.of_name(name)
        return part.text if part else ""

    def seconds(self, name: str, usual: int) -> timedelta:
        """`30` and `30s` are both thirty seconds."""
        text = self.text(name).removesuffix("s")
        return timedelta(seconds=int(text) if re.fullmatch("[1-9][0-9]{0,5}", text) else usual)

    def kept(self, name: str, why: str) -> None:
        if part := self.of_name(name):
            part.kept(f"{name}: {why}")

    def differs(self, name: str, why: str) -> None:
        if part := self.of_name(name):
            part.differs(f"{name}: {why}")

    def left_out(self, name: str, why: str) -> None:
        if part := self.of_name(name):
            part.left_out(f"{name}: {why}")

    def settle(self) -> None:
        """Says why the variables that nobody has a use for were left out."""
        for name in self.variables:
            self.left_out(name, NEVER.get(name, "the fault that this became has no such setting"))
