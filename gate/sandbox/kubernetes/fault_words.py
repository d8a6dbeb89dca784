"""Words for resources in rules for faults: whether any request can match one, and if not, what its writer meant."""

import difflib
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase

from gate.documents.mistakes import unknown
from gate.sandbox.kubernetes.resources import Resource
from gate.sandbox.kubernetes.routes import subresources

_OF_CUSTOM = ("scale", "status")
"""The subresources that a custom resource may have."""
_NEARLY = 0.9
"""How like a known word a group has to be to count as its misspelling, and not as the group of what comes later."""


class Words:
    """What rules can name: the resources that there are, with their subresources, and custom ones that come later."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        served: dict[str, set[str]] = {}
        for resource in resources:
            for word in (resource.plural, resource.qualified):
                served.setdefault(word, set()).update(subresources(resource))
        self._served: Mapping[str, set[str]] = served

    def mistake(self, pattern: str) -> str | None:
        """Why no request matches the pattern; None: one can."""
        named, slash, subresource = pattern.partition("/")
        heads = [word for word in self._served if fnmatchcase(word, named)]
        if any(fnmatchcase(word, pattern) for word in self._all()):
            return None
        if heads:
            there = sorted({each for head in heads for each in self._served[head]})
            return f'"{pattern}": {unknown(subresource, there, f"a subresource of {named}, which has")}'
        if self._comes_later(named) and (not slash or any(fnmatchcase(each, subresource) for each in _OF_CUSTOM)):
            return None
        group = "." in named
        return unknown(named, sorted(word for word in self._served if ("." in word) == group), "one of")

    def _all(self) -> Iterable[str]:
        for word, names in self._served.items():
            yield word
            yield from (f"{word}/{name}" for name in names)

    def _comes_later(self, named: str) -> bool:
        """Of custom resources the group has a dot, and a rule names it, so that it is no typo of what is there."""
        group = named.partition(".")[2]
        return "." in group and not difflib.get_close_matches(named, self._served, n=1, cutoff=_NEARLY)
