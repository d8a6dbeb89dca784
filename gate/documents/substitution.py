"""`${parameters.delay}` and a fixed list of facts, filled in. No expressions: a document can never run anything."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gate.documents.mistakes import MOST_TOLD, unknown
from gate.documents.tree import Path

_REFERENCE = re.compile(r"\$\{([^{}]*)\}")


@dataclass(slots=True)
class Filling:
    """One pass over a document: which names were used, and which are not known, with their places."""

    names: Mapping[str, Any]
    used: set[str] = field(default_factory=set)
    unknown: list[tuple[Path, str]] = field(default_factory=list)

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
            return self._named(whole[1], path)
        if "${" in _REFERENCE.sub("", value):
            self.unknown.append((path, f'"{value}" has a reference that is none; write it like ${{parameters.delay}}'))
            return value
        return _REFERENCE.sub(lambda found: str(self._named(found[1], path)), value)

    def _named(self, name: str, path: Path) -> Any:
        name = name.strip()
        if name in self.names:
            self.used.add(name)
            return self.names[name]
        if len(self.unknown) < MOST_TOLD:
            self.unknown.append((path, unknown(name, self.names, "one of the names that can be filled in:")))
        return f"${{{name}}}"


def references(value: Any) -> set[str]:
    """The names that a value refers to."""
    return {name.strip() for name in _REFERENCE.findall(value)} if isinstance(value, str) else set()
