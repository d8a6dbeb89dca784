"""All documents at one revision, and what they ask of a workload. Pure: git is the affair of the room `catalogue`."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import TypeVar

from gate.documents.loading import COMING, KINDS, Broken, Loaded, link
from gate.documents.mistakes import unknown
from gate.documents.own_faults import OwnFaults
from gate.documents.positions import place_of
from gate.documents.tree import Path, dotted
from gate.documents.vocabulary import Vocabulary
from gate.documents.workflows import WorkflowDocument, build, facts_of
from gate.errors import BadDocument
from gate.model import Subscription, Workflow, WorkloadName

Key = TypeVar("Key")
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True, kw_only=True)
class NotTaken:
    """A newer revision than the one in force, that cannot take its place."""

    revision: str
    why: str
    """One sentence that names it."""
    instead: str
    """The revision that stays in force."""

    def __str__(self) -> str:
        return f"{self.why}; {self.instead[:12]} stays in force"


@dataclass(frozen=True, kw_only=True)  # without slots, for what is looked up by name thousands of times
class Catalogue:
    """The documents at one git revision."""

    revision: str
    fetched: datetime
    """When this was last known to be the newest revision."""
    loaded: Loaded
    vocabulary: Vocabulary = field(repr=False)
    not_taken: tuple[NotTaken, ...] = ()
    """Of one repository there is at most one; there may be several repositories."""

    def subscriptions_of(self, name: WorkloadName) -> Sequence[Subscription]:
        """The subscriptions of a workload that can be read."""
        return self._by_workload.get(name, [])

    def broken_of(self, name: WorkloadName) -> Sequence[Broken]:
        """Subscriptions of the workload that cannot be read, as far as they still say whose they are."""
        return [each for each in self.broken_subscriptions if each.workload == name]

    @cached_property
    def broken_subscriptions(self) -> Sequence[Broken]:
        """What is, or with its kind misspelt may be, a subscription that cannot be read."""
        others = {*KINDS, *COMING} - {"Subscription"}
        return [each for each in self.loaded.broken if each.kind not in others]

    def workloads(self) -> set[WorkloadName]:
        """Every workload that some document subscribes by name."""
        named = {each.workload for each in self.loaded.subscriptions}
        return named | {each.workload for each in self.broken_subscriptions if each.workload}

    def workflow_documents(self, name: str) -> Sequence[WorkflowDocument]:
        """The workflows of that name that can be read; more than one are a mistake."""
        return self._workflows.get(name, [])

    def resolve(self, subscription: Subscription) -> tuple[tuple[Workflow, ...], tuple[BadDocument, ...]]:
        """The workflows of a subscription with its parameters filled in; or what keeps it from having them."""
        workflows, problems = [], []
        twins = self._by_name.get(subscription.name, [])
        if len(twins) > 1:
            where = " and ".join(each.place for each in twins)
            why = f"two subscriptions are called {subscription.name}: {where}"
            problems.append(_problem(subscription, why, ("metadata", "name")))
        for index, use in enumerate(subscription.workflows):
            found, wrong = self._workflow(subscription, index)
            workflows += [found] if found else []
            path = ("spec", "workflows", index)
            problems += [_problem(subscription, f"{use.name}: {each}", path) for each in wrong]
        return tuple(workflows), tuple(problems)

    def rests_on(self, subscription: Subscription) -> tuple[object, ...]:
        """All that the workflows of a subscription are made from, if it has no problems."""
        workflows = (each for use in subscription.workflows for each in self.workflow_documents(use.name))
        return (*self._by_name.get(subscription.name, ()), *workflows, *self.loaded.faults)

    def _workflow(self, subscription: Subscription, index: int) -> tuple[Workflow | None, list[str]]:
        use = subscription.workflows[index]
        documents = self.workflow_documents(use.name)
        if len(documents) > 1:
            return None, [f"two workflows have this name: {' and '.join(str(d.tree.place(())) for d in documents)}"]
        if not documents:
            return None, self._missing(use.name)
        (document,) = documents
        if strange := sorted(use.parameters.keys() - document.parameters.keys()):
            return None, [unknown(name, document.parameters, "one of its parameters:") for name in strange]
        needed = {name for name, each in document.parameters.items() if "default" not in each.model_fields_set}
        if missing := sorted(needed - use.parameters.keys()):
            return None, [f"the parameter {name} has no default and is not given" for name in missing]
        workflow, wrong = build(document, use.parameters, facts_of(subscription), self.vocabulary, self._faults)
        return workflow, [str(each) for each in wrong]

    def _missing(self, name: str) -> list[str]:
        broken = [each for each in self.linked.broken if each.kind == "Workflow" and each.name == name]
        if broken:
            return [str(problem) for each in broken for problem in each.problems]
        illegible = [str(problem) for each in self.loaded.broken if not each.name for problem in each.problems]
        return [unknown(name, sorted(self._workflows), "one of the workflows:"), *illegible]

    @property
    def written(self) -> Sequence[Subscription]:
        """Every subscription as it is written; those with a selector have a stand-in for their workload."""
        return [*self.loaded.subscriptions, *(each.pattern for each in self.loaded.selections)]

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[Subscription]]:
        return _grouped(self.written, lambda each: each.name)

    @cached_property
    def _by_workload(self) -> Mapping[WorkloadName, Sequence[Subscription]]:
        return _grouped(self.loaded.subscriptions, lambda each: each.workload)

    @cached_property
    def linked(self) -> Loaded:
        """What the documents say together: a workflow that wants a fault that nobody has is broken."""
        return link(self.loaded, self._faults, self.vocabulary)

    @cached_property
    def _faults(self) -> OwnFaults:
        return _grouped(self.loaded.faults, lambda each: each.name)

    @cached_property
    def _workflows(self) -> Mapping[str, Sequence[WorkflowDocument]]:
        return _grouped(self.linked.workflows, lambda each: each.name)


def _problem(subscription: Subscription, why: str, path: Path) -> BadDocument:
    return BadDocument(why, place=place_of(subscription, path), path=dotted(path))


def _grouped(items: Iterable[Item], key: Callable[[Item], Key]) -> Mapping[Key, Sequence[Item]]:
    groups = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return dict(groups)
