"""The registry: the rows in force, found by a path or by what an object says of itself."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Lock

from gate.sandbox.kubernetes.registry.resource import Resource
from gate.sandbox.kubernetes.registry.resources import BUILT_IN


@dataclass(slots=True)
class Registry:
    """The rows in force: the built-in ones, and those that CustomResourceDefinitions add and take away."""

    _rows: tuple[Resource, ...] = BUILT_IN
    _changing: Lock = field(default_factory=Lock)

    def __iter__(self) -> Iterator[Resource]:
        return iter(self._rows)

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        for row in self._rows:
            if (row.group, row.version, row.plural) == (group, version, plural):
                return row
        return None

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        """The row of an object, or of an owner reference."""
        for row in self._rows:
            if (row.api_version, row.kind) == (api_version, kind):
                return row
        return None

    def replace_custom(self, group: str, plural: str, rows: tuple[Resource, ...]) -> None:
        """Serve these rows (none: nothing more) for a custom resource, in place of those served until now."""
        with self._changing:
            kept = tuple(row for row in self._rows if not (row.custom and row.key == (group, plural)))
            self._rows = kept + rows
