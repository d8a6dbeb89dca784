"""All documents at one revision, and what they ask of a workload. Pure: git is the affair of the room `catalogue`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from gate.documents.loading import Broken, Loaded
from gate.documents.mistakes import unknown
from gate.documents.vocabulary import Vocabulary
from gate.documents.workflows import build, facts_of
from gate.errors import BadDocument, Place
from gate.model import Subscription, Workflow, WorkloadName


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """The documents at one git revision."""

    revision: str
    fetched: datetime
    """When this was last known to be the newest revision."""
    loaded: Loaded
    vocabulary: Vocabulary = field(repr=False)

    def subscriptions_of(self, name: WorkloadName) -> Sequence[Subscription]:
        """The subscriptions of a workload that can be read."""
        return [each for each in self.loaded.subscriptions if each.workload == name]

    def broken_of(self, name: WorkloadName) -> Sequence[Broken]:
        """Subscriptions of the workload that cannot be read, as far as they still say whose they are."""
        return [each for each in self.loaded.broken if each.kind == "Subscription" and each.workload == name]

    def workloads(self) -> set[WorkloadName]:
        """Every workload that some document subscribes."""
        named = {each.workload for each in self.loaded.subscriptions}
        return named | {each.workload for each in self.loaded.broken if each.workload}

    def resolve(self, subscription: Subscription) -> tuple[tuple[Workflow, ...], tuple[BadDocument, ...]]:
        """The workflows of a subscription with its parameters filled in; or what keeps it from having them."""
        workflows, problems = [], []
        twins = [each for each in self.loaded.subscriptions if each.name == subscription.name]
        if len(twins) > 1:
            where = " and ".join(each.place for each in twins)
            problems.append(self._problem(subscription, f"two subscriptions are called {subscription.name}: {where}"))
        for index, use in enumerate(subscription.workflows):
            found, wrong = self._workflow(subscription, index)
            workflows += [found] if found else []
            problems += [self._problem(subscription, f"{use.name}: {each}") for each in wrong]
        return tuple(workflows), tuple(problems)

    def _workflow(self, subscription: Subscription, index: int) -> tuple[Workflow | None, list[str]]:
        use = subscription.workflows[index]
        documents = [each for each in self.loaded.workflows if each.name == use.name]
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
        workflow, wrong = build(document, use.parameters, facts_of(subscription), self.vocabulary)
        return workflow, [str(each) for each in wrong]

    def _missing(self, name: str) -> list[str]:
        broken = [each for each in self.loaded.broken if each.kind == "Workflow" and each.name == name]
        if broken:
            return [str(problem) for each in broken for problem in each.problems]
        illegible = [str(problem) for each in self.loaded.broken if not each.name for problem in each.problems]
        known = sorted(each.name for each in self.loaded.workflows)
        return [unknown(name, known, "one of the workflows:"), *illegible]

    def _problem(self, subscription: Subscription, why: str) -> BadDocument:
        file, _, line = subscription.place.rpartition(":")
        return BadDocument(why, place=Place(file=file, line=int(line)), path="spec.workflows")
