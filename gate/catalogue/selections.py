"""The selections of one catalogue, laid out so that a workload finds those about it without asking each of them."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from fnmatch import translate

from gate.model import Selection, WorkloadKind, WorkloadName

Label = tuple[WorkloadKind, str, str]
"""A label as workloads of a kind may have it."""


class Selections:
    """Each lies under the one of its labels that the fewest others ask for: few workloads have that one."""

    def __init__(self, selections: Iterable[Selection]) -> None:
        numbered = list(enumerate(selections))
        wanted = Counter(label for _, each in numbered for label in _labels(each))
        self._by_label: dict[Label, list[tuple[int, re.Pattern[str], Selection]]] = defaultdict(list)
        for number, each in numbered:
            rarest = min(_labels(each), key=lambda label: (wanted[label], label))
            self._by_label[rarest].append((number, _any_of(each.selector.namespaces), each))

    def of(self, name: WorkloadName, labels: Mapping[str, str]) -> list[Selection]:
        """Those that find the workload, in the catalogue's order."""
        found = [
            (number, selection)
            for label in labels.items()
            for number, namespaces, selection in self._by_label.get((name.kind, *label), ())
            if selection.selector.labels.items() <= labels.items() and namespaces.match(name.namespace)
        ]
        return [selection for _, selection in sorted(found, key=lambda each: each[0])]


def _labels(selection: Selection) -> Iterable[Label]:
    """There is at least one: a selector without labels is a mistake."""
    selector = selection.selector
    return [(selector.kind, key, value) for key, value in selector.labels.items()]


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(translate, patterns)))
