"""Documents of several catalogues together: a name that one has taken, those after it cannot give to another. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from gate.documents.loading import COMING, KINDS, Broken, Loaded
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

    A name is taken also by a document that is broken: else a mistake in it would put another one in force. While it
    does not even say its name, it might be any of those after it, and these are broken as well.
    """
    taken: dict[Name, Place] = {}
    nameless: dict[str, Place] = {}
    parts = []
    for loaded in catalogues:
        parts.append(_Parting(taken, nameless).left(loaded))
        named, unnamed = _names(loaded)
        taken, nameless = {**named, **taken}, {**unnamed, **nameless}
    return Loaded.together(parts)


def _names(loaded: Loaded) -> tuple[dict[Name, Place], dict[str, Place]]:
    """The names that the catalogue gives, each with its place; and the kinds of which one does not say its name."""
    everything: list[OfCatalogue] = [*loaded.subscriptions, *loaded.selections, *loaded.workflows]
    everything += [*loaded.faults, *loaded.broken]
    named: dict[Name, Place] = {}
    unnamed: dict[str, Place] = {}
    for (kind, name), place in map(_named, everything):
        for meant in (kind,) if kind in {*KINDS, *COMING} else KINDS:
            if name:
                named.setdefault((meant, name), place)
            else:
                unnamed.setdefault(meant, place)
    return named, unnamed


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

    def __init__(self, taken: Mapping[Name, Place], nameless: Mapping[str, Place]) -> None:
        self._taken, self._nameless = taken, nameless
        self._notes: list[BadDocument] = []
        self._held_up: list[Broken] = []

    def left(self, loaded: Loaded) -> Loaded:
        free = replace(
            loaded,
            subscriptions=self._free(loaded.subscriptions),
            selections=self._free(loaded.selections),
            workflows=self._free(loaded.workflows),
            faults=self._free(loaded.faults),
            broken=self._free(loaded.broken),
        )
        return replace(free, broken=(*free.broken, *self._held_up), notes=(*loaded.notes, *self._notes))

    def _free(self, documents: Sequence[Document]) -> tuple[Document, ...]:
        found = []
        for document in documents:
            name, place = _named(document)
            if before := self._taken.get(name):
                why = f"is passed over: {before} goes before it, and is a {name[0]} called {name[1]}, too"
                self._notes.append(BadDocument(why, place=place, path="metadata.name"))
            elif (unknown := self._nameless.get(name[0])) and not isinstance(document, Broken):
                why = (
                    f"is held up: {unknown} goes before it, might be {name[1]}, too, and cannot be read; mend that one"
                )
                problem = BadDocument(why, place=place, path="metadata.name")
                self._held_up.append(_broken(document, name, problem))
            else:
                found.append(document)
        return tuple(found)


def _broken(document: OfCatalogue, name: Name, problem: BadDocument) -> Broken:
    subscription = document if isinstance(document, Subscription) else None
    return Broken(
        kind=name[0],
        name=name[1],
        workload=subscription.workload if subscription else None,
        project=subscription.project if subscription else "",
        problems=(problem,),
    )
