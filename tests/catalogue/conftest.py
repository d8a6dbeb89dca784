"""Repositories as servers have them, and mirrors of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from gate.catalogue.repository import Repository
from gate.catalogue.sources import Source
from tests.catalogue.https_server import Server, serving
from tests.catalogues import Origin
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS

NOW = datetime(2026, 11, 21, tzinfo=UTC)
Mirrored = Callable[..., Repository]


@pytest.fixture
def origin(catalogue: Origin) -> Origin:
    """A catalogue with one subscription and one workflow."""
    catalogue.commit(subscriptions__checkout_yaml=SUBSCRIPTION, workflows__survives_yaml=WORKFLOW)
    return catalogue


@pytest.fixture
def mirrored(tmp_path: Path) -> Iterator[Mirrored]:
    """Makes mirrors of sources, in one folder unless there are several."""
    made: list[Repository] = []

    def mirror(source: Source, folder: str = "mirror", mark: str = "") -> Repository:
        made.append(Repository(source, tmp_path / folder, WORDS, mark))
        return made[-1]

    yield mirror
    for each in made:
        each.close()


@pytest.fixture
def mirror(origin: Origin, mirrored: Mirrored) -> Repository:
    return mirrored(Source(address=str(origin.folder)))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def server(origin: Origin, authority: trustme.CA) -> Iterator[Server]:
    """Serves the catalogue as `/catalogue/.git`."""
    with serving(origin.folder.parent, authority) as running:
        yield running
