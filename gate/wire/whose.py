"""Whose documents ask for a run, and for which projects its workload is subscribed, as the catalogue in force says."""

from collections.abc import Callable, Iterable, Sequence

from gate.catalogue.subscribed import Labels, Subscribed
from gate.errors import Temporary
from gate.model import RunSpec, Subscription, WorkloadName


class Whose:
    """Knows it for all runs. Thread-safe."""

    def __init__(self, subscribed: Subscribed, workloads: Callable[[], Iterable[tuple[WorkloadName, Labels]]]) -> None:
        """`workloads`: those that are there, by whose labels selectors find them."""
        self._subscribed, self._workloads = subscribed, workloads

    def owners(self, spec: RunSpec) -> tuple[str, ...]:
        """The documents by which the run is asked for; none where a person has asked for it.

        Raises `Temporary` while one of them is not known, which is not the same as none: before a catalogue was read,
        and where a subscription is gone or broken by now.
        """
        found = {each.name: each for each in self._subscriptions_of(spec.workload.name)}
        if not spec.asked_by:
            if self._subscribed.catalogue is None:
                raise Temporary("whose documents ask for the run is not known before a catalogue was read")
            if missing := sorted(set(spec.subscriptions) - found.keys()):
                why = "has no readable subscription in the catalogue that is called"
                raise Temporary(f"{spec.workload.name} {why} {', '.join(missing)}: whose it is is not known")
        return tuple(found[name].place.rpartition(":")[0] for name in spec.subscriptions if name in found)

    def projects(self, name: WorkloadName) -> set[str]:
        """The GitLab projects that the workload is subscribed for."""
        return {each.project for each in self._subscriptions_of(name) if each.project}

    def _subscriptions_of(self, name: WorkloadName) -> Sequence[Subscription]:
        labels = next((labels for each, labels in self._workloads() if each == name), {})
        return [claim.subscription for claim in self._subscribed.of(name, labels) if claim.subscription]
