"""`${parameters.delay}` and a fixed list of facts, filled in. No expressions: a document can never run anything."""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gate.documents.mistakes import MOST_TOLD, unknown
from gate.documents.tree import MOST_LETTERS, Path, Tree, dotted
from gate.errors import BadDocument

FACTS = ("workload.kind", "workload.namespace", "workload.name", "environment")
"""What anybody may refer to."""
PARAMETERS = "parameters."
"""How the names of parameters begin in references."""

_REFERENCE = re.compile(r"\$\{([^{}]*)\}")
_MISSPELT = 0.85
"""How close a word has to be to `parameters.`: `params.` may be meant for an interpreter."""


@dataclass(slots=True)
class Filling:
    """One pass over a document: which names were used, and which are not known, with their places."""

    names: Mapping[str, Any]
    ours: str = ""
    """How the names begin that are filled in; other references are left as they are, for a shell."""
    used: set[str] = field(default_factory=set)
    unknown: list[tuple[Path, str]] = field(default_factory=list)
    letters: int = 0
    """What has been filled in: few references to long values make very much."""

    def fill(self, value: Any, path: Path) -> Any:
        """The value with every reference filled in. A reference that is the whole value keeps its type."""
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, index)) for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return self._named(whole, path)
        if f"${{{self.ours}" in _REFERENCE.sub("", value):
            self.unknown.append((path, f'"{value}" has a reference that is none; write it like ${{parameters.delay}}'))
            return value
        return _REFERENCE.sub(lambda found: self._within_text(found, path), value)

    def _within_text(self, found: re.Match[str], path: Path) -> str:
        value = self._named(found, path)
        if isinstance(value, dict | list):
            self._note(
                path, f"{found[0]} is a {'list' if isinstance(value, list) else 'mapping'} and stands within text"
            )
        return str(value).lower() if isinstance(value, bool) else str(value)

    def _named(self, found: re.Match[str], path: Path) -> Any:
        name = found[1].strip()
        if name in self.names:
            self.used.add(name)
            value = self.names[name]
            self.letters += len(value) if isinstance(value, str) else 0
            if self.letters <= MOST_LETTERS:
                return value
            self._note(path, f"too much is filled in: at most {MOST_LETTERS} letters in a document")
            return found[0]
        if not self._is_ours(name):
            return found[0]
        self._note(path, unknown(name, self.names, "one of the names that can be filled in:"))
        return f"${{{name}}}"

    def _is_ours(self, name: str) -> bool:
        """Also if it is misspelt: no shell has names with a dot."""
        if name.startswith(self.ours):
            return True
        word, dot, _ = name.partition(".")
        close = word.isalpha() and difflib.get_close_matches(word + dot, [self.ours], cutoff=_MISSPELT)
        return bool(dot and close)

    def _note(self, path: Path, why: str) -> None:
        if len(self.unknown) < MOST_TOLD:
            self.unknown.append((path, why))


def references(value: Any) -> set[str]:
    """The names that a value refers to."""
    return {name.strip() for name in _REFERENCE.findall(value)} if isinstance(value, str) else set()


def referred(tree: Tree, problem: BadDocument) -> set[str]:
    """The names that stand where the mistake is: with another value there may be none."""
    path = next(
        (path for path, place in tree.places.items() if place == problem.place and dotted(path) == problem.path), ()
    )
    return references(tree.at(path))
