"""Whatever is in a catalogue, it is read, reviewed and resolved, and what is wrong becomes a problem with a place."""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gate.documents.catalogue import Catalogue
from gate.documents.loading import Loaded, load
from gate.documents.review import Severity, review
from tests.documents.test_loading import SUBSCRIPTION, WORKFLOW
from tests.documents.vocabularies import WORDS

QUANTITIES = ["1s", "1", "1%", "20/s", "9" * 30]
NAMES = ["", "x", "on", "~", "http", "http://[", "(", "Deployment", "checkout", "survives", "\u2028"]
REFERENCES = ["${parameters.patience}", "${workload.kind}", "${parameters.}", "${}", "${"]
WORDS_OF_DOCUMENTS = st.sampled_from([*QUANTITIES, *NAMES, *REFERENCES])
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | WORDS_OF_DOCUMENTS
FIELDS = st.sampled_from(["", "name", "kind", "with", "http", "expect", "default", "parameters", "x"])
ANYTHING = st.recursive(SCALARS, lambda each: st.lists(each, max_size=2) | st.dictionaries(FIELDS, each, max_size=2))

Place = tuple[Any, Any]


def places(value: Any) -> Iterator[Place]:
    """Every container in a document, with every key in it."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield value, key
        yield from places(each)


@st.composite
def spoilt(draw: st.DrawFn, document: str) -> str:
    """The document with a few of its parts replaced, taken out or added."""
    whole = {"document": yaml.safe_load(document)}
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(list(places(whole))))
        if draw(st.booleans()):
            container[key] = copy.deepcopy(draw(ANYTHING))
        elif isinstance(container, dict):
            if container is not whole:
                del container[key]
            container[draw(FIELDS)] = copy.deepcopy(draw(ANYTHING))
        else:
            container.insert(key, copy.deepcopy(draw(ANYTHING)))
    return yaml.safe_dump(whole["document"], allow_unicode=True)


@given(spoilt(SUBSCRIPTION), spoilt(WORKFLOW), st.booleans())
def test_a_spoilt_catalogue_has_an_error_or_is_resolved(subscription: str, workflow: str, one_spoilt: bool) -> None:
    texts = (SUBSCRIPTION if one_spoilt else subscription, workflow)
    loaded = Loaded.together(load(text.encode(), f"{n}.yaml", WORDS) for n, text in enumerate(texts))
    catalogue = Catalogue(revision="", fetched=datetime.now(UTC), loaded=loaded, vocabulary=WORDS)
    errors = [finding for finding in review(catalogue) if finding.severity is Severity.ERROR]
    resolved = [catalogue.resolve(each) for each in loaded.subscriptions]
    assert errors or all(workflows and not problems for workflows, problems in resolved)
    assert all(1 <= each.place.line <= texts[int(each.place.file[0])].count("\n") + 1 for each in errors)
