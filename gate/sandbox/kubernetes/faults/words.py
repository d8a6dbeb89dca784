"""Words for resources in rules for faults: whether any request can match one, and if not, what its writer meant."""

import difflib
from collections.abc import Collection, Iterable, Mapping
from fnmatch import fnmatchcase

from gate.documents.mistakes import unknown
from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.routes import subresources

_OF_CUSTOM = ("scale", "status")
"""The subresources that a custom resource may have."""
_NEARLY = 0.9
"""How like a known word a group has to be to count as its misspelling, and not as the group of what comes later."""


class Words:
    """What rules can name: the resources that there are, with their subresources, and custom ones that come later."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        verbs: dict[str, set[str]] = {}
        for resource in resources:
            for word in (resource.plural, resource.qualified):
                verbs.setdefault(word, set()).update(resource.verbs)
                for name, those in subresources(resource).items():
                    verbs.setdefault(f"{word}/{name}", set()).update(those)
        self._verbs: Mapping[str, set[str]] = verbs

    def mistake(self, pattern: str, verbs: Collection[str]) -> str | None:
        """Why no request with one of the verbs (none: any) matches the pattern; None: one can."""
        fitting = [word for word in self._verbs if fnmatchcase(word, pattern)]
        if not fitting:
            return self._unknown(pattern)
        possible = set[str]().union(*(self._verbs[word] for word in fitting))
        if verbs and not possible & set(verbs):
            return f'"{pattern}" is only asked for with {", ".join(sorted(possible))}, never with {", ".join(verbs)}'
        return None

    def _unknown(self, pattern: str) -> str | None:
        named, slash, subresource = pattern.partition("/")
        if any(fnmatchcase(word, named) for word in self._verbs):
            below = {
                rest for word in self._verbs for head, _, rest in [word.partition("/")] if fnmatchcase(head, named)
            }
            there = sorted(below - {""})
            return f'"{pattern}": {unknown(subresource, there, f"a subresource of {named}, which has")}'
        if self._comes_later(named) and (not slash or any(fnmatchcase(each, subresource) for each in _OF_CUSTOM)):
            return None
        with_group = "." in named
        alike = (word for word in self._verbs if "/" not in word and ("." in word) == with_group)
        return unknown(named, sorted(alike), "one of")

    def _comes_later(self, named: str) -> bool:
        """Of custom resources the group has a dot, and a rule names it, so that it is no typo of what is there."""
        group = named.partition(".")[2]
        return "." in group and not difflib.get_close_matches(named, self._verbs, n=1, cutoff=_NEARLY)
