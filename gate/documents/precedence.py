"""Documents of several catalogues together: a name that one has taken, those after it cannot give to another. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from gate.documents.loading import Broken, Loaded
from gate.documents.own_faults import OwnFault
from gate.documents.positions import place_of
from gate.documents.workflows import WorkflowDocument
from gate.errors import BadDocument, Place
from gate.model import Selection, Subscription

Name = tuple[str, str]
"""A kind and a name."""
OfCatalogue = Subscription | Selection | WorkflowDocument | OwnFault | Broken
Document = TypeVar("Document", Subscription, Selection, WorkflowDocument, OwnFault, Broken)
_NAME = ("metadata", "name")


def preferred(catalogues: Sequence[Loaded]) -> Loaded:
    """What they say, the first one before the others. What is passed over becomes a note.

    A name is taken also by a document that is broken: else a mistake in it would put another one in force.
    """
    taken: dict[Name, Place] = {}
    parts = []
    for loaded in catalogues:
        parts.append(_Parting(taken).left(loaded))
        taken = {**_names(loaded), **taken}
    return Loaded.together(parts)


def _names(loaded: Loaded) -> dict[Name, Place]:
    """The names that the catalogue gives, each with its place."""
    everything: list[OfCatalogue] = [*loaded.subscriptions, *loaded.selections, *loaded.workflows]
    everything += [*loaded.faults, *loaded.broken]
    named = [_named(each) for each in everything]
    return dict(reversed([(name, place) for name, place in named if all(name)]))


def _named(document: OfCatalogue) -> tuple[Name, Place]:
    match document:
        case Selection():
            return _named(document.pattern)
        case Subscription():
            return ("Subscription", document.name), place_of(document, _NAME)
        case Broken():
            return (document.kind, document.name), document.problems[0].place
        case WorkflowDocument():
            return ("Workflow", document.name), document.tree.place(_NAME)
        case OwnFault():
            return ("Fault", document.name), document.tree.place(_NAME)


class _Parting:
    """What one catalogue has left when those before it have taken their names."""

    def __init__(self, taken: Mapping[Name, Place]) -> None:
        self._taken = taken
        self._notes: list[BadDocument] = []

    def left(self, loaded: Loaded) -> Loaded:
        free = replace(
            loaded,
            subscriptions=self._free(loaded.subscriptions),
            selections=self._free(loaded.selections),
            workflows=self._free(loaded.workflows),
            faults=self._free(loaded.faults),
            broken=self._free(loaded.broken),
        )
        return replace(free, notes=(*loaded.notes, *self._notes))

    def _free(self, documents: Sequence[Document]) -> tuple[Document, ...]:
        found = []
        for document in documents:
            name, place = _named(document)
            if before := self._taken.get(name):
                why = f"is passed over: {before} goes before it, and is a {name[0]} called {name[1]}, too"
                self._notes.append(BadDocument(why, place=place, path="metadata.name"))
            else:
                found.append(document)
        return tuple(found)
