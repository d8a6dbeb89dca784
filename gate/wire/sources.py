"""The catalogues of the settings: where they come from, and one repository of them all."""

from collections.abc import Sequence
from pathlib import Path

from gate.catalogue.repository import Repository
from gate.catalogue.several import Several
from gate.catalogue.sources import Source, read_sources
from gate.config import Settings
from gate.documents.vocabulary import Vocabulary
from gate.errors import GateError
from gate.gitlab.webhooks import is_repository


def sources_of(settings: Settings) -> tuple[Source, ...]:
    """Raises `GateError` with all that is wrong with them."""
    if settings.catalogues:
        return read_sources(settings.catalogues)
    source = Source(address=settings.catalogue, branch=settings.branch)
    if source.problem:
        raise GateError(f"CHAOS_GATE_CATALOGUE: {source.problem}, in the file of CHAOS_GATE_CATALOGUES")
    return (source,)


def repository_of(sources: Sequence[Source], state: Path, vocabulary: Vocabulary) -> Repository | Several:
    """With mirrors in the folder `state`."""
    if len(sources) == 1:
        return Repository(sources[0], state / "catalogue.git", vocabulary)
    mirrors = [
        (each.name, Repository(each, state / f"catalogue-{each.name}.git", vocabulary, mark=f"{each.name}:"))
        for each in sources
    ]
    return Several(mirrors, vocabulary)


def is_read(sources: Sequence[Source], project: str, ref: str) -> bool:
    """Whether what was pushed there is of a catalogue."""
    return any(ref == each.ref and is_repository(each.address, project) for each in sources)
