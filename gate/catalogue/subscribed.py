"""The catalogue in force, as the tracker asks for it: what each workload's subscriptions claim, and since when."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from gate.documents.catalogue import Catalogue
from gate.documents.loading import Broken
from gate.model import Subscription, Workflow, WorkloadName
from gate.tracking.decide import Claim


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A subscription of the catalogue in force, resolved once."""

    subscription: Subscription
    workflows: tuple[Workflow, ...]
    problems: tuple[str, ...]


class Subscribed:
    """Holds one catalogue at a time. A revision that was read stays in force until another one takes its place."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._resolved: dict[WorkloadName, list[_Resolved]] = {}
        self._known: dict[tuple[str, WorkloadName], datetime] = {}

    @property
    def catalogue(self) -> Catalogue | None:
        return self._catalogue

    @property
    def revision(self) -> str:
        catalogue = self._catalogue
        return catalogue.revision if catalogue else ""

    def put(self, catalogue: Catalogue) -> set[WorkloadName]:
        """Put another catalogue in force; returns the workloads that it, or the one before it, speaks of."""
        with self._lock:
            if self._catalogue and self._catalogue.revision == catalogue.revision:
                self._catalogue = catalogue  # the same documents, known to be fresh
                return catalogue.workloads()
        resolved: dict[WorkloadName, list[_Resolved]] = {}
        for subscription in catalogue.loaded.subscriptions:
            workflows, problems = catalogue.resolve(subscription)
            entry = _Resolved(subscription, workflows, tuple(str(each) for each in problems))
            resolved.setdefault(subscription.workload, []).append(entry)
        with self._lock:
            before = self._catalogue.workloads() if self._catalogue else set()
            self._catalogue, self._resolved = catalogue, resolved
            for name, entries in resolved.items():
                for entry in entries:
                    self._known.setdefault((entry.subscription.name, name), self._now())
        return before | catalogue.workloads()

    def of(self, name: WorkloadName, remembered: Sequence[str] = ()) -> Sequence[Claim]:
        """The claims on a workload, also those of subscriptions that cannot be read.

        `remembered` are the subscriptions that the workload is known to have had. One of them that is not there any
        more, while there are documents that nobody can tell whose they are, may be among those.
        """
        with self._lock:
            catalogue, entries = self._catalogue, self._resolved.get(name, [])
            since = {entry.subscription.name: self._known[entry.subscription.name, name] for entry in entries}
        claims = [
            Claim(
                name=entry.subscription.name,
                subscription=entry.subscription,
                workflows=entry.workflows,
                problems=entry.problems,
                since=since[entry.subscription.name],
            )
            for entry in entries
        ]
        for broken in self._broken(catalogue, name) if catalogue else ():
            problems = tuple(str(each) for each in broken.problems)
            claims.append(Claim(name=broken.name, subscription=None, problems=problems, since=self._now()))
        nobodys = [broken for broken in catalogue.broken_subscriptions if not broken.workload] if catalogue else []
        lost = sorted(set(remembered) - {claim.name for claim in claims}) if nobodys else []
        problems = tuple(str(problem) for broken in nobodys for problem in broken.problems)
        return claims + [Claim(name=each, subscription=None, problems=problems, since=self._now()) for each in lost]

    def _broken(self, catalogue: Catalogue, name: WorkloadName) -> Sequence[Broken]:
        """Also those that say only their own name, if that was known to be a subscription of the workload."""
        known = [
            each for each in catalogue.broken_subscriptions if not each.workload and (each.name, name) in self._known
        ]
        return [*catalogue.broken_of(name), *known]
