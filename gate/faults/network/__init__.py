"""network-delay, network-error and their kin: what a fault proxy does to connections, as faults.

    settings   what an author says: a way to the traffic, and one behaviour of the proxy
    asking     a proxy in a container, asked by exec
    sidecar    the proxy stands in the pod already
    detour     a Service is led through one

No privilege is needed. The proxy ends a fault by itself when its time is over, and counts whom it hit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from gate.faults.network import detour, sidecar
from gate.faults.network.settings import KINDS, Through
from gate.model import Step, Target, Undo, WorkloadName
from gate.running.ports import Cluster


@dataclass(frozen=True, slots=True)
class Network:
    """One behaviour of the proxy, as a fault."""

    behaviour: str
    Settings: type[Through]

    def plan(
        self, step: Step, workload: WorkloadName, pods: Sequence[Target], seed: str, cluster: Cluster
    ) -> list[Undo]:
        settings = self.Settings.model_validate(step.settings)
        if settings.service:
            return detour.plan(step, settings, self.behaviour, workload, pods, seed, cluster)
        return sidecar.plan(step, settings, self.behaviour, pods, seed, cluster)

    def inject(self, undo: Undo, cluster: Cluster) -> None:
        _way(undo).inject(undo, cluster)

    def prove(self, undo: Undo, cluster: Cluster) -> str | None:
        return _way(undo).prove(undo, cluster)

    def revert(self, undo: Undo, cluster: Cluster) -> str:
        return _way(undo).revert(undo, cluster)


NETWORK: Mapping[str, Network] = {f"network-{name}": Network(name, settings) for name, settings in KINDS.items()}
"""The faults by their kind."""


class Way(Protocol):
    """How a proxy comes to stand in the way of connections; each is a module of this shape."""

    def inject(self, undo: Undo, cluster: Cluster) -> None: ...

    def prove(self, undo: Undo, cluster: Cluster) -> str | None: ...

    def revert(self, undo: Undo, cluster: Cluster) -> str: ...


def _way(undo: Undo) -> Way:
    return detour if undo.target.kind == "Service" else sidecar
