"""The catalogue in force, as the tracker asks for it: what each workload's subscriptions claim, and since when.

A gate that has some namespaces only has the subscriptions of workloads in these only. What else is in the catalogue may
be another gate's, and is only shown.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gate.catalogue.selections import Selections
from gate.documents.catalogue import Catalogue
from gate.documents.loading import Broken, Loaded
from gate.model import Selection, Subscription, Workflow, WorkloadName, fingerprint
from gate.tracking.claims import Claim

Labels = Mapping[str, str]
Refused = Callable[[str, WorkloadName, Sequence[Workflow]], Sequence[str]]
"""Why the document at a path may not have these workflows hit that workload; nothing if it may."""


@dataclass(frozen=True, slots=True)
class _Resolved:
    """A subscription of the catalogue in force, resolved once."""

    subscription: Subscription
    key: str
    workflows: tuple[Workflow, ...]
    problems: tuple[str, ...]
    rests_on: tuple[object, ...]


class Subscribed:
    """Holds one catalogue at a time. A revision that was read stays in force until another one takes its place.

    `known` says since when the gate knows each subscription; it outlives the process if somebody keeps it (`knew`).
    What is kept is right, and what a replica has seen by itself counts only for what is kept nowhere: it may have
    missed that a subscription was gone for a while.
    """

    def __init__(
        self, now: Callable[[], datetime], namespaces: Collection[str] = (), refused: Refused = lambda *_: ()
    ) -> None:
        """Only these `namespaces`; all of them if none is named. `refused` is asked each time, for what the
        administrators say may change while the catalogue does not.
        """
        self._now, self._namespaces, self._refused = now, frozenset(namespaces), refused
        self._lock = threading.Lock()
        self._catalogue: Catalogue | None = None
        self._resolved: dict[WorkloadName, list[_Resolved]] = {}
        self._selections = Selections(())
        """Those that may find something in the gate's namespaces."""
        self._selected: dict[tuple[str, WorkloadName], _Resolved] = {}
        """By the key of the selection, as far as anybody asked."""
        self._known: dict[str, datetime] = {}
        self._keys: frozenset[str] = frozenset()
        """Of the catalogue's subscriptions in the gate's namespaces."""
        self._had: set[tuple[str, WorkloadName]] = set()
        """Names of subscriptions, and workloads that they were seen to have."""

    @property
    def catalogue(self) -> Catalogue | None:
        return self._catalogue

    @property
    def revision(self) -> str:
        catalogue = self._catalogue
        return catalogue.revision if catalogue else ""

    @property
    def known(self) -> Mapping[str, datetime]:
        """Since when each subscription of the catalogue is known, by its name and what it is about."""
        with self._lock:
            return dict(self._known)

    def knew(self, known: Mapping[str, datetime]) -> None:
        """What is kept of what the gate knows, whichever process wrote it."""
        with self._lock:
            self._known = {**dict.fromkeys(self._keys, self._now()), **known}

    def judges(self, namespace: str) -> bool:
        """Whether workloads of that namespace are this gate's affair."""
        return not self._namespaces or namespace in self._namespaces

    def workloads(self) -> set[WorkloadName]:
        """Every workload of the gate's namespaces that the catalogue subscribes by name."""
        return self._named_in(self._catalogue) if self._catalogue else set()

    def _named_in(self, catalogue: Catalogue) -> set[WorkloadName]:
        return {name for name in catalogue.workloads() if self.judges(name.namespace)}

    def outside(self) -> Sequence[Subscription | Selection]:
        """What the catalogue subscribes outside of the gate's namespaces."""
        loaded = self._catalogue.loaded if self._catalogue else Loaded()
        named = [each for each in loaded.subscriptions if not self.judges(each.workload.namespace)]
        return [*named, *(each for each in loaded.selections if not self._may_find(each))]

    def selections(self) -> Sequence[Selection]:
        """What the catalogue subscribes by selector, wherever that is."""
        return self._catalogue.loaded.selections if self._catalogue else ()

    def reaches_beyond(self, selection: Selection) -> bool:
        """Whether it may find something outside of the gate's namespaces."""
        return bool(self._namespaces) and not selection.selector.is_within(self._namespaces)

    def _may_find(self, selection: Selection) -> bool:
        return not self._namespaces or any(map(selection.selector.is_about, self._namespaces))

    def put(self, catalogue: Catalogue) -> set[WorkloadName]:
        """Put another catalogue in force; returns the workloads that it, or the one before it, names."""
        with self._lock:
            if self._catalogue and self._catalogue.revision == catalogue.revision:
                self._catalogue = catalogue  # the same documents, known to be fresh
                return self._named_in(catalogue)
        resolved: dict[WorkloadName, list[_Resolved]] = {}
        before_it = {each.key: each for entries in self._resolved.values() for each in entries}
        for subscription in catalogue.loaded.subscriptions:
            if not self.judges(subscription.workload.namespace):
                continue
            key = _key(subscription.name, str(subscription.workload))
            entry = _resolve(catalogue, subscription, key, before_it.get(key))
            resolved.setdefault(subscription.workload, []).append(entry)
        keys = {entry.key for entries in resolved.values() for entry in entries}
        inside = [each for each in catalogue.loaded.selections if self._may_find(each)]
        keys |= {self._key_of(each, scope) for each in inside for scope in self._namespaces or ("",)}
        selections = Selections(inside)
        # A document that is broken just now is not one that was taken away.
        broken = {each.name for each in catalogue.broken_subscriptions}
        with self._lock:
            before = self.workloads()
            self._catalogue, self._resolved, self._selections, self._selected = catalogue, resolved, selections, {}
            self._keys = frozenset(keys)
            kept = {key: since for key, since in self._known.items() if key in keys or key.rpartition(".")[0] in broken}
            self._known = dict.fromkeys(keys, self._now()) | kept
            self._had |= {(entry.subscription.name, name) for name, entries in resolved.items() for entry in entries}
        return before | self._named_in(catalogue)

    def is_claimed(self, name: WorkloadName, labels: Labels) -> bool:
        """Whether a subscription that can be read is about the workload."""
        return name in self._resolved or bool(self._selecting(name, labels))

    def applied(self, workloads: Iterable[tuple[WorkloadName, Labels]]) -> Sequence[Subscription] | None:
        """Every subscription with the workload that it is about, those with a selector once for each that is there.

        Also those outside of the gate's namespaces: who asks for one must not hear that nobody subscribed.
        None while no catalogue has been read.
        """
        catalogue = self._catalogue
        if catalogue is None:
            return None
        there = workloads if catalogue.loaded.selections else ()
        found = [each.of(name) for name, labels in there for each in self._selecting(name, labels)]
        return [*catalogue.loaded.subscriptions, *found]

    def of(self, name: WorkloadName, labels: Labels, remembered: Sequence[str] = ()) -> Sequence[Claim]:
        """The claims on a workload, also those of subscriptions that cannot be read.

        `remembered` are the subscriptions that the workload is known to have had. One of them that is not there any
        more, while there are documents that nobody can tell whose they are, may be among those.
        """
        if not self.judges(name.namespace):
            return []
        with self._lock:
            catalogue = self._catalogue
            entries = [*self._resolved.get(name, []), *self._entries_selecting(catalogue, name, labels)]
            claims = [self._claim(entry) for entry in entries]
            self._had |= {(claim.name, name) for claim in claims}
        for broken in self._broken(catalogue, name) if catalogue else ():
            problems = tuple(str(each) for each in broken.problems)
            claims.append(Claim(name=broken.name, subscription=None, problems=problems, since=self._now()))
        nobodys = [broken for broken in catalogue.broken_subscriptions if not broken.workload] if catalogue else []
        lost = sorted(set(remembered) - {claim.name for claim in claims}) if nobodys else []
        problems = tuple(str(problem) for broken in nobodys for problem in broken.problems)
        return claims + [Claim(name=each, subscription=None, problems=problems, since=self._now()) for each in lost]

    def _claim(self, entry: _Resolved) -> Claim:
        subscription = entry.subscription
        path = subscription.place.rpartition(":")[0]
        refused = tuple(self._refused(path, subscription.workload, entry.workflows))
        return Claim(
            name=subscription.name,
            subscription=subscription,
            workflows=entry.workflows,
            problems=(*entry.problems, *refused),
            denied=bool(refused) and not entry.problems,
            since=self._known[entry.key],
        )

    def _entries_selecting(
        self, catalogue: Catalogue | None, name: WorkloadName, labels: Labels
    ) -> Iterable[_Resolved]:
        for selection in self._selecting(name, labels):
            key = self._key_of(selection, name.namespace)
            if (key, name) not in self._selected and catalogue:
                self._selected[key, name] = _resolve(catalogue, selection.of(name), key)
            yield self._selected[key, name]

    def _key_of(self, selection: Selection, namespace: str) -> str:
        """In a namespace that the gate is given later, a selection is known anew."""
        about = str(selection.selector)
        return _key(selection.pattern.name, f"{about} here: {namespace}" if self._namespaces else about)

    def _selecting(self, name: WorkloadName, labels: Labels) -> Sequence[Selection]:
        return self._selections.of(name, labels) if self.judges(name.namespace) else ()

    def _broken(self, catalogue: Catalogue, name: WorkloadName) -> Sequence[Broken]:
        """Also those that say only their own name, if that was known to be a subscription of the workload."""
        known = [
            each for each in catalogue.broken_subscriptions if not each.workload and (each.name, name) in self._had
        ]
        return [*catalogue.broken_of(name), *known]


def _resolve(catalogue: Catalogue, subscription: Subscription, key: str, before: _Resolved | None = None) -> _Resolved:
    """Once more only if something has changed on which it rests: most of a new revision is what was there before."""
    rests_on = catalogue.rests_on(subscription)
    if before and not before.problems and [*map(id, before.rests_on)] == [*map(id, rests_on)]:
        return before
    workflows, problems = catalogue.resolve(subscription)
    return _Resolved(subscription, key, workflows, tuple(str(each) for each in problems), rests_on)


def _key(name: str, about: str) -> str:
    """A subscription that turns to another workload is known anew."""
    return f"{name}.{fingerprint(about)}"
