"""Several catalogues as one: where two have a document of the same kind and name, the one that goes before counts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from gate.documents.catalogue import Catalogue
from gate.documents.precedence import preferred
from gate.documents.vocabulary import Vocabulary
from gate.errors import GateError, Temporary


class Mirror(Protocol):
    """One of them."""

    @property
    def shown(self) -> str: ...
    def fetch(self) -> object: ...
    def fetched(self) -> datetime | None: ...
    def read(self, fetched: datetime) -> Catalogue: ...
    def close(self) -> None: ...


class Several:
    """The catalogue of all. Used by one thread."""

    def __init__(self, mirrors: Sequence[tuple[str, Mirror]], vocabulary: Vocabulary) -> None:
        """With their names, the one that goes before all others first."""
        self._mirrors, self._vocabulary = mirrors, vocabulary

    @property
    def shown(self) -> str:
        return ", ".join(mirror.shown for _, mirror in self._mirrors)

    def close(self) -> None:
        for _, mirror in self._mirrors:
            mirror.close()

    def fetch(self) -> None:
        """Bring all up to date, one after the other. `Temporary` with every one that could not be."""
        problems = []
        for _, mirror in self._mirrors:
            try:
                mirror.fetch()
            except GateError as error:
                problems.append(str(error))
        if problems:
            raise Temporary("; ".join(problems))

    def fetched(self) -> datetime | None:
        """When all were up to date; None if one never was."""
        moments = [mirror.fetched() for _, mirror in self._mirrors]
        known = [moment for moment in moments if moment]
        return min(known) if len(known) == len(moments) else None

    def read(self, fetched: datetime) -> Catalogue:
        """Raises `Permanent` if there is nothing of one of them: nobody knows then which documents count."""
        read = [(name, mirror.read(fetched)) for name, mirror in self._mirrors]
        return Catalogue(
            revision=" ".join(f"{name}@{each.revision}" for name, each in read),
            fetched=fetched,
            loaded=preferred([each.loaded for _, each in read]),
            vocabulary=self._vocabulary,
            not_taken=tuple(newer for _, each in read for newer in each.not_taken),
        )
